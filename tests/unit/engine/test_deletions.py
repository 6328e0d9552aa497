"""Deletions: never without a reason that stands, nor without a read of the CRD that is newer than the reason."""

import asyncio
from datetime import timedelta

import pytest
from echoroute.core.seen import Seen
from echoroute.engine.writer.deletions import Permit
from echoroute.kube.echoroutes import Crd

from .deleting import BORN, CART, CRD, ENTRY, MADE, World


async def test_a_delete_event_is_granted_after_a_newer_read(world: World) -> None:
    await world.origin.read()
    world.now += 5.0
    world.deleted(CART)
    world.now += 0.5
    assert world.ask(CART, exists=False) is Permit.PENDING, "the read before the event says nothing"
    assert world.ask(CART, exists=False) is Permit.PENDING, "nor does asking again"
    assert await world.requeued_key() == CART
    assert world.reads == 2
    assert world.ask(CART, exists=False) is Permit.GRANTED


@pytest.mark.parametrize(
    ("crd", "why"),
    [
        (None, "the CRD is missing: Kubernetes removed its objects with it"),
        (Crd(created=MADE, deleting=True, uid="crd-1"), "the CRD is being deleted: nobody asked for this route to go"),
        (
            Crd(created=BORN + timedelta(days=1), deleting=False, uid="crd-1"),
            "made again since: another CRD than the object's",
        ),
    ],
)
async def test_a_delete_event_from_the_end_of_the_crd_deletes_nothing(world: World, crd: Crd | None, why: str) -> None:
    world.crd = crd
    world.deleted(CART)
    assert await world.permit(CART) is Permit.DENIED, why
    world.crd = CRD
    assert await world.permit(CART) is Permit.DENIED, "the event is used up: the key is an orphan like others now"


async def test_what_no_event_explains_is_denied(world: World) -> None:
    assert await world.permit(CART) is Permit.DENIED


async def test_an_existing_one_may_shed_objects_but_not_without_the_crd(world: World) -> None:
    assert await world.permit(CART, exists=True) is Permit.GRANTED
    world.crd = None
    assert await world.permit(CART, exists=True) is Permit.DENIED


async def test_a_read_for_what_one_does_not_need_says_nothing_of_its_end(world: World) -> None:
    """It waited with an Upstream that nobody names when it was deleted: whether the CRD went with it was not read."""
    assert world.ask(CART, exists=True) is Permit.PENDING
    world.now += 1.5
    assert await world.requeued_key() == CART
    world.crd = None
    world.deleted(CART)
    assert world.ask(CART, exists=False) is Permit.PENDING
    assert await world.requeued_key() == CART
    assert world.ask(CART, exists=False) is Permit.DENIED


@pytest.mark.parametrize("exists", [True, False], ids=["refused by policy", "missing in two lists"])
@pytest.mark.parametrize("restored", [False, True], ids=["edited or created", "restored from a backup"])
async def test_no_reason_is_good_once_a_list_has_named_what_is_not_read_yet(
    world: World, *, exists: bool, restored: bool
) -> None:
    world.own("cart")
    await world.judge(*["cart"] * exists)
    await world.judge(*["cart"] * exists)
    assert not restored or world.store.went_back({}, 1, newest=world.store.newest)
    version = 1 if restored else next(world.versions)
    assert world.store.newer({CART: version}) == [CART]
    for _ in range(3):
        assert await world.permit(CART, exists=exists) is Permit.PENDING
    world.store.offer(Seen(CART, version, ENTRY))
    assert await world.requeued_key() == CART
    assert exists or world.ask(CART, exists=True) is Permit.PENDING, "another reason: it exists"
    world.now += 1.5
    assert exists or await world.requeued_key() == CART
    assert world.ask(CART, exists=True) is Permit.GRANTED


async def test_a_read_after_one_end_says_nothing_of_the_next(world: World) -> None:
    """In between a list has named it, and before it was read it was gone again; nobody has asked meanwhile."""
    world.deleted(CART)
    assert world.ask(CART) is Permit.PENDING
    assert world.store.newer({CART: next(world.versions)}) == [CART]
    world.now += 1.5
    assert await world.requeued_key() == CART
    world.deleted(CART)
    assert not world.store.is_unread(CART)
    world.crd = None
    assert world.ask(CART) is Permit.PENDING, "the CRD may have gone with it"
    world.now += 1.5
    assert await world.requeued_key() == CART
    assert world.ask(CART) is Permit.DENIED


async def test_a_list_that_lacks_what_has_ended_delays_no_deletion(world: World) -> None:
    world.deleted(CART)
    assert world.ask(CART) is Permit.PENDING
    world.store.offer_list({}, [], next(world.versions))
    assert await world.requeued_key() == CART
    assert world.ask(CART) is Permit.GRANTED


async def test_what_was_permitted_stands_as_long_as_its_reason_does(world: World) -> None:
    world.deleted(CART)
    assert await world.permit(CART) is Permit.GRANTED
    assert world.deletions.stands(CART, exists=False), "no read is needed while it waits for who gets its path"
    world.deletions.forget(CART)
    assert not world.deletions.stands(CART, exists=False), "it came again"
    world.deleted(CART)
    world.crd = None
    await world.origin.read()
    assert not world.deletions.stands(CART, exists=False)


async def test_a_forgotten_event_explains_nothing(world: World) -> None:
    world.deleted(CART)
    world.deletions.forget(CART)
    assert await world.permit(CART) is Permit.DENIED


@pytest.mark.parametrize("between", ["what was to go has gone by itself", "something else is to go"])
async def test_each_reason_needs_a_read_of_its_own(world: World, between: str) -> None:
    """The first one asked, and was not needed any more when the read came; the CRD is being deleted since."""
    assert world.ask(CART, exists=True, removals=["stray"]) is Permit.PENDING
    world.now += 1.5
    assert await world.requeued_key() == CART
    if between == "what was to go has gone by itself":
        world.deletions.needs_none(CART)
    world.crd = None
    removals = ["stray"] if between == "what was to go has gone by itself" else ["stray", "route"]
    assert world.ask(CART, exists=True, removals=removals) is Permit.PENDING
    world.now += 1.5
    assert await world.requeued_key() == CART
    assert world.ask(CART, exists=True, removals=removals) is Permit.DENIED


async def test_what_was_needed_again_meanwhile_needs_another_read(world: World) -> None:
    """The read has begun when one of two is named again, and is not any more after that."""
    assert world.ask(CART, exists=True, removals="ab") is Permit.PENDING
    world.gate.clear()
    await asyncio.sleep(0.01)
    assert world.ask(CART, exists=True, removals="a") is Permit.PENDING
    world.crd = None
    assert world.ask(CART, exists=True, removals="ab") is Permit.PENDING
    world.gate.set()
    world.now += 1.5
    assert await world.requeued_key() == CART
    assert world.ask(CART, exists=True, removals="ab") is Permit.PENDING
    world.now += 1.5
    assert await world.requeued_key() == CART
    assert world.ask(CART, exists=True, removals="ab") is Permit.DENIED


@pytest.mark.parametrize("exists", [True, False])
async def test_what_was_permitted_stands_no_more_once_a_list_has_named_the_key_anew(
    world: World, *, exists: bool
) -> None:
    world.deleted(CART)
    assert await world.permit(CART, exists=exists) is Permit.GRANTED
    assert world.deletions.stands(CART, exists=exists)
    world.store.newer({CART: next(world.versions)})
    assert not world.deletions.stands(CART, exists=exists)
