"""The brake: orphans that may be a mistake are held, and a token releases those that it was given for, once."""

import asyncio
from datetime import datetime, timedelta

import pytest
from echoroute.core.changes import Delete
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.engine.writer.deletions import Permit
from echoroute.kube.echoroutes import Crd

from .deleting import BORN, CART, CRD, MADE, NEW_CRD, PAY, World


async def test_a_crd_younger_than_what_is_owned_engages_the_brake(world: World) -> None:
    world.own("cart", created=MADE - timedelta(days=1))
    await world.judge()
    verdict = await world.judge()
    assert verdict.engaged
    assert await world.permit(CART) is Permit.DENIED


async def test_one_that_another_operator_may_serve_engages_the_brake(world: World) -> None:
    """Two operators with one owner id would delete each other's routes, few at a time, for ever."""
    world.own("cart", "pay")
    world.others = {PAY, Key("shop", "not an orphan")}
    await world.judge()
    verdict = await world.judge()
    assert verdict.held is not None
    assert "EchoRoute shop/pay" in verdict.held.reason
    assert "ECHOROUTE_OWNER_ID" in verdict.held.reason
    assert await world.permit(PAY) is Permit.DENIED


async def test_many_orphans_are_held_until_their_token_is_given(world: World) -> None:
    names = [str(number) for number in range(20)]
    world.own(*names)
    await world.judge()
    verdict = await world.judge()
    assert verdict.held is not None
    assert not len(world.queue)
    assert await world.permit(Key("shop", "3")) is Permit.DENIED

    confirmed = World(confirmed=verdict.held.token)
    confirmed.own(*names, "late")
    await confirmed.judge("late")
    assert confirmed.deletions.token_accepted == 20, "told at once, though one list may be wrong"
    assert not len(confirmed.queue)
    assert len((await confirmed.judge("late")).deletable) == 20
    requeued = {(await confirmed.requeued_key()).name for _ in names}
    assert requeued == set(names)
    for name in names[:15]:
        confirmed.actual.wrote(Key("shop", name), Delete(ObjectRef(Kind.ROUTE, name)))
    assert len((await confirmed.judge("late")).deletable) == 5, "a confirmed set is deleted to its end"
    await confirmed.deletions.aclose()


async def test_a_token_that_is_left_from_before_is_not_told_as_accepted(world: World) -> None:
    """Few orphans need none: whoever left the setting in place would be told of each that goes, as if by the token."""
    few = World(confirmed="0123456789ab")
    few.own("cart", "pay")
    await few.judge()
    assert few.deletions.token_accepted == 0
    assert len((await few.judge()).deletable) == 2
    await few.deletions.aclose()


async def _confirmed(names: list[str]) -> World:
    """A world whose set of orphans was confirmed, and is gone from the gateway."""
    asking = World()
    asking.own(*names)
    await asking.judge()
    held = (await asking.judge()).held
    assert held is not None
    world = World(confirmed=held.token)
    world.own(*names)
    await world.judge()
    assert len((await world.judge()).deletable) == len(names)
    for name in names:
        await world.requeued_key()
        world.actual.wrote(Key("shop", name), Delete(ObjectRef(Kind.ROUTE, name)))
    await world.judge()
    return world


NAMES = [str(number) for number in range(20)]


@pytest.mark.parametrize(
    ("crd", "created", "why"),
    [
        (CRD, BORN + timedelta(days=2), "the same names, applied again: other objects"),
        (CRD, BORN, "even the same objects, should a gateway not know when they were made: the token is used up"),
        (NEW_CRD, BORN, "a re-created CRD is another origin, and in doubt besides"),
        (NEW_CRD, BORN + timedelta(days=20), "another origin, without a doubt"),
    ],
)
async def test_a_token_that_stays_set_releases_nothing_else(crd: Crd, created: datetime, why: str) -> None:
    world = await _confirmed(NAMES)
    world.own(*NAMES, created=created)
    await world.judge(*NAMES)
    world.crd = crd
    for _ in range(3):
        verdict = await world.judge()
        assert not verdict.deletable, why
    assert verdict.engaged
    assert await world.permit(Key("shop", "3")) is Permit.DENIED, why
    await world.deletions.aclose()


async def test_an_origin_that_is_replaced_while_we_run_is_in_doubt(world: World) -> None:
    """By clocks alone a CRD that came again within a minute is none: they may differ by as much."""
    await world.origin.learn()
    world.own("cart", created=MADE)
    world.crd = Crd(created=MADE + timedelta(seconds=30), deleting=False, uid="crd-2")
    await world.judge()
    verdict = await world.judge()
    assert verdict.engaged
    assert verdict.held is not None
    assert "CRD crd-2 has taken the place of CRD crd-1" in verdict.held.reason


async def test_a_token_is_accepted_for_those_that_are_still_gone_when_the_crd_is_read() -> None:
    names = [f"n{number:02}" for number in range(12)]
    world = World()
    world.own(*names)
    await world.judge()
    verdict = await world.judge()
    assert verdict.held is not None
    confirmed = World(confirmed=verdict.held.token)
    confirmed.own(*names)
    confirmed.gate.clear()
    judging = asyncio.create_task(confirmed.judge())
    await asyncio.sleep(0.01)
    for name in names[:6]:
        confirmed.deletions.forget(Key("shop", name))
    confirmed.gate.set()
    await judging
    assert confirmed.deletions.token_accepted == 0, "another set by now"
