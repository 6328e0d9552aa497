"""Conflicts: who serves keeps it, else the older one gets it; no claim that loses takes away what serves."""

import time
from collections.abc import Callable

import pytest
from echoroute.core.claims import ANY_HOST, Claim, Conflict
from echoroute.core.conflicts import Claims
from echoroute.core.objects import Key

from .claiming import A, B, C, D, X, claim, judged, losers, winner


def test_of_those_that_do_not_serve_the_oldest_gets_it_whatever_the_order_of_arrival() -> None:
    for order in ((A, B), (B, A)):
        all_ = judged({key: claim(1 if key == A else 2) for key in order})
        assert all_.conflict(A) is None
        assert all_.conflict(B) == Conflict(A, (ANY_HOST, "/"), older=True)


def test_who_serves_a_pair_at_another_priority_has_not_got_it_at_this_one() -> None:
    wanted = {A: claim(1, "/"), B: claim(2, "/")}
    all_ = judged(wanted, serving={B: claim(2, "/", priority=5)})
    assert losers(all_) == {B}, "the older one: what B serves is another route"
    assert losers(judged(wanted, serving={B: claim(2, "/")})) == {A}


def test_a_tie_goes_by_namespace_then_name_and_nobody_is_called_older() -> None:
    keys = [Key("b", "a"), Key("a", "z"), Key("a", "b")]
    all_ = judged({key: claim(1) for key in keys})
    assert [winner(all_, key) for key in keys] == [Key("a", "b"), Key("a", "b"), None]
    assert str(all_.conflict(Key("b", "a"))).startswith("/ belongs to EchoRoute a/b: change")


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
        (claim(1), claim(2, conditions=b"x"), False, "one has conditions, and the other takes the rest"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"y"), False, "other conditions"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"x"), True, "the same conditions"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"x", priority=1), False, "and another priority"),
    ],
)
def test_what_a_conflict_is(one: Claim, other: Claim, conflict: bool, why: str) -> None:
    assert (judged({A: one, B: other}).conflict(B) is not None) is conflict, why
    shared = any(pair in one.pairs for pair in other.pairs)
    assert (judged({A: one, X: other}).conflict(X) is not None) is shared, "in another namespace a pair is enough"


def test_who_serves_keeps_it_from_one_that_is_older() -> None:
    all_ = judged({A: claim(1), B: claim(2)}, serving={B: claim(2)})
    assert all_.conflict(A) == Conflict(B, (ANY_HOST, "/"), older=False), "as after a restart"
    assert losers(all_) == {A}
    late = judged({B: claim(2)})
    assert late.want(A, claim(1)) == set()
    assert losers(late) == {A}, "what is accepted is on its way to the gateway, and keeps it, too"


def test_an_edit_that_loses_gives_nothing_up_and_nobody_is_let_in_beside() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/b")})
    for key, path in ((A, "/a"), (B, "/b")):
        all_.serves(key, claim(1 if key == A else 2, path))
    assert all_.want(A, claim(1, "/b")) == set()
    assert winner(all_, A) == B
    assert all_.want(C, claim(3, "/a")) == set()
    assert winner(all_, C) == A, "the last good generation of A serves /a"
    assert all_.want(A, None) == set()
    assert winner(all_, C) == A, "also when A's spec is invalid, switched off or gone: until the gateway says so"
    assert all_.serves(A, None) == {C}
    assert losers(all_) == set()


def test_what_was_accepted_and_never_written_is_given_up_at_once() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/a")})
    assert all_.want(A, claim(1, "/other")) == {B}
    assert all_.want(A, None) == set()
    assert losers(all_) == set()


def test_a_refused_claim_counts_for_nothing() -> None:
    all_ = judged({A: claim(1, "/x"), B: claim(2, "/x", "/y"), C: claim(3, "/y")})
    assert losers(all_) == {B}, "c meets only b, which has lost"
    assert all_.want(A, None) == {B}, "b now loses to c, which serves"
    assert winner(all_, B) == C


def test_of_those_that_wait_the_oldest_is_next() -> None:
    all_ = judged({A: claim(1), D: claim(4), C: claim(3), B: claim(2)})
    assert all_.want(A, None) == {B, C, D}
    assert [winner(all_, key) for key in (B, C, D)] == [None, B, B]


def test_a_gateway_that_lost_its_routes_takes_a_pair_from_nobody() -> None:
    claims = {A: claim(1), B: claim(2)}
    assert losers(judged(claims, programmed={B})) == {A}
    assert losers(judged(claims, serving={A: claim(1)}, programmed={B})) == {B}, "what the gateway holds counts first"


def test_who_was_accepted_before_a_start_keeps_what_nobody_serves() -> None:
    claims = {A: claim(1), B: claim(2)}
    assert losers(judged(claims, accepted={B})) == {A}
    assert losers(judged(claims, accepted={A, B})) == {B}, "of two that were, the older one"
    assert losers(judged(claims, serving={A: claim(1)}, accepted={B})) == {B}, "what the gateway holds counts first"


def test_nothing_is_decided_before_the_gateway_is_known() -> None:
    all_ = Claims()
    all_.want(A, claim(1, "/x"))
    all_.want(C, claim(1, "/alone"))
    assert not all_.undecided(A)
    all_.want(B, claim(2, "/x"))
    assert [all_.undecided(key) for key in (A, B, C)] == [True, True, False], "and only of what is shared"
    assert losers(all_) == set()
    all_.seed({}, set(), set())
    assert [all_.undecided(key) for key in (A, B, C)] == [False] * 3


def test_claims_that_are_gone_leave_nothing() -> None:
    all_ = judged({A: claim(1, "/x", "/y"), B: claim(2, "/x"), X: claim(3, "/x")})
    all_.serves(A, claim(1, "/x", "/y"))
    for key in (B, A, X):
        all_.send(key, all_.accepted(key))
        all_.want(key, None)
        all_.lost(key)
        all_.serves(key, None)
    assert not all_._held._crowds
    assert not any(
        held
        for held in (
            all_._held._by_pair,
            all_._held.accepted,
            all_._held.serving,
            all_._held.sent,
            all_._under_way,
            all_._wanted,
            all_._lost._waiters,
            all_._lost._losses,
        )
    )


def test_the_message_names_the_place_and_who_has_it() -> None:
    assert str(Conflict(A, ("a.test", "/x"), older=True)) == (
        "a.test/x belongs to EchoRoute shop/a, which is older: change spec.match.hosts or spec.match.paths, "
        "or have the other one give it up"
    )
    assert str(Conflict(A, (ANY_HOST, "/x"), older=False)).startswith("/x belongs to EchoRoute shop/a: change")


@pytest.mark.parametrize("spread", ["one namespace", "many namespaces", "many priorities", "many conditions"])
def test_ten_thousand_on_one_path_cost_less_than_a_second(spread: str, figure: Callable[[str], None]) -> None:
    many = range(10_000)
    keys = [Key(f"team-{number}" if spread == "many namespaces" else "shop", f"r{number}") for number in many]

    def one(number: int, age: int) -> Claim:
        if spread == "many priorities":
            return claim(age, priority=number)
        return claim(age, conditions=b"%d" % number if spread == "many conditions" else b"")

    all_ = Claims()
    began = time.process_time()
    for number, key in enumerate(keys):
        all_.want(key, one(number, number))
    all_.seed({}, set(), set())
    assert len([key for key in keys if all_.ties.of(key)]) == (9_999 if spread == "many conditions" else 0)
    for number, key in enumerate(keys[:5]):
        all_.want(key, None)
        all_.serves(key, None)
        all_.want(key, one(number, 20_000 + number))
    took = time.process_time() - began
    figure(f"10,000 claims on one path, {spread}: {took:.2f} s")
    assert took < 5 * 1.0
