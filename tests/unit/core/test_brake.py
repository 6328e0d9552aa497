"""The brake: what is not explained by a delete event is deleted only in small numbers, or when a person says so."""

import pytest
from echoroute.core.brake import Held, Verdict, brake, token
from echoroute.core.objects import Kind, ObjectRef

DOUBT = "the EchoRoute CRD is younger than the oldest of our objects"


def refs(*numbers: int) -> frozenset[ObjectRef]:
    return frozenset(ObjectRef(Kind.ROUTE, f"r{number}") for number in numbers)


def judge(
    orphans: frozenset[ObjectRef],
    owned: int,
    *,
    doubt: str | None = None,
    confirmed: str | None = None,
    held: Held | None = None,
) -> Verdict:
    return brake(orphans, owned=owned, doubt=doubt, confirmed=confirmed, held=held)


@pytest.mark.parametrize(
    ("orphans", "owned", "doubt", "stops", "why"),
    [
        (0, 0, None, False, "nothing to judge"),
        (0, 5, DOUBT, False, "a source in doubt alone is no reason to alarm anybody"),
        (10, 10, None, False, "few, though all"),
        (11, 11, None, True, "many, and all"),
        (11, 36, None, True, "just more than 30 %"),
        (12, 40, None, False, "30 % is not more than 30 %"),
        (11, 37, None, False, "many, and a small part"),
        (1, 100, DOUBT, True, "one is enough where the source is in doubt"),
    ],
)
def test_when_it_stops(orphans: int, owned: int, doubt: str | None, stops: bool, why: str) -> None:
    these = refs(*range(orphans))
    verdict = judge(these, owned, doubt=doubt)
    assert verdict.engaged is stops, why
    assert verdict.deletable == (frozenset() if stops else these)
    if stops:
        assert verdict.held is not None
        assert (verdict.held.refs, verdict.held.token) == (these, token(these))


def test_the_token_releases_that_set_and_no_other() -> None:
    these = refs(*range(20))
    assert judge(these, 20, confirmed="0123456789ab").engaged
    released = judge(these, 20, confirmed=token(these))
    assert released.deletable == these
    assert not released.engaged
    assert judge(refs(*range(21)), 21, confirmed=token(these)).engaged, "one more is another set"


def test_the_set_is_frozen_while_any_of_it_is_left() -> None:
    these = refs(*range(20))
    first = judge(these, 20)
    grown = judge(these | refs(50), 51, held=first.held)
    assert grown.held == first.held, "the token that was announced goes on to be right"
    confirmed = judge(these | refs(50), 51, held=first.held, confirmed=token(these))
    assert confirmed.deletable == these, "what became an orphan since was not confirmed"


def test_a_confirmed_set_is_deleted_to_its_end() -> None:
    these = refs(*range(20))
    first = judge(these, 20, confirmed=token(these))
    halfway = judge(refs(*range(15, 20)), 5, held=first.held, confirmed=token(these))
    assert halfway.deletable == refs(*range(15, 20))
    assert judge(refs(50), 100, held=halfway.held, confirmed=token(these)) == Verdict(refs(50), None)


def test_it_does_not_let_go_by_itself_when_the_set_shrinks() -> None:
    first = judge(refs(*range(20)), 20)
    assert judge(refs(1), 100, held=first.held).engaged


def test_it_lets_go_when_the_objects_are_explained_again() -> None:
    first = judge(refs(*range(20)), 20)
    assert judge(frozenset(), 20, held=first.held) == Verdict(frozenset(), None)


def test_the_token_is_the_same_after_a_restart() -> None:
    assert token(refs(2, 1)) == token(refs(1, 2))
    assert token(refs(1, 2)) == "4841974788f2"
    assert len({token(refs(1)), token(refs(2)), token(frozenset({ObjectRef(Kind.UPSTREAM, "r1")}))}) == 3


def test_the_message_says_how_many_why_and_how_to_release() -> None:
    held = judge(refs(*range(20)), 40).held
    text = str(held)
    assert held is not None
    for part in ("20 gateway objects", "20 of the 40", "more than 30%", f"ECHOROUTE_CONFIRM_DELETION={held.token}"):
        assert part in text
