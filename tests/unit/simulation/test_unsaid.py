"""What was confirmed is not unsaid by a restart: neither while writes fail, nor since nodes have changed meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from echoroute.api.selection import Service
from echoroute.core.instances import Instance
from echoroute.core.objects import ObjectRef

from .gateway import Fault
from .resolving import KEY, KEYS, ONE, OTHER, TWO, nodes, spec
from .test_kept import condition
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, QUIET, World, ref_of


class _Consul:
    """Answers as soon as it is asked, which is before the gateway has been listed."""

    def __init__(self, world: World, *instances: Instance) -> None:
        self._world, self._instances = world, instances

    def follow(self, service: Service, *, resolved: bool) -> None:
        assert self._world.engine is not None
        desired = self._world.engine.desired
        asyncio.get_running_loop().call_soon(desired.service_answered, service, self._instances)

    def forget(self, service: Service) -> None: ...

    def stand_by(self, *, standing_by: bool) -> None: ...


async def _settled() -> World:
    world = World.new()
    world.follower = _Consul(world, ONE, TWO)
    for key in KEYS:
        world.cluster.apply(key, spec(key))
    world.start()
    await asyncio.sleep(5)
    assert {world.ready(key) for key in KEYS} == {"True/Ready"}
    await world.stop()
    world.cluster.patches = 0
    return world


def upstream_of(world: World) -> ObjectRef:
    return next(ref for ref in world.gateway.objects if ref.id.startswith(f"{ref_of(KEY).id}."))


def said(world: World) -> set[tuple[str, str]]:
    return {condition(world, key, "Programmed")[:2] for key in KEYS}


@pytest.mark.parametrize("fault", [Fault.REFUSES_WRITES, Fault.LOSES_ANSWERS])
def test_other_nodes_and_writes_that_fail(fault: Fault) -> None:
    async def play() -> None:
        world = await _settled()
        world.gateway.fault, world.follower = fault, _Consul(world, ONE, TWO, OTHER)
        world.start()
        for _ in range(20):
            await asyncio.sleep(5)
            assert said(world) == {("True", "Programmed")}, "all serve, and their generations were confirmed"
        await world.heal()
        assert all(nodes(world, key) == ["10.0.0.2", "10.0.0.3"] for key in KEYS)
        assert world.cluster.patches <= len(KEYS), "the counts, and nothing else"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("knows", [True, False], ids=["Consul answers", "Consul is silent"])
def test_all_is_lost_and_writes_fail(knows: bool) -> None:
    """What is tried and what waits for Consul say no less than what nobody has tried yet."""

    async def play() -> None:
        world = await _settled()
        world.gateway.objects.clear()
        world.gateway.fault = Fault.REFUSES_WRITES
        if not knows:
            world.follower = _silent(world)
            for key in KEYS[:2]:
                world.cluster.apply(key, {**spec(key), "backends": [{"service": "echo"}]})
        world.start()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        untouched = KEYS if knows else KEYS[2:]
        assert {condition(world, key, "Programmed")[:2] for key in untouched} == {("True", "Programmed")}
        await world.stop()

    run_in_virtual_time(play())


def _silent(world: World) -> _Consul:
    consul = _Consul(world)
    consul.follow = lambda service, *, resolved: None  # type: ignore[method-assign]
    return consul


async def _one_object_is_always_refused() -> None:
    world = await _settled()
    world.gateway.stuck.add(upstream_of(world))
    world.follower = _Consul(world, ONE, TWO, OTHER)
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert nodes(world) == ["10.0.0.2"]
    assert said(world) == {("True", "Programmed")}, "its generation is there; its nodes are older"
    await world.stop()


async def _answers_are_slow() -> None:
    world = await _settled()
    world.gateway.lag, world.follower = 8.0, _Consul(world, ONE, TWO, OTHER)
    world.start()
    for _ in range(120):
        await asyncio.sleep(0.5)
        assert said(world) == {("True", "Programmed")}
    assert all(nodes(world, key) == ["10.0.0.2", "10.0.0.3"] for key in KEYS)
    await world.stop()


async def _another_generation_says_what_is_wrong() -> None:
    world = await _settled()
    world.gateway.fault = Fault.REFUSES_WRITES
    for key in KEYS:
        world.cluster.apply(key, {**spec(key), "websocket": True})
    world.start()
    await asyncio.sleep(DRIFT_INTERVAL)
    assert said(world) == {("False", "GatewayUnreachable")}
    world.gateway.fault = Fault.NONE
    await asyncio.sleep(QUIET)
    assert said(world) == {("True", "Programmed")}
    await world.stop()


@pytest.mark.parametrize(
    "schedule",
    [_one_object_is_always_refused, _answers_are_slow, _another_generation_says_what_is_wrong],
    ids=lambda schedule: schedule.__name__.strip("_"),
)
def test_after_a_restart(schedule: Callable[[], Awaitable[None]]) -> None:
    async def play() -> None:
        await schedule()

    run_in_virtual_time(play())
