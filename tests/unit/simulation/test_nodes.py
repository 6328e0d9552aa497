"""Backends that the operator resolves: nodes follow Consul, at Upstreams alone, and stay when Consul goes away."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from echoroute.api.selection import Service
from echoroute.core.changes import Stored
from echoroute.core.instances import Instance, State
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.plan import Present, Wanted
from echoroute.errors import ConsulError, UnknownDatacenter

from .gateway import Fault
from .test_convergence import DRIFT_INTERVAL, World, ref_of
from .test_kept import condition
from .virtual_time import run_in_virtual_time

ECHO = Service("echo")
KEYS = [Key("shop", f"canary-{number}") for number in range(3)]
KEY = KEYS[0]
ONE = Instance("one", "echo", "10.0.0.1", "10.9.9.9", 80, State.PASSING, tags=frozenset({"version:1"}))
TWO = replace(ONE, id="two", address="10.0.0.2", tags=frozenset({"version:2"}))
OTHER = replace(TWO, id="other", address="10.0.0.3")


class Consul:
    """Follows, and answers when the test says so."""

    def __init__(self) -> None:
        self.resolved: set[Service] = set()

    def follow(self, service: Service, *, resolved: bool) -> None:
        (self.resolved.add if resolved else self.resolved.discard)(service)

    def forget(self, service: Service) -> None:
        self.resolved.discard(service)

    def stand_by(self, *, standing_by: bool) -> None: ...


def spec(key: Key, version: int = 2, datacenter: str | None = None) -> JsonObject:
    subset: JsonObject = {"tags": [f"version:{version}"], **({"datacenter": datacenter} if datacenter else {})}
    return {"match": {"paths": [f"/{key.name}"]}, "backends": [{"service": "echo", "subset": subset}]}


async def new_world(*, consul: bool = True, keys: list[Key] | None = None) -> World:
    world = World.new()
    world.follower = Consul() if consul else None
    for key in keys or KEYS[:1]:
        world.cluster.apply(key, spec(key))
    world.start()
    await asyncio.sleep(1)
    return world


async def answer(world: World, *instances: Instance, wait: float = 2.0) -> None:
    assert world.engine is not None
    world.engine.desired.service_answered(ECHO, instances)
    await asyncio.sleep(wait)


def upstreams(world: World, key: Key = KEY) -> list[Stored]:
    return [stored for ref, stored in world.gateway.objects.items() if _is_upstream_of(ref, key)]


def _is_upstream_of(ref: ObjectRef, key: Key) -> bool:
    return ref.kind is Kind.UPSTREAM and ref.id.startswith(f"{ref_of(key).id}.")


def nodes(world: World, key: Key = KEY) -> list[str]:
    (stored,) = upstreams(world, key)
    found = stored.body["nodes"]
    assert isinstance(found, list)
    return [str(node["host"]) for node in found if isinstance(node, dict)]


def written(world: World, since: int) -> list[Kind]:
    return [ref.kind for _, ref in world.gateway.tried[since:]]


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


def nodes_of_route(world: World) -> str:
    """The nodes of the Upstream that the Route names now."""
    named = world.gateway.objects[ref_of(KEY)].body["upstream_id"]
    return str(world.gateway.objects[ObjectRef(Kind.UPSTREAM, str(named))].body["nodes"])


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
        _the_first_change_is_written_at_once_and_others_once_a_second, _known_and_empty, _consul_goes_away,
        _restart_while_consul_is_away, _everything_is_lost_while_nodes_are_unknown, _no_consul, _no_consul_any_more,
        _an_unknown_datacenter, _a_write_of_nodes_fails,
        _a_standby_writes_nothing_and_knows_all, _an_answer_that_comes_during_a_write,
    ],
    ids=lambda schedule: schedule.__name__.strip("_"),
)  # fmt: skip
def test_nodes(schedule: Callable[[], Awaitable[None]]) -> None:
    run_in_virtual_time(schedule())
