"""What is given up and asked for again, or not given up at all: who serves a path keeps it."""

import asyncio

import pytest
from echoroute.core.objects import JsonObject

from .gateway import Fault
from .moving import MOVED, A, B, apply, at, serves, watch_over, world_of
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, World, ref_of


@pytest.mark.parametrize(
    "claim",
    [at("/a", match={"priority": 100}), at("/a", match={"methods": ["OPTIONS"]}), at("/a")],
    ids=["another priority", "other methods", "the same"],
)
def test_a_tenant_gets_nothing_of_what_another_one_only_changes(claim: JsonObject) -> None:
    """Whatever the owner does to its route but give the path up, nobody else is let in for a moment."""

    async def play() -> None:
        world = await world_of(a=at("/a"))
        world.cluster.apply(B, claim)
        for spec in (at("/a", "/more"), at("no-slash"), at("/a", websocket=True), at("/a", match={"priority": 7})):
            await apply(world, (A, spec), pause=2.5)
            assert world.ready(B) == "False/Conflicted"
            assert serves(world, B) == set()
            assert "/a" in serves(world, A)
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("fails", [False, True], ids=["before it is written", "while its writes fail"])
@pytest.mark.parametrize(
    ("again", "ready", "why"),
    [
        (at(MOVED), "True/Ready", "it asks for it again"),
        (at("no-slash"), "False/Invalid", "its last good generation serves on"),
        (at("/c"), "False/Conflicted", "so does what loses a conflict"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_takes_back_what_it_gave_up_keeps_it_from_who_was_let_in(
    again: JsonObject, ready: str, why: str, *, fails: bool
) -> None:
    async def play() -> None:
        world = await world_of(a=at(MOVED), b=at("/b"), c=at("/c"))
        await apply(world, (B, at("/b", websocket=True)), pause=0.1)  # its next write has to wait
        if fails:
            world.gateway.stuck = {ref_of(B)}
        await apply(world, (B, at("/b", MOVED)), (A, at("/a")), pause=0.6 if fails else 0.1)
        assert MOVED not in serves(world, B)
        await apply(world, (A, again), pause=1.5)
        world.gateway.stuck = set()
        await asyncio.sleep(DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == ({MOVED}, {"/b"}), why
        assert (world.ready(A), world.ready(B)) == (ready, "False/Conflicted")
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize(
    ("again", "ready", "why"),
    [
        (at(MOVED), "True/Ready", "it asks for it again"),
        (at("no-slash"), "False/Invalid", "its last good generation serves on"),
        (at("/c"), "False/Conflicted", "so does what loses a conflict"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_tells_what_writes_without_an_answer_have_left(again: JsonObject, ready: str, why: str) -> None:
    """No write of A succeeds for minutes, and B was let in: what A serves is told by lists alone."""

    async def play() -> None:
        world = await world_of(a=at(MOVED), b=at("/b"), c=at("/c"))
        world.gateway.fault, world.cluster.down = Fault.REFUSES_WRITES, True  # nobody can be told of a lost conflict
        await apply(world, (A, at("/a")), (B, at("/b", MOVED)), pause=0.5)
        await _until_b_is_let_in(world)
        await apply(world, (A, again))
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert world.writer._desired.table.claims.conflict(B) is not None, "it is told before anything can be written"
        world.gateway.fault, world.cluster.down = Fault.NONE, False
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == ({MOVED}, {"/b"}), why
        assert (world.ready(A), world.ready(B)) == (ready, "False/Conflicted")
        await world.stop()

    run_in_virtual_time(play())


async def _until_b_is_let_in(world: World) -> None:
    claims = world.writer._desired.table.claims
    async with asyncio.timeout(5 * DRIFT_INTERVAL):
        while claims.conflict(B) is not None or not claims.is_unsure(A):  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.1)


def test_an_old_route_that_was_switched_off_gets_nothing_back_of_a_live_one() -> None:
    async def play() -> None:
        world = await world_of(a=at(MOVED))
        await apply(world, (A, at(MOVED, enabled=False)), pause=2.0)
        await apply(world, (B, at(MOVED)), pause=2.0)
        gaps = watch_over(world, MOVED)
        await apply(world, (A, at(MOVED)), pause=2.0)
        assert world.ready(A) == "False/Conflicted", "the older one: who serves keeps it"
        assert (serves(world, A), serves(world, B)) == (set(), {MOVED})
        world.gateway.objects.clear()
        await asyncio.sleep(DRIFT_INTERVAL + 2)
        assert (serves(world, A), serves(world, B)) == (set(), {MOVED}), "nor when the gateway has lost its routes"
        assert len(gaps) == 0
        await world.stop()

    run_in_virtual_time(play())
