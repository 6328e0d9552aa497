"""EchoRoutes that give a path to each other, and who serves it meanwhile."""

import asyncio

from echoroute.core.changes import Change
from echoroute.core.objects import JsonObject, Key
from pydantic import JsonValue

from .world import World, ref_of

A, B, C = Key("shop", "a"), Key("lab", "b"), Key("lab", "c")
MOVED = "/moved"


def at(*paths: str, match: JsonObject | None = None, **more: JsonValue) -> JsonObject:
    return {"match": {"paths": list(paths), **(match or {})}, "backends": [{"service": "echo"}], **more}


def serves(world: World, key: Key) -> set[str]:
    stored = world.gateway.objects.get(ref_of(key))
    if stored is None or stored.body.get("status") == 0:
        return set()
    paths = stored.body.get("uris") or [stored.body.get("uri")]
    assert isinstance(paths, list)
    return {str(path) for path in paths}


def watch_over(world: World, *paths: str) -> list[str]:
    """Gives the changes after which one of the paths, which were all served, had nobody."""
    gaps: list[str] = []
    make = world.gateway._make

    def made(change: Change) -> None:
        make(change)
        left = {path for key in (A, B, C) for path in serves(world, key)}
        if not left.issuperset(paths):
            gaps.append(f"{change} at {world.gateway.now():.2f}")

    world.gateway._make = made  # type: ignore[method-assign]
    return gaps


async def world_of(**specs: JsonObject) -> World:
    """A world in which these EchoRoutes serve."""
    world = World.new()
    world.start()
    for key in (A, B, C):
        if key.name in specs:
            world.cluster.apply(key, specs[key.name])
            await asyncio.sleep(1.5)
    return world


async def apply(world: World, *changes: tuple[Key, JsonObject | None], pause: float = 0.0) -> None:
    """As `kubectl apply -f` does: one after the other; None deletes."""
    for key, spec in changes:
        if spec is None:
            world.cluster.delete(key)
        else:
            world.cluster.apply(key, spec)
        await asyncio.sleep(pause)
