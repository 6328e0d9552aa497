"""What a status takes over from the one before: times, messages, conditions of others; and when it is written again."""

from dataclasses import replace

import pytest
from echoroute.api.status import CONDITIONS_LIMIT
from echoroute.core.conditions import fold
from echoroute.core.facts import (
    Failed,
)
from echoroute.core.objects import JsonObject
from echoroute.core.reasons import Reason
from echoroute.core.status import Previous, parse_previous
from echoroute.core.written import MESSAGE_LIMIT, differs_beyond_counts, differs_in_serving, rfc3339

from .situations.facts import (
    FINE,
    LATER,
    NOW,
    OLD,
    REJECTED,
    UNREACHABLE,
    after,
)
from .status import field_of


def test_transition_time_changes_with_the_status_alone() -> None:
    unreachable = replace(FINE, gateway=UNREACHABLE)
    first = after(unreachable)
    status = fold(replace(unreachable, gateway=REJECTED), first, now=LATER).status
    assert field_of(status, "Programmed", "reason") == "GatewayRejected"
    assert field_of(status, "Programmed", "lastTransitionTime") == rfc3339(NOW), "False before, False now"
    assert field_of(status, "Stalled", "lastTransitionTime") == rfc3339(LATER), "it was not there before"
    done = fold(FINE, first, now=LATER).status
    assert field_of(done, "Programmed", "lastTransitionTime") == rfc3339(LATER)
    assert field_of(done, "Ready", "lastTransitionTime") == rfc3339(LATER)
    assert field_of(done, "Accepted", "lastTransitionTime") == rfc3339(NOW)


def test_reason_unknown_to_this_version_keeps_its_transition_time() -> None:
    status = fold(FINE, Previous(), now=NOW).status
    raw = status["conditions"]
    assert isinstance(raw, list)
    foreign: JsonObject = {
        **status,
        "conditions": [{**item, "reason": "FromTheFuture"} for item in raw if isinstance(item, dict)],
    }
    again = fold(FINE, parse_previous(foreign), now=LATER).status
    assert field_of(again, "Ready", "lastTransitionTime") == rfc3339(NOW)


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"conditions": "x"},
        {"conditions": [1, None, {}]},
        {"instances": 3, "observedGeneration": "x"},
        {"instances": {"healthy": "x"}},
    ],
    ids=str,
)
def test_a_nonsensical_status_before_is_passed_over(status: JsonObject) -> None:
    assert fold(FINE, parse_previous(status), now=NOW) == fold(FINE, Previous(), now=NOW)


def test_an_outages_text_is_not_patched_from_try_to_try() -> None:
    facts = replace(FINE, gateway=UNREACHABLE)
    other_text = replace(facts, gateway=Failed(Reason.GATEWAY_UNREACHABLE, "timed out after 5 s"))
    first = fold(facts, OLD, now=NOW).status
    assert fold(other_text, parse_previous(first), now=LATER).status == first
    newer = fold(replace(other_text, generation=4), parse_previous(first), now=LATER).status
    assert field_of(newer, "Programmed", "message") == "timed out after 5 s", "a new generation is told anew"


def test_a_new_rejection_is_told() -> None:
    first = after(replace(FINE, gateway=REJECTED))
    other = replace(FINE, gateway=Failed(Reason.GATEWAY_REJECTED, "property uri is invalid"))
    message = field_of(fold(other, first, now=LATER).status, "Programmed", "message")
    assert message == "property uri is invalid; tried again within 30 minutes and when the gateway comes back"


def test_a_long_message_is_cut() -> None:
    for reason, end in (
        (Reason.GATEWAY_UNREACHABLE, "…"),
        (Reason.GATEWAY_REJECTED, "…; tried again within 30 minutes"),
    ):
        for long in ("x", "\u202e"):
            facts = replace(FINE, gateway=Failed(reason, long * 100_000))
            message = str(field_of(fold(facts, Previous(), now=NOW).status, "Ready", "message"))
            assert len(message) == MESSAGE_LIMIT
            assert end in message, "what is to be done about it is never cut away"


def test_differs_beyond_counts() -> None:
    status = fold(FINE, Previous(), now=NOW).status
    assert not differs_beyond_counts(status, {**status, "instances": {"healthy": 9, "total": 9}})
    assert not differs_beyond_counts(status, {name: value for name, value in status.items() if name != "instances"})
    assert differs_beyond_counts(status, {**status, "routeId": "other"})
    assert differs_beyond_counts(status, {**status, "programmedGeneration": 1})
    assert differs_beyond_counts(status, {})


FOREIGN = {"type": "example.com/Audited", "status": "True", "reason": "Seen", "message": "by another controller"}


@pytest.mark.parametrize("place", [0, 2, 4])
def test_conditions_of_others_stay_where_they_are(place: int) -> None:
    status = fold(FINE, Previous(), now=NOW).status
    listed = status["conditions"]
    assert isinstance(listed, list)
    with_foreign = {**status, "conditions": [*listed[:place], FOREIGN, *listed[place:]]}
    assert fold(FINE, parse_previous(with_foreign), now=LATER).status == with_foreign, "and nothing is patched"
    changed = fold(replace(FINE, gateway=REJECTED), parse_previous(with_foreign), now=LATER).status["conditions"]
    assert isinstance(changed, list)
    assert changed[place] == FOREIGN
    assert len(changed) == 6, "Stalled has come"


def test_many_conditions_of_others_do_not_crowd_out_ours() -> None:
    many = [{**FOREIGN, "type": f"example.com/N{n}"} for n in range(100)]
    conditions = fold(FINE, parse_previous({"conditions": many}), now=NOW).status["conditions"]
    assert isinstance(conditions, list)
    assert len(conditions) <= CONDITIONS_LIMIT
    assert {"Accepted", "Ready"} <= {str(one["type"]) for one in conditions if isinstance(one, dict)}


@pytest.mark.parametrize(
    ("before", "now", "at_once", "why"),
    [
        (1, 0, True, "nobody answers any more"),
        (0, 1, True, "somebody answers again"),
        (3, 2, False, "one of several"),
        (0, 0, False, "as before"),
        (None, 1, True, "the first count"),
        (None, 0, False, "nobody was there before either"),
    ],
)
def test_a_count_that_falls_to_nothing_or_rises_from_it_is_shown_at_once(
    before: int | None, now: int, at_once: bool, why: str
) -> None:
    def status(healthy: int | None) -> JsonObject:
        return {} if healthy is None else {"instances": {"healthy": healthy, "total": 3}}

    assert differs_in_serving(status(now), status(before)) is at_once, why
