"""A service with an instance at a forbidden address serves no EchoRoute, not for a moment."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from echoroute.api.objects import EchoRouteObject
from echoroute.api.selection import Service
from echoroute.core.addresses import networks
from echoroute.core.instances import Instance, State
from echoroute.errors import ConsulError

from .test_kept import programmed
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, KEYS, SPECS, World, ref_of

KEY, NEIGHBOUR = KEYS[0], KEYS[1]
LOCAL = "127.0.0.1"


class _Consul:
    """Follows, and answers when the test says so."""

    def follow(self, service: Service, *, resolved: bool) -> None: ...

    def forget(self, service: Service) -> None: ...

    def stand_by(self, *, standing_by: bool) -> None: ...


async def _world(settle: float = 1.0) -> World:
    world = World.new()
    world.follower, world.forbidden = _Consul(), networks(("127.0.0.0/8",))
    for key in (KEY, NEIGHBOUR):
        spec = {**SPECS[GOOD](key), "backends": [{"service": key.name}]}
        world.cluster.apply(key, spec)
    world.start()
    await asyncio.sleep(settle)
    return world


def _written(world: World) -> set[object]:
    return set(world.gateway.objects)


async def _answer(world: World, address: str = "10.0.0.1") -> None:
    instance = Instance("consul-1", KEY.name, address, "10.9.9.9", 8000, State.PASSING)
    world.engine.desired.service_answered(Service(KEY.name), (instance,))
    await asyncio.sleep(2)


async def _not_before_consul_answered() -> None:
    world = await _world()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert _written(world) == set(), "its service may be at a forbidden address"
    assert world.ready(KEY) == "False/Pending"
    assert "has not said yet" in programmed(world), "and people are told what it waits for"
    await _answer(world)
    assert _written(world) == {ref_of(KEY)}
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


async def _one_patch_tells_all() -> None:
    world = await _world(0.2)
    await _answer(world)
    assert world.ready(KEY) == "True/Ready"
    assert world.cluster.patches == 2, "one for each: what waits is told after a second, and this did not take as long"
    await world.stop()


async def _never_where_it_is_forbidden() -> None:
    world = await _world()
    puts = []
    world.gateway.on_change = puts.append
    await _answer(world, LOCAL)
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert puts == []
    assert world.ready(KEY) == "False/ForbiddenAddress"
    status = EchoRouteObject.from_raw(world.cluster.objects[KEY]).status
    told = {one["type"]: one for one in status["conditions"]}
    assert told["Accepted"]["status"] == "True", "the spec is right"
    assert f"consul-1 ({LOCAL})" in told["ResolvedRefs"]["message"]
    assert told["Programmed"]["reason"] == "RefsNotResolved"
    assert told["Stalled"]["status"] == "True"
    await world.stop()


async def _withdrawn_and_back() -> None:
    world = await _world()
    await _answer(world)
    await _answer(world, LOCAL)
    assert _written(world) == set()
    assert world.ready(KEY) == "False/ForbiddenAddress"
    await _answer(world)
    assert _written(world) == {ref_of(KEY)}
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


async def _withdrawn_after_a_restart() -> None:
    world = await _world()
    await _answer(world)
    await world.stop()
    world.start()
    await asyncio.sleep(DRIFT_INTERVAL)
    assert _written(world) == {ref_of(KEY)}, "what serves goes on until Consul has answered"
    await _answer(world, LOCAL)
    assert _written(world) == set()
    await world.stop()


async def _consul_is_away() -> None:
    world = await _world()
    world.engine.desired.consul_reachable(False)
    await asyncio.sleep(2)
    assert _written(world) == {ref_of(KEY), ref_of(NEIGHBOUR)}, "the gateway learns of no new instances either"
    world.engine.desired.consul_reachable(True)
    await _answer(world, LOCAL)
    assert _written(world) == {ref_of(NEIGHBOUR)}
    await world.stop()


async def _one_query_fails() -> None:
    world = await _world()
    world.engine.desired.service_failed(Service(KEY.name), ConsulError("rpc error"))
    await asyncio.sleep(2)
    assert _written(world) == {ref_of(KEY)}, "one service that Consul does not answer for is not held up for ever"
    await world.stop()


@pytest.mark.parametrize(
    "schedule",
    [
        _not_before_consul_answered, _one_patch_tells_all, _never_where_it_is_forbidden, _withdrawn_and_back,
        _withdrawn_after_a_restart,
        _consul_is_away, _one_query_fails,
    ],
    ids=lambda schedule: schedule.__name__.strip("_"),
)  # fmt: skip
def test_forbidden_addresses(schedule: Callable[[], Awaitable[None]]) -> None:
    run_in_virtual_time(schedule())
