"""Deletions: never without a read of the CRD that is newer than their reason, never on what may be a mistake."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from echoroute.core.brake import Verdict
from echoroute.core.changes import Delete, Stored
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.seen import Entry, Seen
from echoroute.engine.confirmation import Confirmation
from echoroute.engine.origin import OriginReader
from echoroute.engine.queue import Item, Priority, WorkQueue
from echoroute.engine.store import Store
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.deletions import Deletions, Permit
from echoroute.errors import KubernetesError
from echoroute.kube.echoroutes import Crd

MADE = datetime(2026, 1, 1, tzinfo=UTC)
CRD = Crd(created=MADE, deleting=False, uid="crd-1")
BORN = MADE + timedelta(days=1)
CART, PAY = Key("shop", "cart"), Key("shop", "pay")
ENTRY = Entry(uid="1", generation=1, created=BORN, spec=b"{}", status=b"{}")


class World:
    """A clock that the test turns, an API server that answers with `crd`, and the keys that were queued again."""

    def __init__(self, confirmed: str | None = None) -> None:
        self.now = 100.0
        self.crd: Crd | Exception | None = CRD
        self.reads = 0
        self.others: set[Key] = set()
        self.queue = WorkQueue()
        self.gate = asyncio.Event()
        self.gate.set()
        self.store = Store()
        self.versions = count(1)
        self.origin = OriginReader(self.read_origin, lambda: self.now)
        self.deletions = Deletions(
            store=self.store,
            origin=self.origin,
            queue=self.queue,
            confirmation=Confirmation(confirmed),
            of_others=lambda key: key in self.others,
        )
        self.actual = Actual(lambda body: Key("shop", str(body["name"])), lambda: self.now)

    async def read_origin(self) -> Crd | None:
        self.reads += 1
        answer = self.crd
        await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def requeued_key(self) -> Key:
        item = await asyncio.wait_for(self.queue.get(), 5.0)
        self.queue.done(item.key)
        return item.key

    def ask(self, key: Key, *, exists: bool = False, priority: Priority = Priority.CHANGE) -> Permit:
        return self.deletions.permit(Item(key, priority), exists=exists)

    async def permit(self, key: Key, *, exists: bool = False) -> Permit:
        """Ask, wait for the read, ask again."""
        assert self.ask(key, exists=exists) is Permit.PENDING
        self.now += 1.5
        assert await self.requeued_key() == key
        return self.ask(key, exists=exists)

    def own(self, *names: str, created: datetime = BORN) -> None:
        listed: dict[ObjectRef, Stored] = {}
        for name in names:
            body: JsonObject = {"name": name}
            listed[ObjectRef(Kind.ROUTE, name)] = Stored(body, int(created.timestamp()), 1)
        self.now += 5.0
        self.actual.replace(listed, began=self.now)

    def deleted(self, key: Key, created: datetime = BORN) -> None:
        """A delete event comes."""
        self.store.offer(Seen(key, next(self.versions), None, ended=created))

    async def judge(self, *existing: str) -> Verdict:
        self.now += 5.0
        version = next(self.versions)
        there = [Seen(Key("shop", name), version, ENTRY) for name in existing]
        self.store.offer_list({seen.key: version for seen in there}, there, version)
        return await self.deletions.judge_orphans(self.actual)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.deletions.aclose()


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


async def test_an_orphan_that_came_back_between_two_judgements_is_missing_for_the_first_time(world: World) -> None:
    world.own("cart")
    assert (await world.judge()).deletable == frozenset()
    world.deletions.forget(CART)  # it exists again, and goes before the next judgement
    assert (await world.judge()).deletable == frozenset()
    assert (await world.judge()).deletable == {CART}


async def test_what_was_permitted_stands_as_long_as_its_reason_does(world: World) -> None:
    world.deleted(CART)
    assert await world.permit(CART) is Permit.GRANTED
    assert world.deletions.stands(CART), "no read is needed while it waits for who gets its path"
    world.deletions.forget(CART)
    assert not world.deletions.stands(CART), "it came again"
    world.deleted(CART)
    world.crd = None
    await world.origin.read()
    assert not world.deletions.stands(CART)


async def test_a_forgotten_event_explains_nothing(world: World) -> None:
    world.deleted(CART)
    world.deletions.forget(CART)
    assert await world.permit(CART) is Permit.DENIED


async def test_one_read_serves_all_that_wait(world: World) -> None:
    world.gate.clear()
    for number in range(50):
        key = Key("shop", str(number))
        world.deleted(key)
        world.now += 0.001
        assert world.ask(key, exists=False) is Permit.PENDING
    await asyncio.sleep(0)
    world.gate.set()
    keys = {await world.requeued_key() for _ in range(50)}
    assert world.reads == 1
    assert {world.ask(key, exists=False) for key in keys} == {Permit.GRANTED}


async def test_an_event_during_a_read_needs_another_one(world: World) -> None:
    world.gate.clear()
    world.deleted(CART)
    world.now += 0.1
    world.ask(CART, exists=False)
    await asyncio.sleep(0.01)
    world.now += 2.0
    world.deleted(PAY)
    world.ask(PAY, exists=False)
    world.gate.set()
    assert {await world.requeued_key(), await world.requeued_key()} == {CART, PAY}
    assert world.ask(CART, exists=False) is Permit.GRANTED
    assert await world.permit(PAY) is Permit.GRANTED
    assert world.reads == 2, "the read began before the second event"


async def test_reads_are_a_second_apart(world: World) -> None:
    await world.origin.read()
    world.now += 0.9
    began = asyncio.get_running_loop().time()
    world.ask(CART, exists=True)
    await world.requeued_key()
    assert asyncio.get_running_loop().time() - began >= 0.09


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KubernetesError("no route to host", status=0), id="the API server is away"),
        pytest.param(ValueError("no route to host"), id="a bug must not end the only reader"),
    ],
)
async def test_a_failed_read_delays_and_denies_nothing(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    world.crd = error
    world.deleted(CART)
    world.now += 0.1
    with caplog.at_level(logging.WARNING):
        assert world.ask(CART, exists=False) is Permit.PENDING
        await asyncio.sleep(0.01)
    assert ("no route to host" if isinstance(error, KubernetesError) else "ValueError, raised here:") in caplog.text
    assert not len(world.queue)
    world.crd, world.now = CRD, world.now + 5.0
    assert await world.requeued_key() == CART
    assert world.ask(CART, exists=False) is Permit.GRANTED


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
    assert world.deletions.permit(orphan, exists=False) is Permit.PENDING
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
NEW_CRD = Crd(created=BORN + timedelta(days=9), deleting=False, uid="crd-2")


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


async def test_a_release_is_for_the_origin_and_the_life_that_were_judged(world: World) -> None:
    world.own("cart", "pay")
    await world.judge()
    assert len((await world.judge()).deletable) == 2
    assert {await world.requeued_key(), await world.requeued_key()} == {CART, PAY}
    world.deletions.forget(CART)
    assert await world.permit(CART) is Permit.DENIED, "it existed again since"
    world.crd = NEW_CRD
    assert await world.permit(PAY) is Permit.DENIED, "the CRD was made again since"
