"""The status fold: each situation of its own, pairs of them, and what holds of all."""

from dataclasses import replace

import pytest
from echoroute.api.selection import Selection, Service
from echoroute.api.status import CONDITIONS_LIMIT, EchoRouteStatus, pending_status
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import (
    Answered,
    Backend,
    Facts,
    Failed,
    Lack,
    NotConfigured,
    Programmed,
    Refusal,
    Unanswered,
    Waiting,
)
from echoroute.core.objects import JsonObject
from echoroute.core.reasons import Reason
from echoroute.core.status import Previous, parse_previous
from echoroute.core.written import MESSAGE_LIMIT, differs_beyond_counts, differs_in_serving, rfc3339
from hypothesis import given
from hypothesis import strategies as st

from .situations import (
    CONFLICTED,
    FINE,
    FOREIGN,
    INVALID,
    LATER,
    NEVER_HEALTHY,
    NOT_ALLOWED,
    NOW,
    OLD,
    PAIRS,
    REJECTED,
    SICK,
    SINGLE,
    THERE,
    UNAUTHORIZED,
    UNKNOWN_SERVICE,
    UNREACHABLE,
    Case,
    after,
    cart,
)


def conditions(status: JsonObject) -> dict[str, tuple[str, str]]:
    raw = status["conditions"]
    assert isinstance(raw, list)
    found: dict[str, tuple[str, str]] = {}
    for item in raw:
        assert isinstance(item, dict)
        found[str(item["type"])] = (str(item["status"]), str(item["reason"]))
    assert len(found) == len(raw)
    return found


def field_of(status: JsonObject, type_: str, name: str) -> object:
    raw = status["conditions"]
    assert isinstance(raw, list)
    (value,) = (item[name] for item in raw if isinstance(item, dict) and item["type"] == type_)
    return value


@pytest.mark.parametrize("case", SINGLE + PAIRS, ids=lambda case: case.why)
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


def _answer(healthy: int, sick: int, seen: tuple[bool, bool], since: tuple[float, float]) -> Answered:
    """A count that is not 0 was seen; there was no healthy one for at least as long as there was none at all."""
    total = healthy + sick
    return Answered(
        healthy,
        total,
        Lack(0.0 if healthy else max(since), bool(healthy) or all(seen)),
        Lack(0.0 if total else min(since), bool(total) or any(seen)),
    )


_seconds = st.sampled_from([0.0, 5.0, GRACE, 100.0])
_answers = st.builds(
    _answer,
    st.integers(0, 2),
    st.integers(0, 2),
    st.tuples(st.booleans(), st.booleans()),
    st.tuples(_seconds, _seconds),
)
_failures = st.sampled_from([UNREACHABLE, UNAUTHORIZED, REJECTED, FOREIGN])
_backends = st.builds(
    Backend,
    st.sampled_from(["cart", "basket"]).map(lambda name: Selection(Service(name)))
    | st.just(Selection.by_operator("cart", tags=["v2"])),
    st.just(NotConfigured()) | st.just(Unanswered()) | _answers,
    st.integers(0, 100),
    st.booleans(),
)
_facts = st.builds(
    Facts,
    generation=st.integers(1, 3),
    route_id=st.just("0123abcd.shop.cart"),
    enabled=st.booleans(),
    refusal=st.sampled_from([None, INVALID, NOT_ALLOWED, CONFLICTED]),
    gateway=st.just(Programmed()) | st.just(Waiting()) | _failures,
    backends=st.lists(_backends, min_size=1, max_size=3, unique_by=lambda one: one.selection)
    .filter(lambda backends: any(one.serves for one in backends))
    .map(tuple),
)


@given(history=st.lists(_facts, max_size=3), facts=_facts)
def test_the_same_facts_and_the_own_output_give_the_identical_status(history: list[Facts], facts: Facts) -> None:
    previous = parse_previous(pending_status())
    for earlier in history:
        previous = after(earlier, previous)
    first = fold(facts, previous, now=NOW).status
    # A lost conflict alone changes with time, once.
    later = NOW if facts.refusal is not None and facts.refusal.reason is Reason.CONFLICTED else LATER
    assert fold(facts, parse_previous(first), now=later).status == first


@given(history=st.lists(_facts, max_size=2), facts=_facts)
def test_what_holds_of_every_status(history: list[Facts], facts: Facts) -> None:
    previous = parse_previous(pending_status())
    for earlier in history:
        previous = after(earlier, previous)
    status = fold(facts, previous, now=NOW).status
    EchoRouteStatus.model_validate(status)
    found = conditions(status)
    assert {"Accepted", "ResolvedRefs", "Programmed", "Ready"} <= found.keys()
    assert not {"Reconciling", "Stalled"} <= found.keys(), "it either works on it or waits"
    if found["Programmed"][0] == "True":
        assert facts.gateway == Programmed(), "said only after the gateway confirmed"
        assert status["programmedGeneration"] == facts.generation
    if found["Ready"][0] == "True":
        assert found["Accepted"][0] == found["Programmed"][0] == "True"
        assert not {"Reconciling", "Stalled"} & found.keys()
    raw = status["conditions"]
    assert isinstance(raw, list)
    assert {item["observedGeneration"] for item in raw if isinstance(item, dict)} == {facts.generation}
    messages = [item["message"] for item in raw if isinstance(item, dict)]
    assert all(messages.count(message) <= 2 for message in messages), "Ready repeats what it follows from, nobody else"


def test_a_note_stands_behind_what_is_accepted_and_nowhere_else():
    noted = replace(FINE, note="either may answer")
    assert field_of(fold(noted, OLD, now=NOW).status, "Accepted", "message") == (
        "the spec is valid and allowed; either may answer"
    )
    plain, with_note = (conditions(fold(facts, OLD, now=NOW).status) for facts in (FINE, noted))
    assert plain == with_note
    refused = fold(replace(noted, refusal=INVALID), OLD, now=NOW).status
    assert field_of(refused, "Accepted", "message") == INVALID.message


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
