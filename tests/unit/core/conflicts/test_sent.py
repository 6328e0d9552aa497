"""What was sent to the gateway is held until its answer, or a list, has told what became of it."""

import pytest
from echoroute.core.claims import ANY_HOST, Claim
from echoroute.core.conflicts import Claims
from echoroute.core.objects import Key

from .claiming import START, A, B, C, X, claim, judged, losers, winner


def test_a_pair_is_given_up_when_the_gateway_has_confirmed_it() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/a")})
    all_.serves(A, claim(1, "/a"))
    assert all_.want(A, claim(1, "/new")) == set()
    assert losers(all_) == {B}, "until then A may serve both"
    assert all_.serves(A, claim(1, "/new")) == {B}
    assert losers(all_) == set()


def test_what_a_write_without_an_answer_may_have_made_is_held_with_what_was_there() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/a"), C: claim(3, "/b")})
    all_.serves(A, claim(1, "/a"))
    all_.want(C, None)
    all_.want(A, claim(1, "/b"))
    all_.send(A, claim(1, "/b"))
    all_.lost(A)
    all_.want(A, None)
    all_.want(C, claim(3, "/b"))
    assert losers(all_) == {B, C}
    assert all_.serves(A, claim(1, "/b")) == {B}
    assert losers(all_) == {C}


_ASKED_MEANWHILE = [
    (None, "its spec cannot be used, policy refuses it, it is switched off, or it is gone"),
    (claim(1, "/else"), "it moves"),
    (claim(1, "/c"), "it asks for what another one has"),
    (claim(1, "/b", "/d"), "it asks for more"),
]


@pytest.mark.parametrize(("asked", "why"), _ASKED_MEANWHILE, ids=[why for _, why in _ASKED_MEANWHILE])
def test_what_is_under_way_is_held_whatever_is_asked_for_meanwhile(asked: Claim | None, why: str) -> None:
    def under_way() -> Claims:
        all_ = judged({A: claim(1, "/a"), C: claim(3, "/c")})
        all_.serves(A, claim(1, "/a"))
        all_.want(A, claim(1, "/b"))
        all_.send(A, claim(1, "/b"))
        all_.want(A, asked)
        all_.want(B, claim(2, "/b"))
        all_.want(X, claim(2, "/a"))
        assert (winner(all_, B), winner(all_, X)) == (A, A), why
        return all_

    def left(all_: Claims) -> tuple[Key | None, Key | None]:
        return winner(all_, X), winner(all_, B)

    waits = A if asked is not None and asked.pairs[0] == (ANY_HOST, "/b") else None
    made, refused, lost, listed = (under_way() for _ in range(4))
    assert made.serves(A, claim(1, "/b"), made=True) >= {X}
    assert left(made) == (None, A), "it serves that alone"
    refused.refused(A)
    assert left(refused) == (A, waits), "it serves what it served before"
    lost.lost(A)
    assert left(lost) == (A, A), "nobody knows which of them it serves"
    for told in (claim(1, "/a"), None):
        listed.serves(A, told)
        assert left(listed)[1] == A, "a list tells what was there before the answer, or after it"
    assert left(listed)[0] is None
    lost.serves(A, None)
    assert left(lost) == (None, waits), "a list tells after it"


def test_a_deletion_under_way_makes_nobody_sure_of_its_pair() -> None:
    for sent in (True, False):
        all_ = judged({A: claim(1, "/moved")})
        all_.serves(A, claim(1, "/moved"))
        all_.want(A, None)
        all_.offer(A, lambda _: True)
        all_.want(B, claim(2, "/moved"))
        if sent:
            all_.send(A, None)
        all_.want(A, claim(4, "/moved"))
        assert (winner(all_, A), winner(all_, B)) == ((B, None) if sent else (None, A)), "it comes again"


def test_what_a_deleted_one_may_have_left_is_its_own_when_it_comes_again() -> None:
    for taken, winners in ((None, (A, A)), ("/b", (A, None))):
        all_ = judged({A: claim(1, "/a")})
        all_.serves(A, claim(1, "/a"))
        all_.want(A, claim(1, "/b"))
        all_.send(A, claim(1, "/b"))
        all_.lost(A)
        all_.want(A, None)
        all_.abandon(A)
        if taken:
            all_.want(C, claim(3, taken))
        all_.come_again(A, START)
        all_.want(A, None, keeps=True)
        all_.want(X, claim(5, "/a"))
        all_.want(B, claim(5, "/b", host="other.test") if taken else claim(5, "/b"))
        assert (winner(all_, X), winner(all_, B)) == winners


def test_of_what_a_deleted_one_may_have_left_a_list_tells_whether_it_is_a_double() -> None:
    """It comes again, and asks for what another one has got meanwhile; what was sent may have left it elsewhere."""
    for left, double in (("/a", True), ("/b", False)):
        all_ = judged({A: claim(1, "/a")})
        all_.serves(A, claim(1, "/a"))
        all_.want(A, claim(1, "/b"))
        all_.send(A, claim(1, "/b"))
        all_.lost(A)
        all_.want(A, None)
        all_.abandon(A)
        all_.want(B, claim(2, "/a"))
        all_.serves(B, claim(2, "/a"))
        all_.come_again(A, START)
        all_.want(A, claim(3, "/a"))
        assert winner(all_, A) == B
        assert not all_.serves_double(A), "nobody knows that"
        all_.serves(A, claim(3, left))
        assert all_.is_double(A, claim(3, left)) is double
        assert all_.serves_double(A) is double
