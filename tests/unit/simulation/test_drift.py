"""Drift is repaired in each round; what somebody changes again and again more rarely, and it is never given up."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from echoroute.core.objects import Key, Kind, ObjectRef

from .resolving import OTHER, TWO, answer, new_world
from .test_backends import KEY, OTHERS, spec, upstreams
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


async def _rounds_until_repaired(world: World, times: int) -> list[int]:
    """How long each of so many changes by somebody else stays, one after the other."""
    waits = []
    for _ in range(times):
        _change(world)
        waits.append(0)
        while "priority" in world.gateway.objects[ROUTE].body:
            await asyncio.sleep(DRIFT_INTERVAL)
            waits[-1] += 1
    return waits


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
        assert told == [], "nobody else writes it"
        assert await _rounds_until_repaired(world, 4) == [1, 1, 1, 1], "what was lost makes no repair of a change rarer"
        await world.stop()

    run_in_virtual_time(play())


def test_who_waits_for_something_else_is_repaired_all_the_same() -> None:
    """An Upstream that another team's route names is asked for again every five minutes: no reason to wait for that."""

    async def play() -> None:
        world, upstream = await _settled()
        world.gateway.write_past_us(OTHERS, {"uri": "/theirs", "upstream_id": upstream.id})
        world.cluster.apply(KEY, spec("a"))
        await asyncio.sleep(20 * DRIFT_INTERVAL)
        assert upstream in world.gateway.objects
        tried = len(world.gateway.tried)
        await asyncio.sleep(20 * DRIFT_INTERVAL)
        assert len(world.gateway.tried) - tried <= 5, "a round asks for it no sooner"
        for number in range(10):
            del world.gateway.objects[ROUTE]
            await asyncio.sleep(DRIFT_INTERVAL + 1)
            assert ROUTE in world.gateway.objects, f"{number}: lost for more than a drift interval"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("late", [0.0, 0.2, 0.5, 0.9])
def test_nodes_that_are_still_to_be_written_are_no_drift(late: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that flaps is written once a second: what a list finds between two writes nobody else has changed."""
    told: list[str] = []
    monkeypatch.setattr(Silent, "operator", lambda self, severity, reason, message: told.append(message))

    async def play() -> None:
        world = await new_world()
        await answer(world, TWO, wait=late)
        since = len(world.gateway.tried)
        for number in range(600):
            await answer(world, *([TWO] if number % 2 else [TWO, OTHER]), wait=0.3)
        assert len(world.gateway.listed) > 5
        assert len(world.gateway.tried) - since > 100
        assert told == []
        await world.stop()

    run_in_virtual_time(play())


def test_what_is_changed_again_and_again_is_repaired_more_rarely_and_never_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Key] = []
    monkeypatch.setattr(Silent, "contested", lambda self, key: told.append(key))

    async def play() -> None:
        world, _ = await _settled()
        assert await _rounds_until_repaired(world, 10) == [1, 1, 1, 1, 2, 4, 8, 10, 10, 10]
        assert told == [KEY]
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert await _rounds_until_repaired(world, 4) == [1, 1, 1, 1], (
            "a round has found it as asked: the count begins anew"
        )
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("why", ["the gateway refuses", "the CRD is being deleted"])
def test_a_removal_that_cannot_be_made_is_tried_more_and_more_rarely_and_holds_up_no_repair(why: str) -> None:
    async def play() -> None:
        world, upstream = await _settled()
        if why == "the gateway refuses":
            world.gateway.stuck.add(upstream)
        else:
            assert world.cluster.crd is not None
            world.cluster.crd = replace(world.cluster.crd, deleting=True)
        assert world.engine is not None
        reads, tried = world.engine.origin.begun, len(world.gateway.tried)
        world.cluster.apply(KEY, spec("a"))
        await asyncio.sleep(600)
        assert upstream in world.gateway.objects
        assert len(world.gateway.tried) - tried <= 60, "rounds ask as well"
        assert world.engine.origin.begun - reads <= 120, "two for each"
        del world.gateway.objects[ROUTE]
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert ROUTE in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())
