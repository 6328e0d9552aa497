"""Conflicts: the oldest has it, a refused claim counts for nothing, and changes judge as if from scratch."""

from datetime import UTC, datetime, timedelta

import pytest
from echoroute.core.conflicts import ANY_HOST, Claim, Claims, Conflict
from echoroute.core.objects import Key
from hypothesis import given
from hypothesis import strategies as st

A, B, C, D = (Key("shop", name) for name in "abcd")
START = datetime(2026, 1, 1, tzinfo=UTC)


def claim(age: int, *paths: str, host: str = ANY_HOST, priority: int = 0, methods: str = "") -> Claim:
    """A claim created at second `age`: a smaller one is older."""
    pairs = tuple((host, path) for path in paths or ("/",))
    return Claim(START + timedelta(seconds=age), pairs, priority, frozenset(methods.split()))


def placed(**claims: Claim) -> Claims:
    all_ = Claims()
    for name, given_claim in claims.items():
        all_.place(Key("shop", name), given_claim)
    return all_


def losers(all_: Claims) -> set[Key]:
    return {key for key in (A, B, C, D) if all_.conflict(key)}


def test_the_oldest_wins_whatever_the_order_of_arrival() -> None:
    for all_ in (placed(a=claim(1), b=claim(2)), placed(b=claim(2), a=claim(1))):
        assert all_.conflict(A) is None
        assert all_.conflict(B) == Conflict(winner=A, host=ANY_HOST, path="/")
        assert all_.beaten_by(A) == [B]
        assert all_.beaten_by(B) == []


def test_a_tie_goes_by_namespace_then_name() -> None:
    all_ = Claims()
    for key in (Key("b", "a"), Key("a", "z"), Key("a", "b")):
        all_.place(key, claim(1))
    assert all_.conflict(Key("a", "b")) is None
    assert {all_.conflict(Key("a", "z")), all_.conflict(Key("b", "a"))} == {Conflict(Key("a", "b"), ANY_HOST, "/")}


@pytest.mark.parametrize(
    ("one", "other", "conflict", "why"),
    [
        (claim(1, "/x"), claim(2, "/y"), False, "other path"),
        (claim(1, host="a.test"), claim(2, host="b.test"), False, "other host"),
        (claim(1), claim(2, host="b.test"), False, "with and without host are different pairs"),
        (claim(1, "/x", "/y"), claim(2, "/y", "/z"), True, "one pair in common is enough"),
        (claim(1), claim(2, priority=1), False, "the priority decides between them"),
        (claim(1, methods="GET"), claim(2, methods="POST"), False, "methods apart"),
        (claim(1, methods="GET PUT"), claim(2, methods="PUT POST"), True, "a method in common"),
        (claim(1), claim(2, methods="GET"), True, "no methods means all of them"),
        (claim(1, methods="GET"), claim(2), True, "on either side"),
    ],
)
def test_what_a_conflict_is(one: Claim, other: Claim, conflict: bool, why: str) -> None:
    assert (placed(a=one, b=other).conflict(B) is not None) is conflict, why


def test_a_refused_claim_counts_for_nothing() -> None:
    all_ = placed(a=claim(1, "/x"), b=claim(2, "/x", "/y"), c=claim(3, "/y"))
    assert losers(all_) == {B}, "c meets only b, which has lost"
    assert all_.place(A, None) == {B, C}, "with a gone b stands, and c loses to it"
    assert losers(all_) == {C}
    assert all_.place(A, claim(1, "/x")) == {B, C}
    assert losers(all_) == {B}


def test_only_the_others_whose_verdict_changed_are_told() -> None:
    all_ = placed(a=claim(1, "/x"), b=claim(3, "/x"), c=claim(1, "/z"))
    assert all_.place(D, claim(4, "/x", "/z")) == set(), "one that loses itself changes nobody"
    assert all_.place(D, claim(4, "/x", "/z")) == set(), "nor does the same claim again"
    assert all_.place(A, claim(1, "/new")) == {B, D}, "b stands now; d loses to b and no longer to a"
    assert all_.conflict(D) == Conflict(B, ANY_HOST, "/x")
    assert all_.place(B, None) == {D}
    assert all_.conflict(D) == Conflict(C, ANY_HOST, "/z")


def test_a_claim_that_is_gone_leaves_nothing() -> None:
    all_ = placed(a=claim(1), b=claim(2))
    assert all_.place(B, None) == set()
    assert all_.conflict(B) is None
    assert all_.place(B, None) == set(), "removing what is not there is fine"
    all_.place(A, None)
    assert not all_._by_slot, "no memory is kept"


def test_the_message_names_the_place_and_the_winner() -> None:
    assert str(Conflict(A, "a.test", "/x")) == "a.test/x belongs to EchoRoute shop/a, which is older"
    assert str(Conflict(A, ANY_HOST, "/x")) == "/x belongs to EchoRoute shop/a, which is older"


def from_scratch(claims: dict[Key, Claim]) -> dict[Key, Key]:
    """The losers and whom they lost to, by the words of the rule: oldest first, whoever meets one that stands loses."""
    standing: list[Key] = []
    lost: dict[Key, Key] = {}
    for key in sorted(claims, key=lambda key: (claims[key].created, key.namespace, key.name)):
        mine = claims[key]
        for slot in mine.pairs:
            holders = [
                other
                for other in standing
                if slot in claims[other].pairs
                and claims[other].priority == mine.priority
                and (not mine.methods or not claims[other].methods or mine.methods & claims[other].methods)
            ]
            if holders:
                lost[key] = holders[0]
                break
        else:
            standing.append(key)
    return lost


_claims = st.builds(
    Claim,
    created=st.integers(0, 3).map(lambda age: START + timedelta(seconds=age)),
    pairs=st.lists(
        st.tuples(st.sampled_from([ANY_HOST, "a.test"]), st.sampled_from(["/x", "/y", "/z"])), min_size=1, max_size=3
    ).map(tuple),
    priority=st.integers(0, 1),
    methods=st.frozensets(st.sampled_from(["GET", "POST"])),
)
_keys = st.builds(Key, st.sampled_from("mn"), st.sampled_from("abcd"))


@given(changes=st.lists(st.tuples(_keys, st.none() | _claims), min_size=1, max_size=16))
def test_changes_judge_as_if_from_scratch(changes: list[tuple[Key, Claim | None]]) -> None:
    all_, claims = Claims(), dict[Key, Claim]()
    before: dict[Key, Conflict | None] = {}
    for key, change in changes:
        told = all_.place(key, change)
        if change is None:
            claims.pop(key, None)
        else:
            claims[key] = change
        verdicts = {other: all_.conflict(other) for other in claims}
        expected = from_scratch(claims)
        assert {other: lost.winner for other, lost in verdicts.items() if lost} == expected
        changed = {other for other, verdict in verdicts.items() if other != key and before.get(other) != verdict}
        assert told == changed, "exactly those others are to be looked at again"
        for winner in claims:
            assert set(all_.beaten_by(winner)) == {loser for loser, by in expected.items() if by == winner}
        before = verdicts
