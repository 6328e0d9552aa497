"""Where nothing happens, each side is listed once in an interval, and nothing is compared: lists are what it costs."""

import asyncio
from collections.abc import Mapping

import pytest
from echoroute.core import plan
from echoroute.core.objects import Key, ObjectRef
from echoroute.core.plan import Comparison, Known, Wanted
from echoroute.engine.writer import drift

from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, KEYS, SPECS, World, ref_of


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


def test_who_is_at_rest_is_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round costs what has changed, and not what there is: on either side, and whoever has changed it."""
    compared: list[Key] = []

    def compare(key: Key, wanted: Wanted, known: Mapping[ObjectRef, Known]) -> Comparison:
        compared.append(key)
        return plan.compare(key, wanted, known)

    monkeypatch.setattr(drift, "compare", compare)
    first, second = KEYS[:2]

    async def play() -> None:
        world = World.new()
        for key in KEYS:
            world.cluster.apply(key, SPECS[GOOD](key))
        world.start()
        await asyncio.sleep(4 * DRIFT_INTERVAL)

        async def rounds() -> set[Key]:
            compared.clear()
            await asyncio.sleep(3 * DRIFT_INTERVAL)
            return set(compared)

        assert await rounds() == set()
        world.gateway.write_past_us(ref_of(first), {**world.gateway.objects[ref_of(first)].body, "desc": "not ours"})
        assert await rounds() == {first}, "somebody else has changed it"
        assert "desc" not in world.gateway.objects[ref_of(first)].body
        del world.gateway.objects[ref_of(second)]
        assert await rounds() == {second}, "the gateway has lost it"
        assert ref_of(second) in world.gateway.objects
        world.cluster.apply(first, SPECS["other"](first))
        assert await rounds() == {first}, "its owner has changed it"
        assert await rounds() == set()
        await world.stop()

    run_in_virtual_time(play())
