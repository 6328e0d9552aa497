"""Backends that the operator resolves: nodes follow Consul, at Upstreams alone."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from echoroute.core.instances import State
from echoroute.core.objects import Key, Kind
from echoroute.core.plan import Present, Wanted

from .gateway import Fault
from .resolving import (
    ECHO,
    KEY,
    KEYS,
    ONE,
    OTHER,
    TWO,
    Consul,
    answer,
    new_world,
    nodes,
    spec,
    written,
)
from .test_kept import condition
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, World, ref_of


async def _the_first_answer_writes_all() -> None:
    world = await new_world()
    assert world.gateway.objects == {}, "no Route before the Upstream that it names"
    await asyncio.sleep(1)
    assert condition(world, KEY, "Programmed")[:2] == ("False", "RefsNotResolved")
    assert world.ready(KEY) == "False/ConsulUnreachable"
    assert "the instances of service 'echo' with 'version:2'" in condition(world, KEY, "Programmed")[2]
    await answer(world, ONE, TWO)
    assert world.follower is not None
    assert world.follower.resolved == {ECHO}, "its news come first"
    assert nodes(world) == ["10.0.0.2"]
    assert world.gateway.objects[ref_of(KEY)].body["upstream_id"] == next(
        ref.id for ref in world.gateway.objects if ref.kind is Kind.UPSTREAM
    )
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


async def _one_change_writes_one_upstream_for_each_and_no_route() -> None:
    world = await new_world(keys=KEYS)
    await answer(world, ONE, TWO)
    since, patches = len(world.gateway.tried), world.cluster.patches
    await answer(world, ONE, TWO, OTHER)
    assert written(world, since) == [Kind.UPSTREAM] * len(KEYS)
    assert all(nodes(world, key) == ["10.0.0.2", "10.0.0.3"] for key in KEYS)
    assert world.engine is not None
    table = world.engine.desired.table
    for key in KEYS:
        route, desired = table.get(key), table.desired(key)
        assert route is not None
        assert isinstance(desired, Present)
        assert route.wanted == Wanted.of(desired.bundle), "what is compared is what is written"
    await answer(world, replace(ONE, address="10.0.0.9"), TWO, OTHER)
    assert len(world.gateway.tried) == since + len(KEYS), "who is outside of the subset is nobody's news"
    await answer(world, OTHER, TWO, replace(ONE, address="10.0.0.9"))
    assert len(world.gateway.tried) == since + len(KEYS), "nor is the order"
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert len(world.gateway.tried) == since + len(KEYS)
    assert world.cluster.patches <= patches + len(KEYS), "the counts, and nothing else"
    await world.stop()


async def _the_first_change_is_written_at_once_and_others_once_a_second() -> None:
    world = await new_world()
    await answer(world, ONE, TWO, wait=5)
    since, began = len(world.gateway.tried), world.gateway.now()
    for turn in range(50):
        await answer(world, *([TWO] if turn % 2 else [TWO, OTHER]), wait=0.1)
    await asyncio.sleep(2)
    times = [at - began for at, _ in world.gateway.tried[since:]]
    assert times[0] < 0.05, "at once"
    assert len(times) <= 6
    assert all(later - earlier >= 0.99 for earlier, later in itertools.pairwise(times))
    assert nodes(world) == ["10.0.0.2"], "and the last one is what stays"
    await answer(world, TWO, OTHER, wait=0.1)
    world.cluster.apply(KEY, {**spec(KEY), "websocket": True})
    await asyncio.sleep(0.1)
    assert world.gateway.objects[ref_of(KEY)].body["enable_websocket"] is True, "a spec does not wait for nodes"
    await world.stop()


async def _known_and_empty() -> None:
    world = await new_world()
    await answer(world, ONE)
    assert nodes(world) == [], "which is true: 503"
    await answer(world, ONE, TWO)
    since = len(world.gateway.tried)
    await answer(world, ONE, replace(TWO, state=State.CRITICAL))
    assert nodes(world) == []
    assert written(world, since) == [Kind.UPSTREAM]
    await world.stop()


async def _a_write_of_nodes_fails() -> None:
    world = await new_world()
    await answer(world, ONE, TWO)
    patches = world.cluster.patches
    world.gateway.fault = Fault.DOWN
    await answer(world, ONE, TWO, OTHER, wait=5)
    world.gateway.fault = Fault.NONE
    await asyncio.sleep(15)
    assert nodes(world) == ["10.0.0.2", "10.0.0.3"], "the newest nodes, once the gateway is back"
    assert condition(world, KEY, "Programmed")[0] == "True"
    assert world.cluster.patches <= patches + 1, "an outage repaints no status; the counts may have changed"
    await world.stop()


async def _a_standby_writes_nothing_and_knows_all() -> None:
    elected = asyncio.Event()

    async def lead(term: Callable[[], Awaitable[None]]) -> None:
        await elected.wait()
        await term()

    world = World.new()
    world.follower, world.lead = Consul(), lead
    world.cluster.apply(KEY, spec(KEY))
    world.start()
    await asyncio.sleep(1)
    await answer(world, ONE, TWO)
    await answer(world, ONE, TWO, OTHER)
    assert world.gateway.tried == []
    assert world.cluster.patches == 0
    elected.set()
    await asyncio.sleep(2)
    assert nodes(world) == ["10.0.0.2", "10.0.0.3"], "it need not ask first when it leads"
    assert written(world, 0) == [Kind.UPSTREAM, Kind.ROUTE]
    await world.stop()


async def _an_answer_that_comes_during_a_write() -> None:
    world = await new_world()
    world.gateway.lag = 1.0
    await answer(world, ONE, TWO, wait=0.5)
    for turn in range(20):
        await answer(world, *([TWO] if turn % 2 else [TWO, OTHER]), wait=0.3)
    await asyncio.sleep(5)
    assert nodes(world) == ["10.0.0.2"]
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


def test_too_many_upstreams_of_unequal_weights_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    heavy, light = replace(TWO, weights=(9, 1)), replace(OTHER, weights=(1, 1))

    async def play() -> None:
        world = await new_world(keys=[Key("shop", f"canary-{number}") for number in range(257)])
        await answer(world, heavy, light)
        assert caplog.text.count("unequal weights") == 1
        assert world.engine is not None
        assert world.engine.desired.table.weighted == 257
        await answer(world, heavy)
        assert world.engine.desired.table.weighted == 0, "one instance alone has no weight"
        world.cluster.delete(KEY)
        await answer(world, heavy, light)
        assert world.engine.desired.table.weighted == 256
        assert caplog.text.count("unequal weights") == 1
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize(
    "schedule",
    [
        _the_first_answer_writes_all, _one_change_writes_one_upstream_for_each_and_no_route,
        _the_first_change_is_written_at_once_and_others_once_a_second, _known_and_empty, _a_write_of_nodes_fails,
        _a_standby_writes_nothing_and_knows_all, _an_answer_that_comes_during_a_write,
    ],
    ids=lambda schedule: schedule.__name__.strip("_"),
)  # fmt: skip
def test_nodes(schedule: Callable[[], Awaitable[None]]) -> None:
    run_in_virtual_time(schedule())
