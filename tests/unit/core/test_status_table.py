"""The status table: each situation alone, and pairs, which combine by themselves."""

from datetime import UTC, datetime

import pytest
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import Answered, Facts, Failed, NotConfigured, Programmed, Refusal, Unanswered, Waiting
from echoroute.core.objects import JsonObject
from echoroute.core.reasons import Reason
from echoroute.core.status import parse_previous

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
HEALTHY = Answered(healthy=2, total=2, seen_healthy=True, unhealthy_for=0.0)
NOBODY = Answered(healthy=0, total=0, seen_healthy=False, unhealthy_for=0.0)
SICK = Answered(healthy=0, total=2, seen_healthy=True, unhealthy_for=GRACE)
UNREACHABLE = Failed(Reason.GATEWAY_UNREACHABLE, "connection refused")
REJECTED = Failed(Reason.GATEWAY_REJECTED, "property whitelist validation failed")


def facts(
    gateway: Programmed | Waiting | Failed = Programmed(),  # noqa: B008 - a frozen value
    discovery: NotConfigured | Unanswered | Answered = HEALTHY,
    refused: Reason | None = None,
    enabled: bool = True,
    generation: int = 2,
) -> Facts:
    refusal = Refusal(refused, "why") if refused else None
    return Facts(generation, "id", "echo", enabled, refusal, gateway, discovery)


def told(status: JsonObject) -> dict[str, str]:
    """Each condition as `status/reason`, by type."""
    conditions = status["conditions"]
    assert isinstance(conditions, list)
    return {str(c["type"]): f"{c['status']}/{c['reason']}" for c in conditions if isinstance(c, dict)}


TABLE = [
    (facts(), "True/Accepted", "True/ResolvedRefs", "True/Programmed", "True/Ready", "", "in the gateway and healthy"),
    (facts(enabled=False), "True/Accepted", "True/ResolvedRefs", "True/Programmed", "True/Disabled", "", "as asked"),
    (
        facts(discovery=SICK),
        "True/Accepted", "True/ResolvedRefs", "True/Programmed", "False/NoHealthyInstances", "", "nobody for 30 s",
    ),
    (
        facts(discovery=NOBODY),
        "True/Accepted", "False/ServiceNotFound", "True/Programmed", "False/ServiceNotFound", "", "never seen",
    ),
    (
        facts(discovery=NotConfigured()),
        "True/Accepted", "Unknown/ConsulNotConfigured", "True/Programmed", "True/Ready", "", "not our business",
    ),
    (
        facts(discovery=Unanswered()),
        "True/Accepted", "Unknown/ConsulUnreachable", "True/Programmed", "Unknown/ConsulUnreachable", "", "new",
    ),
    (
        facts(UNREACHABLE),
        "True/Accepted", "True/ResolvedRefs", "False/GatewayUnreachable", "False/GatewayUnreachable", "Reconciling",
        "an outage mends itself",
    ),
    (
        facts(Failed(Reason.GATEWAY_UNAUTHORIZED, "401")),
        "True/Accepted", "True/ResolvedRefs", "False/GatewayUnauthorized", "False/GatewayUnauthorized", "Reconciling",
        "the key may come back",
    ),
    (
        facts(REJECTED),
        "True/Accepted", "True/ResolvedRefs", "False/GatewayRejected", "False/GatewayRejected", "Stalled",
        "only a change of the spec helps",
    ),
    (
        facts(refused=Reason.INVALID),
        "False/Invalid", "Unknown/NotAccepted", "False/NotAccepted", "False/Invalid", "Stalled", "what CEL let in",
    ),
    (
        facts(refused=Reason.NOT_ALLOWED),
        "False/NotAllowed", "Unknown/NotAccepted", "False/NotAccepted", "False/NotAllowed", "Stalled", "policy",
    ),
    (
        facts(refused=Reason.CONFLICTED),
        "False/Conflicted", "Unknown/NotAccepted", "False/NotAccepted", "False/Conflicted", "Stalled", "lost",
    ),
    (
        facts(Failed(Reason.FOREIGN_OBJECT, "held by another")),
        "True/Accepted", "True/ResolvedRefs", "False/ForeignObject", "False/ForeignObject", "Stalled", "not ours",
    ),
    (
        facts(REJECTED, NOBODY),
        "True/Accepted", "False/ServiceNotFound", "False/GatewayRejected", "False/GatewayRejected", "Stalled",
        "a pair: the gateway comes before Consul",
    ),
    (
        facts(UNREACHABLE, refused=Reason.NOT_ALLOWED),
        "False/NotAllowed", "Unknown/NotAccepted", "False/NotAccepted", "False/NotAllowed", "Stalled",
        "a pair: not accepted comes before all",
    ),
    (
        facts(discovery=SICK, enabled=False),
        "True/Accepted", "True/ResolvedRefs", "True/Programmed", "True/Disabled", "",
        "a pair: who is switched off needs no instances",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "accepted", "resolved", "programmed", "ready", "extra", "why"), TABLE)
def test_the_table(
    *, given: Facts, accepted: str, resolved: str, programmed: str, ready: str, extra: str, why: str
) -> None:
    conditions = told(fold(given, parse_previous({}), now=NOW).status)
    assert list(conditions.values())[:4] == [accepted, resolved, programmed, ready], why
    assert list(conditions)[4:] == ([extra] if extra else []), why


@pytest.mark.parametrize("given", [case[0] for case in TABLE])
def test_the_same_facts_give_the_same_status(given: Facts) -> None:
    """A restart over unchanged routes patches nothing."""
    first = fold(given, parse_previous({}), now=NOW).status
    assert fold(given, parse_previous(first), now=LATER).status == first


def test_a_transition_time_changes_with_the_status_alone() -> None:
    first = fold(facts(Waiting()), parse_previous({}), now=NOW).status
    second = fold(facts(REJECTED), parse_previous(first), now=LATER).status
    times = {c["type"]: c["lastTransitionTime"] for c in second["conditions"]}  # type: ignore[union-attr,index,call-overload]
    assert times["Programmed"] == times["Accepted"] == "2026-01-02T03:04:05Z", "still False, still True"
    assert times["Stalled"] == "2026-01-02T04:00:00Z", "new"


def test_a_service_that_was_healthy_has_a_grace_of_30_seconds() -> None:
    """A rolling replacement must not flap; also across a restart, which knows it by the status before."""
    ready = fold(facts(), parse_previous({}), now=NOW).status
    gone = Answered(healthy=0, total=0, seen_healthy=False, unhealthy_for=10.0)
    outcome = fold(facts(discovery=gone), parse_previous(ready), now=LATER)
    assert told(outcome.status)["Ready"] == "True/Ready"
    assert outcome.recheck_after == pytest.approx(GRACE - 10.0)


def test_consul_away_leaves_what_was_known() -> None:
    ready = fold(facts(), parse_previous({}), now=NOW).status
    assert fold(facts(discovery=Unanswered()), parse_previous(ready), now=LATER).status == ready
