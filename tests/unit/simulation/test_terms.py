"""Terms of office: what one knew goes with it, what follows from the EchoRoutes stays, and a standby does nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

from echoroute.api.objects import EchoRouteObject
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import JsonObject, Key
from echoroute.kube.echoroutes import Crd
from prometheus_client import REGISTRY

from .cluster import START
from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import (
    DENIED,
    DRIFT_INTERVAL,
    GOOD,
    INVALID,
    OTHER,
    OWNER,
    POLICY,
    REFUSED_BY_GATEWAY,
    SHARED,
    SPECS,
    World,
    ref_of,
)

KEYS = [Key(f"team-{number % 5}", f"r{number}") for number in range(40)]


class Office:
    """Begins and ends the terms of a world, as an election would."""

    def __init__(self) -> None:
        self._term: Callable[[], Awaitable[None]] | None = None
        self._running: asyncio.Task[None] | None = None

    async def lead(self, term: Callable[[], Awaitable[None]]) -> None:
        self._term = term
        await asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        assert self._term is not None
        self._running = asyncio.create_task(self._term())  # type: ignore[arg-type]

    async def end(self) -> None:
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running


async def _standby(*kinds: str) -> tuple[World, Office]:
    """A world whose operator runs, and has no term yet."""
    world, office = World.new(), Office()
    world.lead = office.lead
    for number, key in enumerate(KEYS):
        world.cluster.apply(key, SPECS[(kinds or (GOOD,))[number % max(1, len(kinds))]](key))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    return world, office


async def _in_office(*kinds: str) -> tuple[World, Office]:
    world, office = await _standby(*kinds)
    office.begin()
    await asyncio.sleep(3.0)
    return world, office


def test_a_standby_lists_and_watches_and_asks_nothing_of_the_gateway() -> None:
    async def play() -> None:
        world, office = await _standby(GOOD, DENIED, SHARED)
        world.cluster.apply(KEYS[0], SPECS[OTHER](KEYS[0]))
        world.cluster.delete(KEYS[1])
        await asyncio.sleep(DRIFT_INTERVAL)
        assert world.engine is not None
        assert world.engine.lists.listed
        assert world.engine.watching.up
        assert len(world.engine.desired.table) == len(KEYS) - 1
        assert (world.gateway.listed, world.gateway.tried, world.cluster.patches) == ([], [], 0)
        office.begin()
        await asyncio.sleep(3.0)
        assert "enable_websocket" in world.gateway.objects[ref_of(KEYS[0])].body
        assert world.ready(KEYS[0]) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


def test_a_term_over_what_is_unchanged_writes_nothing_and_patches_nothing() -> None:
    async def play() -> None:
        world, office = await _in_office(GOOD, DENIED, INVALID, SHARED)
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        writes, patches = world.gateway.writes, world.cluster.patches
        for _ in range(3):
            await office.end()
            await asyncio.sleep(20.0)
            office.begin()
            await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert (world.gateway.writes, world.cluster.patches) == (writes, patches)
        await world.stop()

    run_in_virtual_time(play())


def test_what_happens_between_two_terms_is_made_good_by_the_next() -> None:
    async def play() -> None:
        world, office = await _in_office()
        await office.end()
        patches = world.cluster.patches
        changed, drifted, lost, refused = KEYS[:4]
        world.cluster.apply(changed, SPECS[OTHER](changed))
        world.cluster.apply(refused, SPECS[DENIED](refused))
        world.gateway.write_past_us(ref_of(drifted), {**world.gateway.objects[ref_of(drifted)].body, "priority": 7})
        del world.gateway.objects[ref_of(lost)]
        writes = world.gateway.writes
        await asyncio.sleep(DRIFT_INTERVAL)
        assert (world.gateway.writes, world.cluster.patches) == (writes, patches), "nobody is in office"
        office.begin()
        await asyncio.sleep(3.0)
        assert "enable_websocket" in world.gateway.objects[ref_of(changed)].body
        assert "priority" not in world.gateway.objects[ref_of(drifted)].body
        assert ref_of(lost) in world.gateway.objects
        assert ref_of(refused) not in world.gateway.objects
        assert world.ready(refused) == "False/NotAllowed"
        assert {world.ready(key) for key in KEYS if key != refused} == {"True/Ready"}
        await world.stop()

    run_in_virtual_time(play())


def test_a_term_that_ends_in_the_middle_of_a_mass_deletion_leaves_no_brake_behind() -> None:
    async def play() -> None:
        world, office = await _in_office(GOOD, GOOD, GOOD, INVALID)
        written = len(world.gateway.objects)
        world.gateway.fault = Fault.REFUSES_WRITES  # nothing of it is done before the term ends
        for key in KEYS[:35]:
            world.cluster.delete(key)
        await asyncio.sleep(2.0)
        await office.end()
        world.gateway.fault = Fault.NONE
        for key in KEYS[35:]:
            world.cluster.delete(key)
        await asyncio.sleep(DRIFT_INTERVAL)
        assert world.engine is not None
        assert world.engine.writer is None
        assert len(world.gateway.objects) == written == 30
        office.begin()
        await asyncio.sleep(5.0)
        assert world.gateway.objects == {}, "delete events explain it, whoever was in office"
        assert world.writer.rounds.held is None
        await asyncio.sleep(DRIFT_INTERVAL)
        assert not world.engine.desired.store.all_ended(), "nothing is kept of what is gone"
        await world.stop()

    run_in_virtual_time(play())


def test_no_status_waits_for_the_end_of_a_bulk_that_tells_of_nothing() -> None:
    """Statuses wait while many writes are pending; deletions of what is gone have no status that could end the wait."""

    async def play() -> None:
        world, office = await _in_office()
        await office.end()
        many = [Key("crowd", f"r{number}") for number in range(100)]
        for key in many:
            world.cluster.apply(key, SPECS[GOOD](key))
        office.begin()
        await asyncio.sleep(5.0)
        await office.end()
        for key in many:
            world.cluster.delete(key)
        world.cluster.apply(KEYS[0], SPECS[DENIED](KEYS[0]))
        await asyncio.sleep(2.0)
        world.gateway.fault = Fault.REFUSES_LISTS
        office.begin()
        await asyncio.sleep(3.0)
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(DRIFT_INTERVAL)
        assert set(world.gateway.objects) == {ref_of(key) for key in KEYS[1:]}
        assert _message(world, KEYS[0], "Programmed").startswith("nothing serves")
        await world.stop()

    run_in_virtual_time(play())


def test_a_crd_that_was_made_anew_between_two_terms_is_in_doubt() -> None:
    """Its EchoRoutes went with the old one, within the minute by which clocks may differ: no clock tells."""

    async def play() -> None:
        world, office = await _in_office()
        await office.end()
        world.cluster.remove_crd()
        world.cluster.crd = Crd(START + timedelta(seconds=world.cluster.now()), deleting=False, uid="crd-1")
        office.begin()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        assert len(world.gateway.objects) == len(KEYS)
        assert "has taken the place of" in str(world.writer.rounds.held)
        await world.stop()

    run_in_virtual_time(play())


def test_who_serves_a_pair_is_learnt_from_the_gateway_in_each_term() -> None:
    """Another replica was in office, and served what this one has never confirmed."""

    async def play() -> None:
        one, other = Key("lab", "one"), Key("shop", "other")
        world, office = World.new(), Office()
        world.lead = office.lead
        world.cluster.apply(one, SPECS[SHARED](one))
        world.start()
        await asyncio.sleep(1.0)
        office.begin()
        await asyncio.sleep(3.0)
        await office.end()
        world.cluster.apply(other, SPECS[SHARED](other))
        body = evaluate(other, world.entry(other), owner=OWNER, policy=POLICY).bundle
        assert body is not None
        world.gateway.objects.clear()
        world.gateway.write_past_us(ref_of(other), body.objects[ref_of(other)])
        world.gateway.fault = Fault.DOWN
        office.begin()
        await asyncio.sleep(10.0)
        assert _accepted(world, other) == "Unknown", (
            "what this one knew of the gateway says nothing of a shared pair now"
        )
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(DRIFT_INTERVAL)
        assert world.ready(other) == "True/Ready"
        assert world.ready(one) == "False/Conflicted", "the older one, and it does not serve"
        assert ref_of(one) not in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())


def test_a_term_that_ended_in_trouble_tells_of_none_any_more() -> None:
    """Else an alert on what this replica could not do, or holds, would fire for as long as it stands by."""

    async def play() -> None:
        world, office = await _in_office()
        world.cluster.losing_events = True
        for key in KEYS[:30]:
            world.cluster.delete(key)
        world.cluster.losing_events = False
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        assert _metric("echoroute_orphans") == 30
        world.cluster.down = True
        world.gateway.fault = Fault.REFUSES_LISTS
        world.cluster.apply(KEYS[35], SPECS[OTHER](KEYS[35]))
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        assert _metric("echoroute_gateway_lists_up") == 0
        assert _metric("echoroute_source_up", what="status") == 0
        await office.end()
        assert _metric("echoroute_orphans") == 0
        assert _metric("echoroute_gateway_lists_up") == 1
        assert _metric("echoroute_source_up", what="status") == 1
        await world.stop()

    run_in_virtual_time(play())


def _metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_what_was_rejected_is_asked_for_once_in_each_term() -> None:
    async def play() -> None:
        world, office = await _in_office(REFUSED_BY_GATEWAY)
        tried = len(world.gateway.tried)
        await office.end()
        office.begin()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert len(world.gateway.tried) == tried + len(KEYS)
        await world.stop()

    run_in_virtual_time(play())


def _accepted(world: World, key: Key) -> str:
    return str(_condition(world, key, "Accepted")["status"])


def _message(world: World, key: Key, type_: str) -> str:
    return str(_condition(world, key, type_)["message"])


def _condition(world: World, key: Key, type_: str) -> JsonObject:
    conditions = EchoRouteObject.from_raw(world.cluster.objects[key]).status["conditions"]
    assert isinstance(conditions, list)
    return next(item for item in conditions if isinstance(item, dict) and item["type"] == type_)
