"""Two that serve one pair: which of them is withdrawn."""

import pytest

from .claiming import START, A, B, C, claim, judged, losers, winner


def test_where_two_really_serve_one_pair_the_younger_is_withdrawn() -> None:
    claims = {A: claim(1), B: claim(2)}
    all_ = judged(claims, serving=claims)
    assert losers(all_) == {B}
    assert (all_.serves_double(A), all_.serves_double(B)) == (False, True)
    assert all_.want(A, claim(1, "/a")) == {B}, "the older one gives it up before the younger one was withdrawn"
    assert losers(all_) == set()
    assert not all_.serves_double(B)
    assert all_.serves(A, claim(1, "/a")) == set()


@pytest.mark.parametrize(
    ("answer", "double", "why"),
    [
        (
            "lost",
            False,
            "nobody knows whether it still serves what another one has: a list tells, and that one withdraws",
        ),
        ("refused", True, "it serves what it did before"),
    ],
)
def test_of_what_was_sent_since_a_double_is_told_by_the_answer(answer: str, double: bool, why: str) -> None:
    claims = {A: claim(1), B: claim(2)}
    all_ = judged(claims, serving=claims)
    all_.want(B, claim(2, "/b"))
    all_.send(B, claim(2, "/b"))
    all_.want(B, claim(2))
    assert not all_.serves_double(B), "it may serve what was sent by now"
    getattr(all_, answer)(B)
    assert losers(all_) == {B}
    assert all_.serves_double(B) is double, why


def test_of_two_that_are_kept_and_serve_one_pair_who_asks_for_something_else_is_withdrawn() -> None:
    """And where neither does, the younger one: as after a restart."""
    for wanted, double in ((claim(1, "/taken"), A), (None, B)):
        all_ = judged({A: claim(1), C: claim(0, "/taken")}, serving={A: claim(1)})
        all_.want(A, wanted, keeps=True)
        all_.serves(B, claim(2))
        assert [key for key in (A, B) if all_.is_double(key, all_._held.serving[key])] == [double]


def test_of_two_that_serve_one_pair_one_that_wants_another_by_now_is_served_there() -> None:
    both = {A: claim(1), B: claim(2)}
    all_ = judged({A: claim(1), B: claim(2, "/new")}, serving=both)
    assert losers(all_) == set(), "its write takes the old route away"
    assert all_.accepted(B) == claim(2, "/new")


def test_what_comes_again_is_no_double_of_one_that_may_never_have_served() -> None:
    """A got the path of B, which was deleted; its write had no answer, and its own deletion is under way."""
    all_ = judged({A: claim(1)})
    all_.leave(B, claim(0))
    all_.send(A, claim(1))
    all_.lost(A)
    all_.want(A, None)
    all_.send(A, None)
    all_.come_again(B, START)
    all_.want(B, claim(2))
    assert winner(all_, B) == A
    assert not all_.serves_double(B)
    assert all_.serves(A, None, made=True) == {B}
    assert losers(all_) == set()


def test_what_comes_again_is_a_double_once_the_other_one_surely_serves() -> None:
    all_ = judged({A: claim(1)})
    all_.leave(B, claim(0))
    all_.send(A, claim(1))
    all_.come_again(B, START)
    all_.want(B, claim(2))
    assert not all_.serves_double(B)
    all_.serves(A, claim(1), made=True)
    assert all_.serves_double(B)
