"""Nobody's edit takes away a route that serves, whatever the gateway, the CRD or a restart do meanwhile."""

import asyncio

import pytest
from echoroute.core.objects import JsonObject, Key
from echoroute.core.source import Origin
from echoroute.errors import SourceError

from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import DENIED, DRIFT_INTERVAL, GOOD, INVALID, OTHER, SHARED, SPECS, World, ref_of

A, B = Key("lab", "a"), Key("shop", "b")


async def _both_want_it() -> World:
    """A serves `/shared`, B came later and waits for it."""
    world = World.new()
    world.start()
    await asyncio.sleep(5)
    for key in (A, B):
        world.cluster.apply(key, SPECS[SHARED](key))
        await asyncio.sleep(2)
    assert (world.ready(A), world.ready(B)) == ("True/Ready", "False/Conflicted")
    return world


def _served(world: World) -> dict[Key, object]:
    return {
        key: world.gateway.objects[ref_of(key)].body["uri"] for key in (A, B) if ref_of(key) in world.gateway.objects
    }


@pytest.mark.parametrize("kind", [INVALID, "refused"])
def test_an_edit_that_cannot_be_used_lets_nobody_in(kind: str) -> None:
    async def play() -> None:
        world = await _both_want_it()
        world.cluster.apply(A, SPECS[kind](A))
        for restart in (False, True):
            if restart:
                await world.stop()
                world.start()
            await asyncio.sleep(2 * DRIFT_INTERVAL)
            assert _served(world) == {A: "/shared"}, "the last good generation serves, and alone"
            assert world.ready(B) == "False/Conflicted"
        world.cluster.apply(A, SPECS[SHARED](A))
        await asyncio.sleep(2)
        assert (world.ready(A), world.ready(B)) == ("True/Ready", "False/Conflicted")
        await world.stop()

    run_in_virtual_time(play())


def test_an_edit_onto_what_another_serves_takes_nothing_away() -> None:
    async def play() -> None:
        world = await _both_want_it()
        world.cluster.apply(B, SPECS[GOOD](B))
        await asyncio.sleep(2)
        world.cluster.apply(A, {"match": {"paths": [f"/{B}"]}, "backends": [{"service": "echo"}]})
        await asyncio.sleep(2)
        assert world.ready(A) == "False/Conflicted", "though it is older"
        assert _served(world) == {A: "/shared", B: f"/{B}"}
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert _served(world) == {A: "/shared", B: f"/{B}"}
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("wiped", [False, True], ids=["as it was", "lost its routes"])
def test_after_a_restart_who_served_serves(wiped: bool) -> None:
    async def play() -> None:
        world = World.new()
        world.start()
        world.cluster.apply(A, SPECS[GOOD](A))
        await asyncio.sleep(2)
        world.cluster.apply(B, SPECS[SHARED](B))
        await asyncio.sleep(2)
        world.cluster.apply(A, SPECS[SHARED](A))
        await asyncio.sleep(60)
        assert (world.ready(A), world.ready(B)) == ("False/Conflicted", "True/Ready"), "the younger one serves it"
        await world.stop()
        if wiped:
            world.gateway.objects.clear()
        world.cluster.patches = world.gateway.writes = 0
        world.start()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert (world.ready(A), world.ready(B)) == ("False/Conflicted", "True/Ready")
        assert world.gateway.writes == (1 if wiped else 0)
        assert world.cluster.patches == (1 if wiped else 0), "A's last good generation is lost, and that is told"
        await world.stop()

    run_in_virtual_time(play())


def test_a_deletion_frees_a_pair_and_a_new_life_before_it_keeps_it() -> None:
    async def play() -> None:
        world = await _both_want_it()
        world.cluster.delete(A)
        await asyncio.sleep(0.004)  # before the CRD was read
        world.cluster.apply(A, SPECS[SHARED](A))
        await asyncio.sleep(3)
        assert _served(world) == {A: "/shared"}
        world.cluster.delete(A)
        await asyncio.sleep(3)
        assert _served(world) == {B: "/shared"}
        assert world.ready(B) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.UNAUTHORIZED])
def test_a_restart_while_the_gateway_is_away_repaints_no_status(fault: Fault) -> None:
    async def play() -> None:
        world = await _both_want_it()
        keys = [Key("shop", f"r{number}") for number in range(8)]
        for number, key in enumerate(keys):
            world.cluster.apply(key, SPECS[(GOOD, DENIED, INVALID, OTHER)[number % 4]](key))
        await asyncio.sleep(60)
        before = {key: world.ready(key) for key in (*keys, A, B)}
        await world.stop()
        world.gateway.fault = fault
        world.cluster.patches = world.gateway.writes = 0
        world.start()
        await asyncio.sleep(120)
        assert {key: world.ready(key) for key in (*keys, A, B)} == before
        assert world.cluster.patches == 0, "an outage is told by metrics and one Event, not by N patches"
        world.cluster.apply(keys[0], SPECS[OTHER](keys[0]))
        await asyncio.sleep(5)
        assert world.ready(keys[0]).startswith("False/Gateway"), "what was not written before is told"
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(60)
        assert world.ready(keys[0]) == "True/Ready"
        assert (world.gateway.writes, world.cluster.patches) == (1, 2)
        await world.stop()

    run_in_virtual_time(play())


async def _forbidden() -> Origin | None:
    raise SourceError("forbidden", status=403)


@pytest.mark.parametrize(
    ("spec", "ready"), [(SPECS[SHARED](B), "False/Conflicted"), (SPECS[DENIED](B), "False/NotAllowed")]
)
def test_a_refusal_is_told_although_nothing_may_be_deleted(spec: JsonObject, ready: str) -> None:
    async def play() -> None:
        world = World.new()
        world.cluster.read_origin = _forbidden  # type: ignore[method-assign]
        world.start()
        world.cluster.apply(A, SPECS[SHARED](A))
        world.cluster.apply(B, SPECS[GOOD](B))
        await asyncio.sleep(5)
        world.cluster.apply(B, spec)
        await asyncio.sleep(3)
        assert world.ready(B) == ready, "what Accepted says follows from the spec"
        assert world.ready(A) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("left", ["nothing", "as it was", "edited by hand"])
def test_what_a_write_without_an_answer_may_have_made_is_learnt_from_the_next_list(left: str) -> None:
    """Then its EchoRoute becomes invalid, so that no write of it tells: it must not keep others out for ever."""

    async def play() -> None:
        world = World.new()
        world.start()
        world.cluster.apply(A, SPECS[GOOD](A))
        await asyncio.sleep(2)
        world.gateway.stuck = {ref_of(A)}
        world.cluster.apply(A, SPECS[SHARED](A))
        await asyncio.sleep(2)
        world.cluster.apply(A, SPECS[INVALID](A))
        world.cluster.apply(B, SPECS[SHARED](B))
        await asyncio.sleep(2)
        assert world.ready(B) == "False/Conflicted", "A may serve it"
        if left == "nothing":
            del world.gateway.objects[ref_of(A)]
        elif left == "edited by hand":
            body = world.gateway.objects[ref_of(A)].body
            world.gateway.write_past_us(ref_of(A), {**body, "uri": "/by-hand"})
        await asyncio.sleep(DRIFT_INTERVAL + 2)
        assert world.ready(B) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


def test_what_an_echoroute_has_left_does_not_serve_beside_who_has_its_pair_now() -> None:
    """Nobody told of its end, so that one list is not enough to delete it, and it keeps nobody out; it comes again."""

    async def play() -> None:
        world = await _both_want_it()
        await asyncio.sleep(2 * DRIFT_INTERVAL)  # the watch tells of deletions now
        world.cluster.losing_events = True
        world.cluster.delete(A)
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert _served(world) == {A: "/shared", B: "/shared"}, "B is let in beside what A has left"
        world.cluster.losing_events = False
        world.cluster.apply(A, SPECS[SHARED](A))
        await asyncio.sleep(3)
        assert (world.ready(A), world.ready(B)) == ("False/Conflicted", "True/Ready")
        assert _served(world) == {B: "/shared"}
        await world.stop()

    run_in_virtual_time(play())


def test_what_is_kept_and_found_to_serve_what_is_anothers_goes() -> None:
    """Two routes for one path answer by chance: by a hand edit, or where one write too many had no answer."""

    async def play() -> None:
        world = await _both_want_it()
        world.cluster.apply(B, SPECS[GOOD](B))
        await asyncio.sleep(2)
        world.cluster.apply(B, SPECS[INVALID](B))
        await asyncio.sleep(2)
        body = world.gateway.objects[ref_of(B)].body
        world.gateway.write_past_us(ref_of(B), {**body, "uri": "/shared"})
        await asyncio.sleep(DRIFT_INTERVAL + 5)
        assert _served(world) == {A: "/shared"}
        assert (world.ready(A), world.ready(B)) == ("True/Ready", "False/Invalid")
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("why", ["somebody else's object", "a rejection"])
def test_after_a_restart_who_was_accepted_has_what_nobody_can_serve(why: str) -> None:
    async def play() -> None:
        rejected, spec = why == "a rejection", SPECS["refused" if why == "a rejection" else SHARED](A)
        world = World.new()
        world.cluster.apply(A, SPECS[GOOD](A))
        if not rejected:
            world.gateway.write_past_us(ref_of(B), {"uri": "/theirs"})
        world.start()
        await asyncio.sleep(2)
        for key in (B, A):
            world.cluster.apply(key, spec)
            await asyncio.sleep(40)
        ready = world.ready(A), world.ready(B)
        assert ready == ("False/Conflicted", "False/GatewayRejected" if rejected else "False/ForeignObject")
        await world.stop()
        world.cluster.patches = world.gateway.writes = 0
        world.start()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        assert (world.ready(A), world.ready(B)) == ready
        assert (world.gateway.writes, world.cluster.patches) == (int(rejected), 0), "what was rejected is tried again"
        await world.stop()

    run_in_virtual_time(play())
