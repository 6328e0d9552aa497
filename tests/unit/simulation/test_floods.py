"""A tenant whose edits never end, at a gateway that cannot follow them: what others wait for comes all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from echoroute.core.objects import Key
from echoroute.engine.writer.gateway_lane import BULK
from echoroute.engine.writer.status_lane import HELD_AT_MOST

from .several import FollowingWorld
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, OTHER, SPECS, World, ref_of, spec_of

FLOOD = [Key("noisy", f"r{number}") for number in range(2 * BULK)]
VICTIM = Key("quiet", "cart")
SLOW = 0.8
"""Seconds that an answer of the gateway takes at most: some ten writes a second, with four at once."""
UNHEALTHY = 30.0
"""Seconds without a healthy instance after which `Ready` turns False, flood or no flood."""


@asynccontextmanager
async def _flooded(world: World) -> AsyncIterator[None]:
    """Six times as many edits as the gateway takes writes, for as long as it lasts."""

    async def edit() -> None:
        number = 0
        while True:
            number += 1
            for key in FLOOD:
                world.cluster.apply(key, spec_of(f"/{key}", upstream={"retries": number % 7}))
            await asyncio.sleep(1.0)

    world.gateway.lag = SLOW
    flood = asyncio.create_task(edit())
    await asyncio.sleep(5)
    try:
        yield
    finally:
        flood.cancel()
        world.gateway.lag = 0.0


async def _until(world: World, holds: Callable[[], bool], *, within: float, why: str) -> None:
    latest = world.gateway.now() + within
    while not holds():
        assert world.gateway.now() < latest, f"{why}: not within {within} s"
        await asyncio.sleep(0.1)


async def _at_rest(world: World) -> None:
    for key in [*FLOOD, VICTIM]:
        world.cluster.apply(key, SPECS[GOOD](key))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)


def test_what_the_gateway_has_lost_is_written_beside_a_flood() -> None:
    """It is found by a round, so it is of the least urgent."""

    async def play() -> None:
        world = World.new()
        await _at_rest(world)
        async with _flooded(world):
            del world.gateway.objects[ref_of(VICTIM)]
            assert world.engine is not None
            world.engine.look_soon()
            is_back = lambda: ref_of(VICTIM) in world.gateway.objects  # noqa: E731
            await _until(world, is_back, within=10, why="the list, eight turns and a write")
        await world.stop()

    run_in_virtual_time(play())


def test_a_write_that_failed_is_tried_again_beside_a_flood() -> None:
    async def play() -> None:
        world = World.new()
        await _at_rest(world)
        async with _flooded(world):
            world.gateway.stuck = {ref_of(VICTIM)}
            world.cluster.apply(VICTIM, SPECS[OTHER](VICTIM))
            await asyncio.sleep(3)
            assert any(ref == ref_of(VICTIM) for at, ref in world.gateway.tried if at > world.gateway.now() - 3)
            world.gateway.stuck = set()
            is_made = lambda: "enable_websocket" in world.gateway.objects[ref_of(VICTIM)].body  # noqa: E731
            await _until(world, is_made, within=10, why="the backoff, eight turns and a write")
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("flooded", [False, True])
def test_a_status_is_written_beside_a_flood(flooded: bool) -> None:
    """Statuses wait for a bulk of writes, and a flood is one that never ends."""

    async def play() -> None:
        world = FollowingWorld.new()
        await _at_rest(world)
        world.cluster.apply(VICTIM, {**spec_of("/cart"), "backends": [{"service": "next"}]})
        await asyncio.sleep(5)
        assert world.ready(VICTIM) == "True/Ready"

        async def fail() -> None:
            for instance in range(4):
                world.consul.turn("next", instance)
            is_said = lambda: world.ready(VICTIM) == "False/NoHealthyInstances"  # noqa: E731
            await _until(world, is_said, within=UNHEALTHY + flooded * HELD_AT_MOST + 3, why="a status")

        if flooded:
            async with _flooded(world):
                await fail()
        else:
            await fail()
        await world.stop()

    run_in_virtual_time(play())


def test_a_change_is_made_at_once_while_a_bulk_waits() -> None:
    """The other way round: the share of what is less urgent costs a change a turn at most."""

    async def play() -> None:
        world = World.new()
        await _at_rest(world)
        world.gateway.lag = SLOW
        world.gateway.wipe()
        assert world.engine is not None
        world.engine.look_soon()
        await _until(world, lambda: len(world.writer.queue) > BULK, within=5, why="the list")
        await asyncio.sleep(1)
        before = len(world.gateway.tried)
        world.cluster.apply(VICTIM, SPECS[OTHER](VICTIM))
        is_sent = lambda: ref_of(VICTIM) in [ref for _, ref in world.gateway.tried[before:]]  # noqa: E731
        await _until(world, is_sent, within=2, why="two turns")
        assert [ref for _, ref in world.gateway.tried[before:]].index(ref_of(VICTIM)) <= 1
        await world.stop()

    run_in_virtual_time(play())
