"""A cluster restored from a backup: its versions and generations are those of another history."""

import asyncio
import copy

from .test_convergence import DRIFT_INTERVAL, GOOD, KEYS, OTHER, SPECS, World, check
from .virtual_time import run_in_virtual_time

KEY = KEYS[0]


async def _edited_at_once() -> None:
    world = World.new()
    cluster = world.cluster
    cluster.apply(KEY, SPECS[OTHER](KEY))
    backup, version = copy.deepcopy(cluster.objects), cluster._version
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    cluster.apply(KEY, {**SPECS[GOOD](KEY), "enabled": False})
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    before = world.entry(KEY).generation
    cluster.objects, cluster._version = backup, version
    cluster.apply(KEY, SPECS[GOOD](KEY))
    assert world.entry(KEY).generation == before, "the same generation of the same life, and another spec"
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    check(world, {KEY: GOOD}, set())
    await world.stop()


def test_an_edit_of_before_the_next_round_is_not_taken_for_the_one_of_the_other_history() -> None:
    run_in_virtual_time(_edited_at_once())
