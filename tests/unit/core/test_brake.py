"""The brake: what is not explained by a delete event is deleted only in small numbers, or when a person says so."""

import pytest
from echoroute.core.brake import Doubt, Held, Life, Verdict, brake
from echoroute.core.objects import Key, Kind, ObjectRef

YOUNG = Doubt("origin", "the EchoRoute CRD is younger than the operator's oldest route")
SHARED = Doubt("owner", "EchoRoute shop/r1 would be of another operator")
Orphans = dict[Key, frozenset[Life]]


def gone(*numbers: int, created: int = 1_000, upstreams: int = 0) -> Orphans:
    """EchoRoutes that are gone, each with a Route in the gateway, and perhaps Upstreams."""

    def lives(number: int) -> frozenset[Life]:
        extra = {(ObjectRef(Kind.UPSTREAM, f"r{number}.{upstream}"), created) for upstream in range(upstreams)}
        return frozenset({(ObjectRef(Kind.ROUTE, f"r{number}"), created)} | extra)

    return {Key("shop", f"r{number}"): lives(number) for number in numbers}


def judge(
    orphans: Orphans,
    owned: int,
    *,
    doubt: Doubt | None = None,
    confirmed: str | None = None,
    held: Held | None = None,
    origin: str = "CRD 1",
) -> Verdict:
    return brake(orphans, owned=owned, origin=origin, doubt=doubt, confirmed=confirmed, held=held)


def held_of(orphans: Orphans, owned: int, *, doubt: Doubt | None = None, origin: str = "CRD 1") -> Held:
    held = judge(orphans, owned, doubt=doubt, origin=origin).held
    assert held is not None
    return held


@pytest.mark.parametrize(
    ("orphans", "owned", "doubt", "stops", "why"),
    [
        (0, 0, None, False, "nothing to judge"),
        (0, 5, YOUNG, False, "a source in doubt alone is no reason to alarm anybody"),
        (10, 10, None, False, "few, though all"),
        (11, 11, None, True, "many, and all"),
        (11, 36, None, True, "just more than 30 %"),
        (12, 40, None, False, "30 % is not more than 30 %"),
        (11, 37, None, False, "many, and a small part"),
        (1, 100, YOUNG, True, "one is enough where the source is in doubt"),
    ],
)
def test_when_it_stops(orphans: int, owned: int, doubt: Doubt | None, stops: bool, why: str) -> None:
    these = gone(*range(orphans))
    verdict = judge(these, owned, doubt=doubt)
    assert verdict.engaged is stops, why
    assert verdict.deletable == (frozenset() if stops else frozenset(these))
    if stops:
        assert verdict.held is not None
        assert verdict.held.keys == tuple(sorted(these))


def test_echoroutes_count_and_not_their_objects() -> None:
    assert not judge(gone(*range(6), upstreams=3), 6).engaged


def test_the_token_releases_that_set_and_no_other() -> None:
    these = gone(*range(20))
    token = held_of(these, 20).token
    assert judge(these, 20, confirmed="0123456789ab").engaged
    released = judge(these, 20, confirmed=token)
    assert released.deletable == frozenset(these)
    assert not released.engaged
    assert judge(gone(*range(21)), 21, confirmed=token).engaged, "one more is another set"


@pytest.mark.parametrize(
    ("orphans", "doubt", "origin", "why"),
    [
        (gone(*range(20), created=2_000), None, "CRD 1", "the same names, made again: other objects"),
        (gone(*range(20)), YOUNG, "CRD 1", "a doubt is never released by a token for a large share"),
        (gone(*range(20)), None, "CRD 2", "of another CRD"),
    ],
)
def test_a_token_is_for_these_objects_this_reason_and_this_origin(
    orphans: Orphans, doubt: Doubt | None, origin: str, why: str
) -> None:
    first = held_of(gone(*range(20)), 20)
    for held in (None, first):
        verdict = judge(orphans, 20, doubt=doubt, origin=origin, confirmed=first.token, held=held)
        assert verdict.engaged, why
        assert verdict.held is not None
        assert verdict.held.token != first.token


def test_one_doubt_is_not_another() -> None:
    first = held_of(gone(1), 20, doubt=YOUNG)
    assert judge(gone(1), 20, doubt=SHARED, confirmed=first.token, held=first).engaged


def test_the_set_is_frozen_while_any_of_it_is_left() -> None:
    these = gone(*range(20))
    first = held_of(these, 20)
    grown = judge(these | gone(50), 51, held=first)
    assert grown.held == first, "the token that was announced goes on to be right"
    confirmed = judge(these | gone(50), 51, held=first, confirmed=first.token)
    assert confirmed.deletable == frozenset(these), "what became an orphan since was not confirmed"


def test_a_confirmed_set_is_deleted_to_its_end() -> None:
    first = held_of(gone(*range(20)), 20, doubt=YOUNG)
    halfway = judge(gone(*range(15, 20)), 5, held=first, confirmed=first.token)
    assert halfway.deletable == frozenset(gone(*range(15, 20))), "also when the oldest, and so the doubt, is gone"
    assert judge(gone(50), 100, held=halfway.held, confirmed=first.token) == Verdict(frozenset(gone(50)), None)


def test_of_an_echoroute_with_several_objects_what_is_left_goes_on() -> None:
    first = held_of(gone(*range(20), upstreams=1), 20)
    assert judge(gone(3), 1, held=first, confirmed=first.token).deletable == frozenset(gone(3))


def test_it_does_not_let_go_by_itself_when_the_set_shrinks() -> None:
    first = held_of(gone(*range(20)), 20)
    assert judge(gone(1), 100, held=first).engaged


def test_it_lets_go_when_the_objects_are_explained_again() -> None:
    first = held_of(gone(*range(20)), 20)
    assert judge({}, 20, held=first) == Verdict(frozenset(), None)


def test_the_token_is_the_same_after_a_restart() -> None:
    token = held_of(gone(*range(20)), 20).token
    assert token == "58207f3720e7"
    assert held_of(gone(*reversed(range(20))), 20).token == token


def test_the_message_names_what_is_held_why_and_how_to_release_it() -> None:
    text = held_of(gone(*range(23)), 40).text("kubectl set env X=1")
    for part in ("23 EchoRoutes", "23 of the 40", "more than 30%", "To delete them: kubectl set env X=1", "and 3 more"):
        assert part in text
    assert "shop/r1, shop/r10" in text
    assert len(text) < 1024, "an Event has no more"
