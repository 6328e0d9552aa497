"""A path was moved, and the gateway rejects the spec that gave it up: both serve it, and a restart takes none away."""

import asyncio

import pytest
from echoroute.core.objects import JsonObject, Key

from .gateway import REFUSED
from .moving import MOVED, A, B, at, serves
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, World, ref_of

OTHER = Key("lab", "c")
TAKEN = "/taken"


async def _moved(first: Key, second: Key) -> World:
    """`first` has given the path up, and the gateway does not take that; `second` has got it."""
    world = World.new()
    world.start()
    world.cluster.apply(OTHER, at(TAKEN))
    for key in (first, second):
        world.cluster.apply(key, at(MOVED) if key == first else at("/second"))
        await asyncio.sleep(1.5)
    world.cluster.apply(first, at(REFUSED))
    world.cluster.apply(second, at(MOVED))
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert (world.ready(first), world.ready(second)) == ("False/GatewayRejected", "True/Ready")
    assert serves(world, first) == serves(world, second) == {MOVED}
    return world


async def _restart(world: World) -> None:
    before = {key: world.ready(key) for key in (A, B)}
    await world.stop()
    world.cluster.patches = world.gateway.writes = 0
    world.start()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert {key: world.ready(key) for key in (A, B)} == before
    assert world.gateway.writes == 1, "what was rejected is tried again"
    assert world.cluster.patches == 0


@pytest.mark.parametrize(("first", "second"), [(A, B), (B, A)], ids=["to a younger one", "to an older one"])
@pytest.mark.parametrize(
    ("edit", "ready", "why"),
    [
        (None, "True/Ready", "nobody has edited anything"),
        (at(MOVED, websocket=True), "True/Ready", "it asks for the path, and serves it"),
        (at(TAKEN), "False/Conflicted", "its last good generation serves on"),
        (at("no-slash"), "False/Invalid", "here, too"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_both_serve_on_whatever_becomes_of_who_got_it(
    edit: JsonObject | None, ready: str, why: str, first: Key, second: Key
) -> None:
    async def play() -> None:
        world = await _moved(first, second)
        if edit is not None:
            world.cluster.apply(second, edit)
            await asyncio.sleep(2 * DRIFT_INTERVAL)
        for _ in range(2):
            assert (world.ready(first), world.ready(second)) == ("False/GatewayRejected", ready)
            assert serves(world, first) == serves(world, second) == {MOVED}, why
            await _restart(world)
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("edit", "ready", "why"),
    [
        (at("/first"), "True/Ready", "the gateway takes it"),
        (at(MOVED), "False/Conflicted", "the other one has it by now"),
        (at("no-slash"), "False/Invalid", "what it served is the other one's"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_gave_it_up_serves_it_until_it_is_edited(edit: JsonObject, ready: str, why: str, restarts: bool) -> None:
    async def play() -> None:
        world = await _moved(A, B)
        if restarts:
            await _restart(world)
        world.cluster.apply(A, edit)
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert (world.ready(A), world.ready(B)) == (ready, "True/Ready")
        assert (serves(world, A) - {"/first"}, serves(world, B)) == (set(), {MOVED}), why
        assert ref_of(B) in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())
