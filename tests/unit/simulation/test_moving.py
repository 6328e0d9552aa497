"""Moving a host and path from one EchoRoute to another: it is served all the time, whichever of them comes first."""

import asyncio

import pytest
from echoroute.core.changes import Change
from echoroute.core.objects import JsonObject, Key
from pydantic import JsonValue

from .gateway import REFUSED, Fault
from .test_convergence import DRIFT_INTERVAL, World, ref_of
from .virtual_time import run_in_virtual_time

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


async def _world(**specs: JsonObject) -> World:
    """A world in which these EchoRoutes serve."""
    world = World.new()
    world.start()
    for key in (A, B, C):
        if key.name in specs:
            world.cluster.apply(key, specs[key.name])
            await asyncio.sleep(1.5)
    return world


async def _apply(world: World, *changes: tuple[Key, JsonObject | None], pause: float = 0.0) -> None:
    """As `kubectl apply -f` does: one after the other; None deletes."""
    for key, spec in changes:
        if spec is None:
            world.cluster.delete(key)
        else:
            world.cluster.apply(key, spec)
        await asyncio.sleep(pause)


@pytest.mark.parametrize("pause", [0.0, 0.004, 0.2])
@pytest.mark.parametrize("order", [1, -1], ids=["who gives it comes first", "who gets it comes first"])
@pytest.mark.parametrize(
    ("before", "changes", "why"),
    [
        (
            {"a": at("/a", MOVED), "b": at("/b")},
            [(A, at("/a")), (B, at("/b", MOVED))],
            "one path of several",
        ),
        ({"a": at(MOVED)}, [(A, at("/a")), (B, at(MOVED))], "to one that is new"),
        ({"a": at(MOVED)}, [(A, None), (B, at(MOVED))], "a rename"),
        (
            {"a": at(MOVED), "b": at(MOVED, enabled=False)},
            [(A, at(MOVED, enabled=False)), (B, at(MOVED, enabled=True))],
            "blue and green",
        ),
        (
            {"a": at(MOVED, match={"priority": 5}), "b": at("/b")},
            [(A, None), (B, at("/b", MOVED, match={"priority": 1}))],
            "with another priority",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_is_moved_by_one_apply_is_always_served(
    before: dict[str, JsonObject], changes: list[tuple[Key, JsonObject | None]], why: str, order: int, pause: float
) -> None:
    async def play() -> None:
        world = await _world(**before)
        gaps, patches = watch_over(world, MOVED), world.cluster.patches
        await _apply(world, *changes[::order], pause=pause)
        await asyncio.sleep(4.0)
        assert gaps == [], why
        assert MOVED in serves(world, B)
        assert MOVED not in serves(world, A)
        assert world.ready(B) == "True/Ready"
        assert world.cluster.patches - patches == sum(spec is not None for _, spec in changes), "one patch tells all"
        await world.stop()

    run_in_virtual_time(play())


def test_who_has_waited_for_long_is_there_before_a_deletion_is_made() -> None:
    """A rename that creates first: the new one lost, and was told so, when the old one goes."""

    async def play() -> None:
        world = await _world(a=at(MOVED), b=at(MOVED))
        await asyncio.sleep(40.0)
        assert world.ready(B) == "False/Conflicted"
        gaps = watch_over(world, MOVED)
        world.cluster.delete(A)
        await asyncio.sleep(2.0)
        assert gaps == []
        assert ref_of(A) not in world.gateway.objects
        assert world.ready(B) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


def test_what_goes_to_two_is_always_served() -> None:
    async def play() -> None:
        world = await _world(a=at("/a", MOVED, "/too"), b=at("/b"), c=at("/c"))
        gaps = watch_over(world, MOVED, "/too")
        await _apply(world, (A, at("/a")), (B, at("/b", MOVED)), (C, at("/c", "/too")), pause=0.1)
        await asyncio.sleep(3.0)
        assert gaps == []
        assert (serves(world, A), serves(world, B), serves(world, C)) == ({"/a"}, {"/b", MOVED}, {"/c", "/too"})
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize(
    ("change", "longest", "why"),
    [
        (at("/a", MOVED, "/more"), 0.1, "nothing is given up"),
        (at("/a", MOVED, websocket=True), 0.1, "nor here"),
        (at("/a"), 0.35, "a moment, for somebody may want it"),
        (at("/a", MOVED, enabled=False), 0.35, "all of it is given up"),
        (None, 0.35, "a deletion; the CRD is read in a few ms, once a second"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_only_what_gives_something_up_waits_and_not_for_long(
    change: JsonObject | None, longest: float, why: str
) -> None:
    async def play() -> None:
        world = await _world(a=at("/a", MOVED))
        writes, began = world.gateway.writes, world.gateway.now()
        await _apply(world, (A, change))
        while world.gateway.writes == writes:  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.005)
        assert world.gateway.now() - began < longest, why
        await world.stop()

    run_in_virtual_time(play())


def test_who_comes_too_late_gets_it_all_the_same() -> None:
    async def play() -> None:
        world = await _world(a=at("/a", MOVED), b=at("/b"))
        await _apply(world, (A, at("/a")), pause=0.5)
        assert serves(world, A) == {"/a"}, "nobody waits for what may never come"
        await _apply(world, (B, at("/b", MOVED)), pause=1.0)
        assert serves(world, B) == {"/b", MOVED}
        await world.stop()

    run_in_virtual_time(play())


def test_one_that_cannot_be_written_is_not_waited_for_for_long() -> None:
    async def play() -> None:
        world = await _world(a=at("/a", MOVED), b=at("/b"))
        await _apply(world, (A, at("/a")), (B, at(f"{REFUSED}/b", MOVED)))
        world.gateway.stuck = {ref_of(B)}
        await asyncio.sleep(3.0)
        assert serves(world, A) == {"/a"}
        assert serves(world, B) == {"/b"}
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("order", [1, -1])
def test_a_move_while_the_gateway_is_away_is_made_when_it_is_back(order: int) -> None:
    async def play() -> None:
        world = await _world(a=at("/a", MOVED), b=at("/b"))
        world.gateway.fault = Fault.DOWN
        await _apply(world, *[(A, at("/a")), (B, at("/b", MOVED))][::order])
        await asyncio.sleep(20.0)
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == ({"/a"}, {"/b", MOVED})
        assert (world.ready(A), world.ready(B)) == ("True/Ready", "True/Ready")
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize(
    "claim",
    [at("/a", match={"priority": 100}), at("/a", match={"methods": ["OPTIONS"]}), at("/a")],
    ids=["another priority", "other methods", "the same"],
)
def test_a_tenant_gets_nothing_of_what_another_one_only_changes(claim: JsonObject) -> None:
    """Whatever the owner does to its route but give the path up, nobody else is let in for a moment."""

    async def play() -> None:
        world = await _world(a=at("/a"))
        world.cluster.apply(B, claim)
        for spec in (at("/a", "/more"), at("no-slash"), at("/a", websocket=True), at("/a", match={"priority": 7})):
            await _apply(world, (A, spec), pause=2.5)
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
        world = await _world(a=at(MOVED), b=at("/b"), c=at("/c"))
        await _apply(world, (B, at("/b", websocket=True)), pause=0.1)  # its next write has to wait
        if fails:
            world.gateway.stuck = {ref_of(B)}
        await _apply(world, (B, at("/b", MOVED)), (A, at("/a")), pause=0.6 if fails else 0.1)
        assert MOVED not in serves(world, B)
        await _apply(world, (A, again), pause=1.5)
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
        world = await _world(a=at(MOVED), b=at("/b"), c=at("/c"))
        world.gateway.fault, world.cluster.down = Fault.REFUSES_WRITES, True  # nobody can be told of a lost conflict
        await _apply(world, (A, at("/a")), (B, at("/b", MOVED)), pause=0.5)
        await _until_b_is_let_in(world)
        await _apply(world, (A, again))
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
        world = await _world(a=at(MOVED))
        await _apply(world, (A, at(MOVED, enabled=False)), pause=2.0)
        await _apply(world, (B, at(MOVED)), pause=2.0)
        gaps = watch_over(world, MOVED)
        await _apply(world, (A, at(MOVED)), pause=2.0)
        assert world.ready(A) == "False/Conflicted", "the older one: who serves keeps it"
        assert (serves(world, A), serves(world, B)) == (set(), {MOVED})
        world.gateway.objects.clear()
        await asyncio.sleep(DRIFT_INTERVAL + 2)
        assert (serves(world, A), serves(world, B)) == (set(), {MOVED}), "nor when the gateway has lost its routes"
        assert len(gaps) == 0
        await world.stop()

    run_in_virtual_time(play())
