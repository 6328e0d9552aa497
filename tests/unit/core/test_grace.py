"""The grace of 30 s: what was there a moment ago is not given up for lost, and what was never there is."""

from dataclasses import replace

import pytest
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import (
    Answered,
    Lack,
    Unanswered,
)
from echoroute.core.status import Previous, parse_previous

from .situations.facts import (
    FINE,
    LATER,
    NEVER_HEALTHY,
    NOW,
    SICK,
    THERE,
    UNKNOWN_SERVICE,
    UNREACHABLE,
    after,
    cart,
)
from .status import conditions


@pytest.mark.parametrize(
    ("unhealthy_for", "total", "ready", "recheck"),
    [
        (0.0, 0, "True/Ready", GRACE),
        (29.0, 0, "True/Ready", 1.0),
        (29.0, 3, "True/Ready", 1.0),
        (30.0, 0, "False/ServiceNotFound", None),
        (30.0, 3, "False/NoHealthyInstances", None),
    ],
)
@pytest.mark.parametrize("seen", ["by this process", "by the status before"])
def test_grace_of_30_seconds(unhealthy_for: float, total: int, ready: str, recheck: float | None, seen: str) -> None:
    by_us = seen == "by this process"
    lack = Lack(unhealthy_for, by_us)
    answer = Answered(healthy=0, total=total, lack_of_healthy=lack, lack_of_any=lack if total == 0 else THERE)
    before = Previous() if by_us else after(FINE)
    outcome = fold(replace(FINE, backends=cart(answer)), before, now=NOW)
    assert "/".join(outcome.ready) == ready
    assert outcome.recheck_after == recheck
    assert outcome.status["instances"] == {"healthy": 0, "total": total}, "counts tell the truth at once"


def test_grace_survives_its_own_output_while_the_gateway_is_away() -> None:
    before = after(replace(FINE, gateway=UNREACHABLE))
    answer = Answered(healthy=0, total=0, lack_of_healthy=Lack(5.0), lack_of_any=Lack(5.0))
    facts = replace(FINE, gateway=UNREACHABLE, backends=cart(answer))
    first = fold(facts, before, now=NOW)
    assert conditions(first.status)["ResolvedRefs"] == ("True", "ResolvedRefs")
    again = fold(facts, parse_previous(first.status), now=LATER)
    assert again == first, "no patch, and it is looked at again when the grace ends"
    assert again.recheck_after == GRACE - 5.0


def test_what_consul_said_of_another_generation_is_not_carried_over() -> None:
    before = after(FINE)
    misspelt = replace(FINE, generation=4)
    unknown = fold(replace(misspelt, backends=cart(UNKNOWN_SERVICE)), before, now=NOW)
    assert unknown.ready == ("False", "ServiceNotFound"), "the grace is for the service that was seen, not for this one"
    unanswered = fold(replace(misspelt, backends=cart(Unanswered())), before, now=NOW).status
    assert conditions(unanswered)["ResolvedRefs"] == ("Unknown", "ConsulUnreachable")
    assert "instances" not in unanswered


def test_a_service_whose_sick_instances_leave_has_the_grace_too() -> None:
    gone = Answered(healthy=0, total=0, lack_of_healthy=Lack(600.0, seen_before=True), lack_of_any=Lack(5.0, True))
    outcome = fold(replace(FINE, backends=cart(gone)), after(replace(FINE, backends=cart(SICK))), now=NOW)
    assert outcome.ready == ("False", "NoHealthyInstances"), "restarting pods must not look like a misspelt name"
    assert outcome.recheck_after == GRACE - 5.0


def test_consul_and_gateway_both_away_then_the_gateway_returns() -> None:
    sick = replace(FINE, gateway=UNREACHABLE, backends=cart(NEVER_HEALTHY))
    before = after(sick)
    back = fold(replace(FINE, backends=cart(Unanswered())), before, now=NOW)
    assert back.ready == ("False", "NoHealthyInstances"), "the last counts were 0: nobody has seen an instance since"
