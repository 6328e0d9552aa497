"""What holds of the status of any facts, after any history."""

from echoroute.api.selection import Selection, Service
from echoroute.api.status import EchoRouteStatus, pending_status
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import (
    Answered,
    BackendFacts,
    Facts,
    Lack,
    NotConfigured,
    Programmed,
    Unanswered,
    Waiting,
)
from echoroute.core.reasons import Reason
from echoroute.core.status import parse_previous
from hypothesis import given
from hypothesis import strategies as st

from .situations.facts import (
    CONFLICTED,
    FOREIGN,
    INVALID,
    LATER,
    NOT_ALLOWED,
    NOW,
    REJECTED,
    UNAUTHORIZED,
    UNREACHABLE,
    after,
)
from .status import conditions


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
    BackendFacts,
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
