"""Moving a host and path from one EchoRoute to another: it is served all the time, whichever of them comes first."""

import asyncio

import pytest
from echoroute.core.objects import JsonObject, Key

from .gateway import REFUSED, Fault
from .moving import MOVED, A, B, C, apply, at, serves, watch_over, world_of
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, ref_of


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
        world = await world_of(**before)
        gaps, patches = watch_over(world, MOVED), world.cluster.patches
        await apply(world, *changes[::order], pause=pause)
        await asyncio.sleep(4.0)
        assert gaps == [], why
        assert MOVED in serves(world, B)
        assert MOVED not in serves(world, A)
        assert world.ready(B) == "True/Ready"
        assert world.cluster.patches - patches == sum(spec is not None for _, spec in changes), "one patch tells all"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("match", [{}, {"priority": 1}, {"methods": ["GET"]}], ids=["the same", "priority", "methods"])
@pytest.mark.parametrize("change", [at("/b"), None], ids=["edited", "deleted"])
@pytest.mark.parametrize("order", [1, -1])
def test_who_gets_it_at_a_slow_gateway_is_waited_for_in_whatever_way_it_asks_for_it(
    match: JsonObject, change: JsonObject | None, order: int
) -> None:
    """Both are of one namespace, so that priority and methods keep them apart."""

    async def play() -> None:
        world = await world_of(b=at("/b", MOVED), c=at("/c"))
        gaps = watch_over(world, MOVED)
        world.gateway.lag = 0.8
        await apply(world, *[(B, change), (C, at("/c", MOVED, match=match))][::order])
        await asyncio.sleep(6.0)
        assert gaps == []
        assert MOVED in serves(world, C)
        assert MOVED not in serves(world, B)
        await world.stop()

    run_in_virtual_time(play())


def test_who_has_waited_for_long_is_there_before_a_deletion_is_made() -> None:
    """A rename that creates first: the new one lost, and was told so, when the old one goes."""

    async def play() -> None:
        world = await world_of(a=at(MOVED), b=at(MOVED))
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
        world = await world_of(a=at("/a", MOVED, "/too"), b=at("/b"), c=at("/c"))
        gaps = watch_over(world, MOVED, "/too")
        await apply(world, (A, at("/a")), (B, at("/b", MOVED)), (C, at("/c", "/too")), pause=0.1)
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
        world = await world_of(a=at("/a", MOVED))
        writes, began = world.gateway.writes, world.gateway.now()
        await apply(world, (A, change))
        while world.gateway.writes == writes:  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.005)
        assert world.gateway.now() - began < longest, why
        await world.stop()

    run_in_virtual_time(play())


def test_who_comes_too_late_gets_it_all_the_same() -> None:
    async def play() -> None:
        world = await world_of(a=at("/a", MOVED), b=at("/b"))
        await apply(world, (A, at("/a")), pause=0.5)
        assert serves(world, A) == {"/a"}, "nobody waits for what may never come"
        await apply(world, (B, at("/b", MOVED)), pause=1.0)
        assert serves(world, B) == {"/b", MOVED}
        await world.stop()

    run_in_virtual_time(play())


def test_one_that_cannot_be_written_is_not_waited_for_for_long() -> None:
    async def play() -> None:
        world = await world_of(a=at("/a", MOVED), b=at("/b"))
        await apply(world, (A, at("/a")), (B, at(f"{REFUSED}/b", MOVED)))
        world.gateway.stuck = {ref_of(B)}
        await asyncio.sleep(3.0)
        assert serves(world, A) == {"/a"}
        assert serves(world, B) == {"/b"}
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("order", [1, -1])
def test_a_move_while_the_gateway_is_away_is_made_when_it_is_back(order: int) -> None:
    async def play() -> None:
        world = await world_of(a=at("/a", MOVED), b=at("/b"))
        world.gateway.fault = Fault.DOWN
        await apply(world, *[(A, at("/a")), (B, at("/b", MOVED))][::order])
        await asyncio.sleep(20.0)
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(DRIFT_INTERVAL)
        assert (serves(world, A), serves(world, B)) == ({"/a"}, {"/b", MOVED})
        assert (world.ready(A), world.ready(B)) == ("True/Ready", "True/Ready")
        await world.stop()

    run_in_virtual_time(play())
