"""Orphans: what two lists in a row miss goes, behind what people do, and not where the CRD is in doubt."""

import asyncio

import pytest
from echoroute.core.brake import Verdict
from echoroute.core.objects import Key
from echoroute.engine.queue import Item, Priority
from echoroute.engine.writer.deletions import Permit
from echoroute.errors import KubernetesError
from echoroute.kube.echoroutes import Crd

from .deleting import CART, CRD, MADE, NEW_CRD, PAY, World


async def test_an_orphan_that_came_back_between_two_judgements_is_missing_for_the_first_time(world: World) -> None:
    world.own("cart")
    assert (await world.judge()).deletable == frozenset()
    world.deletions.forget(CART)  # it exists again, and goes before the next judgement
    assert (await world.judge()).deletable == frozenset()
    assert (await world.judge()).deletable == {CART}


async def test_an_orphan_goes_after_two_lists_that_agree(world: World) -> None:
    world.own("cart", "pay")
    assert await world.judge("pay") == Verdict(frozenset(), None)
    assert not len(world.queue), "one list may be wrong"
    verdict = await world.judge("pay")
    assert verdict.deletable == {CART}
    assert await world.requeued_key() == CART
    assert await world.permit(CART) is Permit.GRANTED
    assert await world.permit(PAY) is Permit.DENIED, "released is what was judged, nothing else"


async def test_an_orphan_that_comes_back_while_the_crd_is_read_is_not_released(world: World) -> None:
    """It was missing in both lists. Deleted again later, it needs two lists of its own."""
    world.own("cart", "pay")
    await world.judge()
    world.gate.clear()
    judging = asyncio.create_task(world.judge())
    await asyncio.sleep(0.01)
    assert not judging.done()
    world.deletions.forget(CART)
    world.gate.set()
    assert (await judging).deletable == {PAY}
    assert await world.permit(CART) is Permit.DENIED


async def test_orphans_wait_behind_what_people_do(world: World) -> None:
    """They come by the hundred; a change that somebody just made, and a deletion, go before them."""
    world.own("cart")
    await world.judge()
    await world.judge()
    orphan = await world.queue.get()
    assert orphan.priority is Priority.BULK
    world.queue.done(CART)
    world.deleted(PAY)
    assert world.deletions.permit(orphan, (), exists=False) is Permit.PENDING
    assert world.ask(PAY, priority=Priority.CHANGE) is Permit.PENDING
    world.now += 1.5
    assert await world.queue.get() == Item(PAY, Priority.CHANGE), "each comes back as it was"
    assert await world.queue.get() == Item(CART, Priority.BULK)


async def test_lists_that_do_not_agree_release_nothing(world: World) -> None:
    world.own("cart", "pay")
    for existing in (("pay",), ("cart",), ("pay",)):
        assert (await world.judge(*existing)).deletable == frozenset()
    assert not len(world.queue)


async def test_a_release_ends_with_the_next_judgement(world: World) -> None:
    world.own("cart")
    await world.judge()
    await world.judge()
    await world.requeued_key()
    await world.judge("cart")
    assert await world.permit(CART) is Permit.DENIED, "it exists again in the newest list"


async def test_what_a_delete_event_explains_is_no_orphan(world: World) -> None:
    world.own(*(str(number) for number in range(20)))
    for number in range(20):
        world.deleted(Key("shop", str(number)))
    for _ in range(2):
        assert await world.judge() == Verdict(frozenset(), None), "so `kubectl delete er --all` meets no brake"


@pytest.mark.parametrize("crd", [None, Crd(created=MADE, deleting=True, uid="crd-1")])
async def test_without_the_crd_no_orphan_goes(world: World, crd: Crd | None) -> None:
    world.own("cart")
    world.crd = crd
    for _ in range(3):
        assert (await world.judge()).deletable == frozenset()
    assert not len(world.queue)


async def test_an_unreadable_crd_releases_nothing(world: World) -> None:
    world.own("cart")
    await world.judge()
    world.crd = KubernetesError("forbidden", status=403)
    with pytest.raises(KubernetesError, match="forbidden"):
        await world.judge()
    assert not len(world.queue)
    world.crd = CRD
    assert await world.permit(CART) is Permit.DENIED


async def test_a_release_is_for_the_origin_and_the_life_that_were_judged(world: World) -> None:
    world.own("cart", "pay")
    await world.judge()
    assert len((await world.judge()).deletable) == 2
    assert {await world.requeued_key(), await world.requeued_key()} == {CART, PAY}
    world.deletions.forget(CART)
    assert await world.permit(CART) is Permit.DENIED, "it existed again since"
    world.crd = NEW_CRD
    assert await world.permit(PAY) is Permit.DENIED, "the CRD was made again since"
