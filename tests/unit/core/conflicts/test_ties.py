"""Ties: two that share a pair and differ in their conditions, where APISIX takes the one that it saw first."""

import time
from collections.abc import Callable

import pytest
from echoroute.core.claims import ANY_HOST, Claim, Tie
from echoroute.core.objects import Key

from .claiming import A, B, C, D, X, claim, judged


@pytest.mark.parametrize(
    ("one", "other", "tie", "why"),
    [
        (claim(1), claim(2, conditions=b"x"), True, "APISIX takes the one that it saw first"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"y"), True, "where both hold"),
        (claim(1), claim(2, conditions=b"x", priority=1), False, "the priority decides between them"),
        (claim(1, "/x"), claim(2, "/y", conditions=b"x"), False, "other path"),
        (claim(1), claim(2, conditions=b"x", host="a.test"), False, "a host is preferred to none"),
        (claim(1, methods="GET"), claim(2, conditions=b"x", methods="POST"), False, "methods apart"),
        (claim(1, methods="GET"), claim(2, conditions=b"x"), True, "a method in common"),
        (claim(1), claim(2), False, "that is a conflict"),
        (claim(1, version="1"), claim(2, version="2"), False, "no request fulfils the conditions of both"),
        (claim(1, version="1"), claim(2, conditions=b"x"), True, "one may"),
    ],
)
def test_what_a_tie_is(one: Claim, other: Claim, tie: bool, why: str) -> None:
    all_ = judged({A: one, B: other})
    assert (all_.ties.of(B) is not None) is tie, why
    assert all_.ties.of(A) is None, "only the younger one is told"
    assert not tie or all_.ties.behind(A) == {B}
    assert judged({A: one, X: other}).ties.of(X) is None, "in another namespace it is a conflict"


def test_a_tie_names_the_oldest_and_changes_with_it_alone() -> None:
    all_ = judged({key: claim(age, conditions=key.name.encode()) for key, age in ((C, 3), (A, 1), (B, 2))})
    assert all_.ties.of(C) == all_.ties.of(B) == Tie(A, (ANY_HOST, "/"), 0)
    all_.want(D, claim(4, conditions=b"d"))
    assert all_.ties.of(C) == Tie(A, (ANY_HOST, "/"), 0), "a younger one changes no message"
    assert all_.ties.behind(A) == {B, C, D}
    all_.want(A, claim(1, conditions=b"a", priority=5))
    assert [all_.ties.of(key) for key in (A, B, C)] == [None, None, Tie(B, (ANY_HOST, "/"), 0)]


def test_those_that_exclude_a_key_hide_no_tie() -> None:
    older = {A: claim(1, version="1"), B: claim(2, version="2"), C: claim(3, "/", "/more", conditions=b"x")}
    all_ = judged({**older, D: claim(4, "/", "/more", version="4")})
    assert [all_.ties.of(key) for key in (A, B, C, D)] == [
        None,
        None,
        Tie(A, (ANY_HOST, "/"), 0),
        Tie(C, (ANY_HOST, "/"), 0),
    ]
    assert D in all_.ties.behind(C)


def test_of_thousands_that_exclude_each_other_few_are_looked_at(figure: Callable[[str], None]) -> None:
    keys = [Key("shop", f"r{number}") for number in range(3_000)]
    all_ = judged({key: claim(number, version=str(number)) for number, key in enumerate(keys)})
    began = time.process_time()
    assert not any(map(all_.ties.of, keys))
    took = time.process_time() - began
    figure(f"the ties of 3,000 on one path that exclude each other: {took:.2f} s")
    assert took < 5 * 1.0


def test_a_tie_says_what_to_do() -> None:
    assert str(Tie(A, ("a.test", "/x"), 2)) == (
        "EchoRoute shop/a has a.test/x at the same priority 2: where the conditions of both hold either may answer; "
        "set spec.match.priority"
    )
