"""Backends that the operator resolves, and a Consul that does not tell: nodes that were known stay."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from echoroute.api.selection import Service
from echoroute.core.objects import Kind
from echoroute.errors import ConsulError, UnknownDatacenter

from .resolving import (
    ECHO,
    KEY,
    ONE,
    TWO,
    answer,
    new_world,
    nodes,
    nodes_of_route,
    spec,
    written,
)
from .test_kept import condition
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL


async def _consul_goes_away() -> None:
    world = await new_world()
    await answer(world, ONE, TWO)
    since, patches = len(world.gateway.tried), world.cluster.patches
    assert world.engine is not None
    world.engine.desired.service_failed(ECHO, ConsulError("rpc error"))
    world.engine.desired.consul_reachable(False)
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert len(world.gateway.tried) == since, "nodes stay"
    assert world.cluster.patches == patches
    world.cluster.apply(KEY, {**spec(KEY), "match": {"paths": ["/elsewhere"]}})
    await asyncio.sleep(2)
    assert written(world, since) == [Kind.ROUTE], "and the Route follows its spec"
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


async def _restart_while_consul_is_away() -> None:
    world = await new_world()
    await answer(world, ONE, TWO)
    await world.stop()
    since, patches = len(world.gateway.tried), world.cluster.patches
    world.start()
    assert world.engine is not None
    world.engine.desired.consul_reachable(False)
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert len(world.gateway.tried) == since, "the Upstream is kept"
    assert world.cluster.patches == patches
    world.cluster.apply(KEY, {**spec(KEY), "match": {"paths": ["/elsewhere"]}})
    await asyncio.sleep(3)
    assert written(world, since) == [Kind.ROUTE], "and the Route follows its spec"
    assert condition(world, KEY, "Programmed")[:2] == ("True", "Programmed")
    world.cluster.apply(KEY, spec(KEY, version=1))
    await asyncio.sleep(3)
    assert written(world, since) == [Kind.ROUTE], "another subset was never known: what serves stays, whole"
    assert nodes(world) == ["10.0.0.2"]
    assert condition(world, KEY, "Programmed")[:2] == ("False", "RefsNotResolved")
    assert condition(world, KEY, "Reconciling")[0] == "True"
    world.engine.desired.consul_reachable(True)
    await answer(world, ONE, TWO)
    assert world.ready(KEY) == "True/Ready"
    assert "10.0.0.1" in nodes_of_route(world)
    await world.stop()


async def _everything_is_lost_while_nodes_are_unknown() -> None:
    world = await new_world()
    await answer(world, ONE, TWO)
    await world.stop()
    world.start()
    assert world.engine is not None
    world.engine.desired.consul_reachable(False)
    await asyncio.sleep(2)
    world.gateway.objects.clear()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert world.gateway.objects == {}
    assert condition(world, KEY, "Programmed")[:2] == ("False", "RefsNotResolved")
    assert world.ready(KEY) == "False/RefsNotResolved"
    world.engine.desired.consul_reachable(True)
    await answer(world, ONE, TWO)
    assert nodes(world) == ["10.0.0.2"]
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


async def _no_consul() -> None:
    world = await new_world(consul=False)
    await asyncio.sleep(2)
    assert world.gateway.objects == {}
    assert world.ready(KEY) == "False/ConsulNotConfigured"
    assert condition(world, KEY, "ResolvedRefs")[:2] == ("False", "ConsulNotConfigured")
    assert condition(world, KEY, "Programmed")[:2] == ("False", "RefsNotResolved")
    assert condition(world, KEY, "Stalled")[0] == "True"
    await world.stop()


async def _no_consul_any_more() -> None:
    world = await new_world()
    await answer(world, ONE, TWO)
    await world.stop()
    since = len(world.gateway.tried)
    world.follower = None
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert len(world.gateway.tried) == since, "the last good generation stays"
    assert world.ready(KEY) == "False/ConsulNotConfigured"
    assert condition(world, KEY, "Programmed")[2] == "the last good generation stays in the gateway"
    await world.stop()


async def _an_unknown_datacenter() -> None:
    world = await new_world()
    world.cluster.apply(KEY, spec(KEY, datacenter="nowhere"))
    await asyncio.sleep(1)
    assert world.engine is not None
    world.engine.desired.service_failed(Service("echo", "nowhere"), UnknownDatacenter("No path to datacenter"))
    await asyncio.sleep(2)
    assert world.ready(KEY) == "False/DatacenterNotFound"
    assert condition(world, KEY, "Reconciling")[0] == "True"
    assert world.gateway.objects == {}
    world.engine.desired.service_answered(Service("echo", "nowhere"), (TWO,))
    await asyncio.sleep(2)
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


@pytest.mark.parametrize(
    "schedule",
    [
        _consul_goes_away, _restart_while_consul_is_away, _everything_is_lost_while_nodes_are_unknown, _no_consul,
        _no_consul_any_more, _an_unknown_datacenter,
    ],
    ids=lambda schedule: schedule.__name__.strip("_"),
)  # fmt: skip
def test_nodes(schedule: Callable[[], Awaitable[None]]) -> None:
    run_in_virtual_time(schedule())
