"""Who serves a path in another way, by priority, condition or method, does not serve yet what it gets of it."""

import pytest
from echoroute.core.claims import Claim
from echoroute.core.conflicts import Claims

from .claiming import A, B, claim, judged, losers, winner

POSTED, ALL = claim(1, "/p", methods="POST"), claim(2, "/p", "/b")
OTHERWISE = [
    pytest.param(claim(2, "/p", priority=1), id="priority"),
    pytest.param(claim(2, "/p", conditions=b"x"), id="condition"),
    pytest.param(claim(2, "/p", methods="GET"), id="method"),
]


def beside(served: Claim) -> Claims:
    """A serves one method of a path, and B serves the path otherwise; A gives it up, and offers that."""
    all_ = judged({A: POSTED, B: served}, {A: POSTED, B: served})
    assert losers(all_) == set()
    all_.want(A, claim(1, "/q"))
    all_.offer(A, lambda _: True)
    return all_


@pytest.mark.parametrize("served", OTHERWISE)
def test_it_is_waited_for_until_it_serves_what_it_gets(served: Claim) -> None:
    all_ = beside(served)
    assert all_.offers.is_untaken(A), "what B serves is something else"
    assert not all_.offers.is_awaited(A)
    all_.want(B, ALL)
    assert (all_.offers.is_untaken(A), all_.offers.is_awaited(A)) == (False, True)
    all_.serves(B, ALL)
    assert not all_.offers.is_awaited(A)


@pytest.mark.parametrize("served", OTHERWISE)
@pytest.mark.parametrize("asked", [POSTED, claim(1, "/p", "/a")], ids=["as it serves", "with more methods"])
def test_who_serves_the_path_has_it_back_from_one_that_serves_it_otherwise(asked: Claim, served: Claim) -> None:
    all_ = beside(served)
    all_.want(B, ALL)
    assert B in all_.want(A, asked)
    assert winner(all_, B) == A
    assert all_.accepted(A) == (None if all_.conflict(A) else asked)


@pytest.mark.parametrize("served", OTHERWISE)
def test_who_is_kept_goes_on_where_writes_of_both_had_no_answer_and_a_list_tells(served: Claim) -> None:
    all_ = beside(served)
    all_.want(B, ALL)
    for key in (A, B):
        all_.send(key, all_.accepted(key))
        all_.lost(key)
    all_.want(A, claim(1, "/p", "/a"))
    assert winner(all_, A) == B, "nobody knows which of them serves"
    all_.serves(B, served)
    all_.serves(A, POSTED)
    assert not all_.is_double(A, POSTED), "B serves something else"
    assert B in all_.take_back(A)
    assert winner(all_, B) == A
