"""An API server that hangs, or is slow, puts off no repair: the gateway is listed all the same, and orphans wait."""

import asyncio

import pytest
from echoroute.core.source import Listing
from echoroute.errors import SourceError
from prometheus_client import REGISTRY

from .test_terms import Office
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, KEYS, OTHER, SPECS, World, ref_of

LOST, ORPHAN, OTHERS = KEYS[0], KEYS[1], KEYS[2:]


def rounds(result: str) -> float:
    return REGISTRY.get_sample_value("echoroute_rounds_total", {"result": result}) or 0.0


async def _settled() -> World:
    world = World.new()
    for key in KEYS:
        world.cluster.apply(key, SPECS[GOOD](key))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL + 5)
    return world


def _slow(world: World, seconds: float, *, fails: bool) -> list[float]:
    """From now on each list takes so long; gives the times at which they begin."""
    began: list[float] = []
    quick = world.cluster.list

    async def slow(*, metadata_only: bool) -> Listing:
        began.append(world.gateway.now())
        listing = await quick(metadata_only=metadata_only)
        await asyncio.sleep(seconds)
        if fails:
            raise SourceError("timeout", status=0)
        return listing

    world.cluster.list = slow  # type: ignore[method-assign]
    return began


@pytest.mark.parametrize("fails", [True, False], ids=["hangs", "slow"])
@pytest.mark.parametrize("seconds", [5.0, 60.0, 300.0])
def test_the_gateway_is_repaired_whatever_the_api_server_does(seconds: float, fails: bool) -> None:
    async def play() -> None:
        world = await _settled()
        began, listed = _slow(world, seconds, fails=fails), len(world.gateway.listed)
        for _ in range(20):
            world.gateway.objects.pop(ref_of(LOST))
            await asyncio.sleep(DRIFT_INTERVAL + 1)
            assert ref_of(LOST) in world.gateway.objects
        assert 19 <= len(world.gateway.listed) - listed <= 21, "no list more than without"
        assert len(began) <= 20 * (DRIFT_INTERVAL + 1) / min(seconds, DRIFT_INTERVAL) + 2, "one at a time"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("seconds", [5.0, 60.0, 300.0])
def test_an_orphan_needs_two_lists_however_long_they_take(seconds: float) -> None:
    async def play() -> None:
        world = await _settled()
        began = _slow(world, seconds, fails=False)
        complete, incomplete = rounds("complete"), rounds("incomplete")
        world.cluster.losing_events = True
        world.cluster.delete(ORPHAN)
        since = world.gateway.now()
        while ref_of(ORPHAN) in world.gateway.objects:  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.5)
        took = world.gateway.now() - since
        ended = [one + seconds for one in began if since <= one]
        assert sum(one <= world.gateway.now() for one in ended) >= 2
        assert took <= 3 * seconds + 4 * DRIFT_INTERVAL
        assert rounds("complete") - complete <= took / seconds + 1, "a round without a list is not complete"
        assert rounds("complete") - complete + rounds("incomplete") - incomplete >= took // DRIFT_INTERVAL - 1
        assert all(ref_of(key) in world.gateway.objects for key in (LOST, *OTHERS))
        await world.stop()

    run_in_virtual_time(play())


def test_a_judgement_that_hangs_puts_off_no_repair() -> None:
    """It reads the CRD, from the same API server."""

    async def play() -> None:
        world = await _settled()

        async def hang() -> None:
            await asyncio.sleep(300.0)
            raise SourceError("timeout", status=0)

        assert world.engine is not None
        world.engine.origin._read = hang
        world.cluster.losing_events = True
        world.cluster.delete(ORPHAN)
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        for _ in range(5):
            world.gateway.objects.pop(ref_of(LOST))
            await asyncio.sleep(DRIFT_INTERVAL + 1)
            assert ref_of(LOST) in world.gateway.objects
        assert ref_of(ORPHAN) in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())


def test_nothing_is_deleted_while_lists_hang() -> None:
    async def play() -> None:
        world = await _settled()
        _slow(world, 60.0, fails=True)
        complete, incomplete = rounds("complete"), rounds("incomplete")
        world.cluster.losing_events = True
        world.cluster.delete(ORPHAN)
        await asyncio.sleep(20 * DRIFT_INTERVAL)
        assert ref_of(ORPHAN) in world.gateway.objects
        assert rounds("complete") == complete
        assert 19 <= rounds("incomplete") - incomplete <= 21, "each of them is counted"
        await world.stop()

    run_in_virtual_time(play())


def test_a_term_begins_with_a_list_of_its_own_and_leaves_no_task_behind() -> None:
    """What was deleted while the watch of a standby was dead is not written."""

    async def play() -> None:
        world, office = World.new(), Office()
        world.lead = office.lead
        for key in KEYS:
            world.cluster.apply(key, SPECS[GOOD](key))
        world.start()
        await asyncio.sleep(DRIFT_INTERVAL / 2)
        began = _slow(world, 20.0, fails=False)
        world.cluster.losing_events = True
        world.cluster.delete(ORPHAN)
        world.cluster.apply(LOST, SPECS[OTHER](LOST))
        office.begin()
        await asyncio.sleep(19)
        assert len(began) == 1
        assert world.gateway.listed == [], "before it, nothing is known of what there is to compare"
        await asyncio.sleep(5)
        assert "enable_websocket" in world.gateway.objects[ref_of(LOST)].body
        assert ref_of(ORPHAN) not in world.gateway.objects
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        tasks = len(asyncio.all_tasks())
        for _ in range(3):
            await office.end()
            await asyncio.sleep(5)
            office.begin()
            await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert len(asyncio.all_tasks()) == tasks
        await world.stop()

    run_in_virtual_time(play())
