"""Drift is repaired in each round; what somebody changes again and again more rarely, and it is never given up."""

import asyncio
from collections.abc import Callable

import pytest
from echoroute.core.objects import Key, Kind, ObjectRef

from .test_backends import KEY, spec, upstreams
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, Silent, World, ref_of

ROUTE = ref_of(KEY)


async def _settled() -> tuple[World, ObjectRef]:
    """A world, and the one Upstream in it."""
    world = World.new()
    world.cluster.apply(KEY, spec("a", "b"))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL + 5)
    (upstream,) = upstreams(world)
    return world, ObjectRef(Kind.UPSTREAM, upstream)


def _lose_all(world: World, _: ObjectRef) -> None:
    world.gateway.wipe()


def _lose_the_upstream(world: World, upstream: ObjectRef) -> None:
    world.gateway.objects.pop(upstream, None)


def _change(world: World) -> None:
    world.gateway.write_past_us(ROUTE, {**world.gateway.objects[ROUTE].body, "priority": 7})


@pytest.mark.parametrize("lose", [_lose_all, _lose_the_upstream])
def test_what_is_lost_is_repaired_in_each_round(
    lose: Callable[[World, ObjectRef], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody gains from a Route that is missing, or that names what is not there: each request to it fails."""
    told: list[Key] = []
    monkeypatch.setattr(Silent, "contested", lambda self, key: told.append(key))

    async def play() -> None:
        world, upstream = await _settled()
        for number in range(15):
            lose(world, upstream)
            await asyncio.sleep(DRIFT_INTERVAL)
            assert {ROUTE, upstream} <= world.gateway.objects.keys(), f"{number}: lost again, and not repaired"
        assert told == [KEY], "once"
        _change(world)
        await asyncio.sleep(DRIFT_INTERVAL)
        assert "priority" not in world.gateway.objects[ROUTE].body, "what was lost makes no repair of a change rarer"
        await world.stop()

    run_in_virtual_time(play())


def test_what_is_changed_again_and_again_is_repaired_more_rarely_and_never_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Key] = []
    monkeypatch.setattr(Silent, "contested", lambda self, key: told.append(key))

    async def play() -> None:
        world, _ = await _settled()

        async def rounds_until_repaired(times: int) -> list[int]:
            waits = []
            for _ in range(times):
                _change(world)
                waits.append(0)
                while "priority" in world.gateway.objects[ROUTE].body:
                    await asyncio.sleep(DRIFT_INTERVAL)
                    waits[-1] += 1
            return waits

        assert await rounds_until_repaired(10) == [1, 1, 1, 1, 2, 4, 8, 10, 10, 10]
        assert told == [KEY]
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert await rounds_until_repaired(4) == [1, 1, 1, 1], "a round has found it as asked: the count begins anew"
        await world.stop()

    run_in_virtual_time(play())
