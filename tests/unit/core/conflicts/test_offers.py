"""Offers: a pair that its holder no longer wants is open to others before the gateway has confirmed it."""

from echoroute.core.claims import ANY_HOST

from .claiming import A, B, C, claim, judged, losers, winner


def test_what_is_offered_is_open_to_some_before_the_gateway_has_confirmed_it() -> None:
    all_ = judged({A: claim(1, "/a", "/moved"), B: claim(2, "/moved"), C: claim(3, "/c")})
    all_.serves(A, claim(1, "/a", "/moved"))
    all_.serves(C, claim(3, "/c"))
    assert all_.offers.gives_up(A) == frozenset()
    assert all_.want(A, claim(1, "/a")) == set()
    assert all_.offers.gives_up(A) == {(ANY_HOST, "/moved")}
    assert all_.offer(A, lambda key: key != B) == set(), "B has waited for long"
    assert all_.offers.is_untaken(A)
    assert all_.want(C, claim(3, "/c", "/moved")) == {B}, "it is told who has it now"
    assert (losers(all_), winner(all_, B)) == ({B}, C), "C has come meanwhile"
    assert (all_.offers.is_awaited(A), all_.offers.is_untaken(A)) == (True, False)
    assert all_.serves(C, claim(3, "/c", "/moved")) == set()
    assert all_.offers.of(claim(3, "/c", "/moved")) == {A}, "whose turn it is now"
    assert not all_.offers.is_awaited(A)
    assert all_.serves(A, claim(1, "/a")) == set()


def test_who_serves_what_it_offered_has_it_back_until_another_one_serves_it() -> None:
    for served in (False, True):
        all_ = judged({A: claim(1, "/moved")})
        all_.serves(A, claim(1, "/moved"))
        all_.want(A, claim(1, "/a"))
        all_.offer(A, lambda _: True)
        all_.want(B, claim(2, "/moved"))
        assert winner(all_, B) is None
        if served:
            all_.serves(B, claim(2, "/moved"))
        assert all_.want(A, claim(1, "/moved")) == (set() if served else {B})
        assert (winner(all_, A), winner(all_, B)) == ((B, None) if served else (None, A))


def test_an_offer_ends_with_the_next_wish() -> None:
    for wish in (claim(1, "/moved"), claim(1, "/other"), None):
        all_ = judged({A: claim(1, "/moved")})
        all_.serves(A, claim(1, "/moved"))
        all_.want(A, claim(1, "/a"))
        all_.offer(A, lambda _: True)
        all_.want(A, wish)
        all_.want(B, claim(2, "/moved"))
        assert winner(all_, B) == A, "nobody knows yet whether it is given up again"
