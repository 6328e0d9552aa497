"""Nodes of an EchoRoute whose newest spec is not taken: the last good generation serves, with the instances it had.

docs/reliability.md tells it, and what to do.
"""

import pytest
from echoroute.core.objects import JsonObject, Kind, ObjectRef

from .gateway import REFUSED
from .resolving import KEY, KEYS, ONE, OTHER, TWO, answer, new_world, nodes, spec
from .virtual_time import run_in_virtual_time
from .world import INVALID, SPECS, World, ref_of


def _on(path: str) -> JsonObject:
    return {**spec(KEY), "match": {"paths": [path]}}


_KEPT = [
    ("an invalid spec", SPECS[INVALID](KEY), "False/Invalid"),
    ("a lost conflict", _on(f"/{KEYS[1].name}"), "False/Conflicted"),
]


@pytest.mark.parametrize(("newest", "ready"), [row[1:] for row in _KEPT], ids=[row[0] for row in _KEPT])
def test_kept_nodes_stay_until_a_spec_is_taken(newest: JsonObject, ready: str) -> None:
    async def play() -> None:
        world = await _edited(newest, ready)
        assert nodes(world, KEYS[1]) == ["10.0.0.3"], "another one's follow Consul"
        assert nodes(world) == ["10.0.0.2"], "kept as they were"
        world.cluster.apply(KEY, spec(KEY))
        await answer(world, ONE, OTHER)
        assert nodes(world) == ["10.0.0.3"]
        assert world.ready(KEY) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


def test_nodes_of_a_rejected_spec_that_has_the_same_backends_follow() -> None:
    """Its Upstreams are those that serve, and are written before the Route that is rejected."""

    async def play() -> None:
        world = await _edited(_on(f"{REFUSED}/a"), "False/GatewayRejected")
        assert nodes(world) == ["10.0.0.3"]
        await world.stop()

    run_in_virtual_time(play())


def test_nodes_of_a_rejected_spec_with_other_backends_stay() -> None:
    async def play() -> None:
        rejected = _on(f"{REFUSED}/a")
        world = await _edited(
            {**rejected, "backends": [{"service": "echo", "resolve": "Operator"}]}, "False/GatewayRejected"
        )
        named = world.gateway.objects[ref_of(KEY)].body["upstream_id"]
        serving = world.gateway.objects[ObjectRef(Kind.UPSTREAM, str(named))]
        assert serving.body["nodes"] == [{"host": "10.0.0.2", "port": 80, "weight": 1}]
        await world.stop()

    run_in_virtual_time(play())


async def _edited(newest: JsonObject, ready: str) -> World:
    """Two EchoRoutes serve; one is edited to what is not taken, and then its instance is replaced by another."""
    world = await new_world(keys=KEYS[:2])
    await answer(world, ONE, TWO)
    world.cluster.apply(KEY, newest)
    await answer(world, ONE, TWO, wait=5.0)
    assert world.ready(KEY) == ready
    await answer(world, ONE, OTHER, wait=5.0)
    return world
