"""What Consul says of a service, with its age, and how the gateway's version changes it."""

import logging

import pytest
from echoroute.api.selection import Selection, Service
from echoroute.core.facts import Answered, Unanswered
from echoroute.core.instances import Instance, State
from echoroute.core.reasons import Reason
from echoroute.engine.discovery import Discovery

ECHO = Selection(Service("echo"))
GOOD = Instance("good", "echo", "10.0.0.1", "10.9.9.9", 8080, State.PASSING)
SIX = Instance("six", "echo", "2001:db8::1", "10.9.9.9", 8080, State.PASSING)
ODD = Instance("odd", "echo", "", "10.9.9.9", 8080, State.PASSING)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def discovery(clock: Clock) -> Discovery:
    made = Discovery(configured=True, forbidden=(), clock=clock)
    made.follow({ECHO})
    return made


def _answered(discovery: Discovery) -> Answered:
    fact = discovery.fact(ECHO)
    assert isinstance(fact, Answered)
    return fact


def test_what_cannot_be_used_has_an_age_that_starts_anew_when_it_was_mended(discovery: Discovery, clock: Clock) -> None:
    discovery.answered(ECHO.service, (GOOD, ODD))
    clock.now = 20.0
    discovery.answered(ECHO.service, (GOOD, ODD, SIX))
    assert _answered(discovery).unusable_for == 20.0
    discovery.answered(ECHO.service, (GOOD,))
    assert _answered(discovery).unusable_for == 0.0
    clock.now = 50.0
    discovery.answered(ECHO.service, (GOOD, ODD))
    assert _answered(discovery).unusable_for == 0.0


@pytest.mark.parametrize(
    ("server", "healthy", "why"),
    [
        ("APISIX/3.18.0", 2, "it puts the brackets that nginx wants"),
        ("APISIX/3.17.1", 1, "it does not"),
        ("APISIX/4.0.0", 2, "newer"),
        ("APISIX", 2, "it does not tell: counted"),
        ("", 2, "a proxy before it tells nothing: counted"),
    ],
)
def test_ipv6_counts_by_the_gateways_version(discovery: Discovery, server: str, healthy: int, why: str) -> None:
    discovery.answered(ECHO.service, (GOOD, SIX))
    assert discovery.gateway_is(server) == ([] if healthy == 2 else [ECHO]), why
    assert _answered(discovery).healthy == healthy
    assert len(_answered(discovery).unusable) == 2 - healthy


def test_an_upgrade_of_the_gateway_is_seen(discovery: Discovery) -> None:
    discovery.gateway_is("APISIX/3.17.0")
    discovery.answered(ECHO.service, (SIX,))
    assert _answered(discovery).healthy == 0
    assert discovery.gateway_is("APISIX/3.17.0") == []
    assert discovery.gateway_is("APISIX/3.18.0") == [ECHO]
    assert _answered(discovery).healthy == 1


def test_a_version_that_is_not_told_is_told_of_once(discovery: Discovery, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    discovery.answered(ECHO.service, (SIX,))
    assert caplog.records == [], "the gateway was not asked yet"
    discovery.gateway_is("")
    discovery.answered(ECHO.service, (GOOD, SIX))
    assert len(caplog.records) == 1
    assert "does not tell its version" in caplog.text


def test_what_may_not_be_read_is_no_answer_and_an_answer_stays(discovery: Discovery) -> None:
    discovery.failed(ECHO.service, Reason.CONSUL_ACCESS_DENIED)
    assert discovery.fact(ECHO) == Unanswered(Reason.CONSUL_ACCESS_DENIED)
    assert discovery.settles_in([ECHO]) == 0.0, "there is nothing to wait for"
    discovery.answered(ECHO.service, (GOOD,))
    discovery.failed(ECHO.service, Reason.CONSUL_ACCESS_DENIED)
    assert _answered(discovery).healthy == 1
