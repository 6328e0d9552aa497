"""A cluster restored from a backup: its versions and generations are those of another history."""

import asyncio

from echoroute.core.objects import Key
from echoroute.core.seen import Seen
from echoroute.errors import SourceError

from .ended import check
from .virtual_time import run_in_virtual_time
from .world import DENIED, DRIFT_INTERVAL, GOOD, KEYS, OTHER, SPECS, World, ref_of

KEY = KEYS[0]


async def _edited_at_once() -> None:
    world = World.new()
    cluster = world.cluster
    cluster.apply(KEY, SPECS[OTHER](KEY))
    cluster.back_up()
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    cluster.apply(KEY, {**SPECS[GOOD](KEY), "enabled": False})
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    before = world.entry(KEY).generation
    cluster.restore()
    cluster.apply(KEY, SPECS[GOOD](KEY))
    assert world.entry(KEY).generation == before, "the same generation of the same life, and another spec"
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    check(world, {KEY: GOOD}, set())
    await world.stop()


def test_an_edit_of_before_the_next_round_is_not_taken_for_the_one_of_the_other_history() -> None:
    run_in_virtual_time(_edited_at_once())


async def _back_by_a_little() -> None:
    """All that is newer than the backup was told by events: the last list is not newer than it."""
    gone, edited = KEYS[:2]
    world = World.new()
    cluster = world.cluster
    for key in (gone, edited):
        cluster.apply(key, SPECS[GOOD](key))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL + 5)
    cluster.back_up()
    cluster.delete(gone)
    cluster.apply(edited, SPECS[OTHER](edited))
    await asyncio.sleep(2)
    assert ref_of(gone) not in world.gateway.objects
    cluster.restore()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    check(world, {gone: GOOD, edited: GOOD}, set())
    await world.stop()


def test_a_backup_is_noticed_though_the_last_list_was_not_newer() -> None:
    run_in_virtual_time(_back_by_a_little())


async def _noticed_and_not_read() -> None:
    """The list tells of the backup, and the EchoRoutes cannot be read for long."""
    world = World.new()
    cluster, gateway = world.cluster, world.gateway
    cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    cluster.back_up()
    gateway.stuck = {ref_of(KEY)}
    cluster.apply(KEY, SPECS[DENIED](KEY))
    await asyncio.sleep(2)
    read = cluster.read

    async def refuse(_: Key) -> Seen | None:
        raise SourceError("connection refused", status=0)

    cluster.read = refuse  # type: ignore[method-assign]
    cluster.restore()
    cluster.watchable(False)
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    gateway.stuck, writes = set(), gateway.writes
    await asyncio.sleep(4 * DRIFT_INTERVAL)
    assert gateway.writes == writes, "it serves on: nobody asked for its end in this history"
    cluster.read = read  # type: ignore[method-assign]
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    check(world, {KEY: GOOD}, set())
    cluster.apply(KEY, SPECS[DENIED](KEY))
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert ref_of(KEY) not in gateway.objects, "what is denied in this history goes"
    await world.stop()


def test_what_the_other_history_gave_reason_for_is_not_deleted_before_this_one_is_read() -> None:
    run_in_virtual_time(_noticed_and_not_read())
