"""Where nothing happens, each side is listed once in an interval: lists are what the operator costs at rest."""

import asyncio

import pytest

from .test_convergence import DRIFT_INTERVAL, GOOD, KEYS, SPECS, World
from .virtual_time import run_in_virtual_time


@pytest.mark.parametrize("lag", [0.0, 0.05, 2.0], ids=["at once", "slow", "slower"])
def test_each_side_is_listed_once_in_an_interval(lag: float) -> None:
    async def play() -> None:
        world = World.new()
        for key in KEYS:
            world.cluster.apply(key, SPECS[GOOD](key))
        world.cluster.lag = lag
        world.start()
        await asyncio.sleep(2.5 * DRIFT_INTERVAL)
        world.cluster.lists, listed = 0, len(world.gateway.listed)
        await asyncio.sleep(10 * DRIFT_INTERVAL)
        assert 9 <= world.cluster.lists <= 11
        assert 9 <= len(world.gateway.listed) - listed <= 11
        await world.stop()

    run_in_virtual_time(play())
