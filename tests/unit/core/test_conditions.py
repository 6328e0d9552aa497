"""The status fold: each situation, and pairs of them, with its conditions and what they say of what serves."""

from dataclasses import replace

import pytest
from echoroute.api.status import EchoRouteStatus
from echoroute.core.conditions import fold
from echoroute.core.facts import (
    Failed,
    Programmed,
    Refusal,
    Waiting,
)
from echoroute.core.status import Previous

from .situations.facts import (
    CONFLICTED,
    FINE,
    INVALID,
    LATER,
    NOT_ALLOWED,
    NOW,
    OLD,
    UNREACHABLE,
    Case,
    after,
)
from .situations.table import SITUATIONS
from .status import conditions, field_of


@pytest.mark.parametrize("case", SITUATIONS, ids=lambda case: case.why)
def test_situation(case: Case) -> None:
    outcome = fold(case.facts, case.previous or Previous(), now=NOW)
    status = outcome.status
    found = {type_: "/".join(pair) for type_, pair in conditions(status).items()}
    expected = {
        "Accepted": case.accepted,
        "ResolvedRefs": case.resolved,
        "Programmed": case.programmed,
        "Ready": case.ready,
    }
    if case.progress:
        expected[case.progress] = f"True/{case.ready.split('/')[1]}"
    assert found == expected, case.why
    assert "/".join(outcome.ready) == case.ready
    assert status.get("programmedGeneration") == case.programmed_generation
    assert status.get("instances") == case.instances
    assert status["observedGeneration"] == case.facts.generation
    assert status["routeId"] == case.facts.route_id
    EchoRouteStatus.model_validate(status)  # what the CRD describes


NOTHING = "nothing serves: the gateway holds nothing of this EchoRoute"
STAYS = "the last good generation stays in the gateway"
NOT_KNOWN = "whether an earlier one is, is not known yet"


@pytest.mark.parametrize(
    ("refusal", "gateway", "in_gateway", "message", "why"),
    [
        (INVALID, Programmed(), True, STAYS, "invalid keeps"),
        (INVALID, Programmed(), False, NOTHING, "there is nothing to keep"),
        (CONFLICTED, Waiting(), False, NOTHING, "before anybody has looked at it, too"),
        (NOT_ALLOWED, Programmed(), False, NOTHING, "withdrawn, and confirmed"),
        (NOT_ALLOWED, Waiting(), True, "being withdrawn", "under way"),
        (NOT_ALLOWED, UNREACHABLE, True, "refused", "a route that serves on against policy must be seen, and why"),
        (INVALID, UNREACHABLE, None, NOT_KNOWN, "the gateway was never listed"),
    ],
)
def test_message_of_a_refused_one_says_what_serves(
    refusal: Refusal, gateway: Programmed | Waiting | Failed, in_gateway: bool | None, message: str, why: str
) -> None:
    status = fold(replace(FINE, refusal=refusal, gateway=gateway, in_gateway=in_gateway), OLD, now=NOW).status
    assert message in str(field_of(status, "Programmed", "message")), why
    assert field_of(status, "Ready", "message") == refusal.message


@pytest.mark.parametrize(("in_gateway", "message"), [(True, STAYS), (False, NOTHING)])
@pytest.mark.parametrize("gateway", [Waiting(), Programmed(), UNREACHABLE])
def test_what_was_said_of_a_refused_one_stays_while_nobody_knows(
    gateway: Programmed | Waiting | Failed, in_gateway: bool, message: str
) -> None:
    refused = replace(FINE, refusal=INVALID, in_gateway=in_gateway)
    status = fold(replace(refused, gateway=gateway, in_gateway=None), after(refused), now=LATER).status
    assert field_of(status, "Programmed", "message") == message, "as after a restart: no patch"


def test_a_note_stands_behind_what_is_accepted_and_nowhere_else():
    noted = replace(FINE, note="either may answer")
    assert field_of(fold(noted, OLD, now=NOW).status, "Accepted", "message") == (
        "the spec is valid and allowed; either may answer"
    )
    plain, with_note = (conditions(fold(facts, OLD, now=NOW).status) for facts in (FINE, noted))
    assert plain == with_note
    refused = fold(replace(noted, refusal=INVALID), OLD, now=NOW).status
    assert field_of(refused, "Accepted", "message") == INVALID.message
