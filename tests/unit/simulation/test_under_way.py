"""What is asked for changes while a write is under way: nobody else gets its path before the answer to that write."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from echoroute.core.objects import JsonObject, Key

from .cluster import GATEWAY_CLASS
from .gateway import REFUSED, Fault
from .moving import MOVED, at, serves
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, SOON, World, ref_of

A, B = Key("shop", "a"), Key("lab", "b")
OLD = "/old"


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(2 * DRIFT_INTERVAL):
        while not holds():  # noqa: ASYNC110 - the worlds have no events
            await asyncio.sleep(0.0005)


def _writes(world: World, key: Key) -> int:
    return sum(ref == ref_of(key) for _, ref in world.gateway.tried)


async def _sent(world: World, key: Key, change: Callable[[], None]) -> None:
    """Return when the next write of the key, after a change, is on its way."""
    before = _writes(world, key)
    change()
    await _until(lambda: _writes(world, key) > before)


def _edit(spec: JsonObject) -> Callable[[World], None]:
    return lambda world: world.cluster.apply(A, spec)


def _of_another_class(world: World) -> None:
    world.cluster.delete(A)
    world.cluster.apply(A, {**at(MOVED), "gatewayClass": f"not-{GATEWAY_CLASS}"})


_EDITS = [
    (_edit(at("no-slash")), {MOVED}, set(), "its spec cannot be used: what is under way serves on, and alone"),
    (lambda world: world.cluster.delete(A), set(), {MOVED}, "it is deleted, which frees the path once that is made"),
    (_of_another_class, set(), {MOVED}, "another gateway class is as good as gone"),
    (_edit(at(MOVED, enabled=False)), set(), {MOVED}, "it is switched off"),
    (_edit(at("/elsewhere")), {"/elsewhere"}, {MOVED}, "it moves to another path"),
    (_edit(at("/taken")), {MOVED}, set(), "it moves to a path that it does not get"),
    (_edit(at(MOVED, plugins={"serverless-pre-function": {}})), set(), {MOVED}, "policy refuses it"),
    (_edit(at(MOVED, websocket=True)), {MOVED}, set(), "it keeps the path"),
]


@pytest.mark.parametrize("before", [None, at(OLD)], ids=["new", "served another path"])
@pytest.mark.parametrize(("edit", "of_a", "of_b", "why"), _EDITS, ids=[why for *_, why in _EDITS])
def test_nobody_gets_the_path_of_a_write_before_its_answer(
    before: JsonObject | None, edit: Callable[[World], None], of_a: set[str], of_b: set[str], why: str
) -> None:
    async def play() -> None:
        world = World.new()
        world.start()
        world.cluster.apply(Key("shop", "taken"), at("/taken"))
        if before is not None:
            world.cluster.apply(A, before)
        await asyncio.sleep(SOON)
        await _sent(world, A, lambda: world.cluster.apply(A, at(MOVED)))
        world.cluster.apply(B, at(MOVED))
        edit(world)
        await _until(lambda: serves(world, A) == {MOVED})
        assert _writes(world, B) == 0, "it was let in beside a write that is under way"
        # Now it may be let in beside A, if A gives the path up: so it is moved without a gap.
        await asyncio.sleep(2 * SOON)
        assert (serves(world, A), serves(world, B)) == (of_a, of_b), why
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == (of_a, of_b), f"{why}, also after rounds"
        assert world.gateway.breaches == []
        await world.stop()

    run_in_virtual_time(play())


def test_what_the_gateway_rejects_frees_the_path_of_an_edited_one() -> None:
    async def play() -> None:
        world = World.new()
        world.start()
        await asyncio.sleep(SOON)
        path = f"{REFUSED}/both"
        await _sent(world, A, lambda: world.cluster.apply(A, at(path)))
        world.cluster.apply(B, at(path))
        world.cluster.apply(A, at("no-slash"))
        await asyncio.sleep(0.001)
        assert _writes(world, B) == 0
        await _until(lambda: _writes(world, B) == 1)
        await asyncio.sleep(SOON)
        assert (world.ready(A), world.ready(B)) == ("False/Invalid", "False/GatewayRejected")
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("is_made", [True, False])
def test_a_write_without_an_answer_keeps_the_path_of_an_edited_one_until_a_list(is_made: bool) -> None:
    async def play() -> None:
        world = World.new()
        world.start()
        await asyncio.sleep(SOON)
        await _sent(world, A, lambda: world.cluster.apply(A, at(MOVED)))
        world.gateway.fault = Fault.LOSES_ANSWERS if is_made else Fault.REFUSES_WRITES
        world.cluster.apply(B, at(MOVED))
        world.cluster.apply(A, at("no-slash"))
        await asyncio.sleep(0.01)
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(SOON)
        assert serves(world, B) == set(), "nobody knows what A serves"
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == (({MOVED}, set()) if is_made else (set(), {MOVED}))
        await world.stop()

    run_in_virtual_time(play())


async def _comes_back_by_an_edit(world: World) -> None:
    """B is written to the path that A gives up; then A asks for it again, and has it."""
    await _sent(world, B, lambda: (world.cluster.apply(A, at("/a")), world.cluster.apply(B, at(MOVED))))  # type: ignore[func-returns-value]
    assert serves(world, A) == {MOVED}, "A waits for the write of B"
    world.cluster.apply(A, at(MOVED))


async def _comes_back_after_its_end(world: World) -> None:
    """A is deleted, which is under way; then it is there again, before B is written."""
    await _sent(world, A, lambda: world.cluster.delete(A))
    world.cluster.apply(A, at(MOVED))
    world.cluster.apply(B, at(MOVED))


@pytest.mark.parametrize("comes_back", [_comes_back_by_an_edit, _comes_back_after_its_end])
def test_an_owner_that_comes_back_while_another_one_is_written_serves_alone(
    comes_back: Callable[[World], Awaitable[None]],
) -> None:
    """Who has lost its path when the answer comes is withdrawn then, not in the next round."""

    async def play() -> None:
        world = World.new()
        world.start()
        world.cluster.apply(A, at(MOVED))
        await asyncio.sleep(SOON)
        await comes_back(world)
        await asyncio.sleep(SOON)
        assert (serves(world, A), serves(world, B)) == ({MOVED}, set())
        assert (world.ready(A), world.ready(B)) == ("True/Ready", "False/Conflicted")
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == ({MOVED}, set())
        await world.stop()

    run_in_virtual_time(play())
