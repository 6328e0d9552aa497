"""Canaries whose nodes the operator writes, and a Consul that answers when a test says so."""

import asyncio
from dataclasses import replace

from echoroute.api.selection import Service
from echoroute.core.changes import Stored
from echoroute.core.instances import Instance, State
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef

from .world import World, ref_of

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


def nodes_of_route(world: World) -> str:
    """The nodes of the Upstream that the Route names now."""
    named = world.gateway.objects[ref_of(KEY)].body["upstream_id"]
    return str(world.gateway.objects[ObjectRef(Kind.UPSTREAM, str(named))].body["nodes"])
