"""What the gateway rejected is asked for again: rarely, and once when it comes back. No try in vain costs a patch.

It leaves nothing behind: an Upstream that no Route names goes, whatever became of the edit that brought it.
"""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.engine.writer.leftovers import WAIT
from echoroute.engine.writer.rejected import INTERVAL

from .gateway import REFUSED, Fault, named_by
from .test_backends import KEY, spec, upstreams
from .test_outages import most_in
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, OTHER, REFUSED_BY_GATEWAY, SPECS, World, ref_of

REJECTED = [Key("shop", f"r{number}") for number in range(20)]
GOOD_ONE = Key("lab", "good")
HALF_AN_HOUR = 30 * 60.0


async def _rejected(number: int = len(REJECTED)) -> World:
    world = World.new()
    for key in REJECTED[:number]:
        world.cluster.apply(key, SPECS[REFUSED_BY_GATEWAY](key))
    world.cluster.apply(GOOD_ONE, SPECS[GOOD](GOOD_ONE))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert {world.ready(key) for key in REJECTED[:number]} == {"False/GatewayRejected"}
    world.gateway.tried.clear()
    world.cluster.patches = 0
    return world


def test_a_plugin_that_is_switched_on_is_found_within_half_an_hour() -> None:
    async def play() -> None:
        world = await _rejected()
        world.gateway.lenient = True
        await asyncio.sleep(INTERVAL - 3 * DRIFT_INTERVAL)
        assert world.gateway.tried == []
        await asyncio.sleep(HALF_AN_HOUR - INTERVAL + 3 * DRIFT_INTERVAL)
        assert {world.ready(key) for key in REJECTED} == {"True/Ready"}
        await world.stop()

    run_in_virtual_time(play())


def test_tries_in_vain_are_few_and_cost_no_patch() -> None:
    async def play() -> None:
        world = await _rejected()
        await asyncio.sleep(4 * HALF_AN_HOUR)
        tries = [time for time, _ in world.gateway.tried]
        assert len(tries) in {4 * len(REJECTED), 5 * len(REJECTED)}
        assert most_in(tries, 0.99) == 1, "one a second"
        assert world.cluster.patches == 0
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("lenient", [False, True])
def test_a_gateway_that_comes_back_is_asked_once(lenient: bool) -> None:
    async def play() -> None:
        world = await _rejected()
        world.gateway.fault = Fault.DOWN
        world.cluster.apply(GOOD_ONE, SPECS[OTHER](GOOD_ONE))  # so that somebody notices
        await asyncio.sleep(DRIFT_INTERVAL)
        patches = world.cluster.patches
        world.gateway.fault, world.gateway.lenient = Fault.NONE, lenient
        await asyncio.sleep(DRIFT_INTERVAL + len(REJECTED))
        assert {world.ready(key) for key in REJECTED} == {"True/Ready" if lenient else "False/GatewayRejected"}
        for key in REJECTED:
            assert [ref for _, ref in world.gateway.tried].count(ref_of(key)) == 1
        assert world.cluster.patches - patches == 1 + (len(REJECTED) if lenient else 0)
        await world.stop()

    run_in_virtual_time(play())


def test_a_change_of_the_spec_does_not_wait_for_that() -> None:
    async def play() -> None:
        world = await _rejected()
        world.gateway.fault = Fault.DOWN
        await asyncio.sleep(DRIFT_INTERVAL + 5)
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(DRIFT_INTERVAL / 2)
        for key in (REJECTED[-1], GOOD_ONE):
            world.cluster.apply(key, SPECS[OTHER](key))
            await asyncio.sleep(0.6)
            assert world.ready(key) == "True/Ready", "while the others have their turns"
        await world.stop()

    run_in_virtual_time(play())


REJECTED_PATH: JsonObject = {"match": {"paths": [f"{REFUSED}/cart"]}}
INVALID: JsonObject = {"match": {"paths": ["no-slash"]}}
UNTIL_GONE = WAIT + 2.0
"""The pause, and one read of the CRD a second."""


async def _serving(*services: str) -> World:
    world = World.new()
    world.cluster.apply(KEY, spec(*services))
    world.start()
    await asyncio.sleep(2 * WAIT)
    return world


def serving(world: World) -> set[str]:
    """The Upstreams that the Route in the gateway names."""
    return named_by(world.gateway.objects[ref_of(KEY)].body)


def tries(world: World) -> int:
    """How often the Route was written, or tried to."""
    return [ref for _, ref in world.gateway.tried].count(ref_of(KEY))


async def _edits_that_are_rejected_leave_nothing() -> None:
    world = await _serving("a", "b")
    before = upstreams(world)
    for edit in range(4):
        world.cluster.apply(KEY, spec("a", *(f"new-{edit}-{n}" for n in range(5)), **REJECTED_PATH))
        await asyncio.sleep(1)
    assert world.ready(KEY) == "False/GatewayRejected"
    await asyncio.sleep(UNTIL_GONE)
    assert upstreams(world) == before == serving(world)
    assert tries(world) == 1 + 4, "what goes is no reason to ask for the rejected Route again"
    assert world.gateway.breaches == []
    await world.stop()


async def _one_that_never_served_leaves_nothing() -> None:
    world = World.new()
    world.cluster.apply(KEY, spec("a", "b", "c", **REJECTED_PATH))
    world.start()
    await asyncio.sleep(1)
    assert len(upstreams(world)) == 2
    await asyncio.sleep(UNTIL_GONE)
    assert world.gateway.objects == {}
    assert tries(world) == 1
    await world.stop()


async def _one_that_was_in_doubt_leaves_nothing() -> None:
    """Before it was rejected a write had no answer: only a list tells that there is no Route that names anything."""
    world = World.new()
    world.gateway.stuck.add(ref_of(KEY))
    world.cluster.apply(KEY, spec("a", "b", "c", **REJECTED_PATH))
    world.start()
    await asyncio.sleep(1)
    world.gateway.stuck.clear()
    await asyncio.sleep(UNTIL_GONE)
    assert world.ready(KEY) == "False/GatewayRejected"
    tried = tries(world)
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert world.gateway.objects == {}
    assert tries(world) == tried, "what goes is no reason to ask for the rejected Route again"
    await world.stop()


async def _a_rare_try_leaves_nothing_either() -> None:
    world = await _serving("a", "b")
    before = upstreams(world)
    world.cluster.apply(KEY, spec("a", "c", **REJECTED_PATH))
    await asyncio.sleep(4 * HALF_AN_HOUR)
    assert upstreams(world) == before
    assert tries(world) in {1 + 4, 1 + 5}
    await world.stop()


async def _what_the_edit_before_left_goes_too() -> None:
    """The accepted edit has its Upstream wait for its time; the rejected one after it does not forget that."""
    world = await _serving("a", "b")
    world.cluster.apply(KEY, spec("a", "c"))
    await asyncio.sleep(1)
    world.cluster.apply(KEY, spec("a", "d", **REJECTED_PATH))
    await asyncio.sleep(UNTIL_GONE)
    assert upstreams(world) == serving(world)
    assert len(upstreams(world)) == 1
    await world.stop()


async def _an_invalid_edit_after_it_keeps_what_serves_alone() -> None:
    world = await _serving("a", "b")
    before = upstreams(world)
    world.cluster.apply(KEY, spec("a", "c", **REJECTED_PATH))
    await asyncio.sleep(0.1)
    world.cluster.apply(KEY, spec("a", "d", **INVALID))
    await asyncio.sleep(UNTIL_GONE)
    assert world.ready(KEY) == "False/Invalid"
    assert upstreams(world) == before == serving(world)
    await world.stop()


async def _a_restart_forgets_none() -> None:
    """An operator that stops over it leaves Upstreams that nobody explains; the next one finds them."""
    world = await _serving("a", "b")
    before = upstreams(world)
    world.cluster.apply(KEY, spec("a", "c", **REJECTED_PATH))
    await asyncio.sleep(0.5)
    await world.stop()
    assert len(upstreams(world)) == 2
    world.cluster.apply(KEY, spec("a", "d", **INVALID))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert upstreams(world) == before == serving(world)
    await world.stop()


async def _the_same_spec_of_another_life_is_tried_at_once() -> None:
    world = await _rejected(1)
    key = REJECTED[0]
    world.cluster.delete(key)
    world.cluster.apply(key, SPECS[REFUSED_BY_GATEWAY](key))
    world.gateway.lenient = True
    await asyncio.sleep(2)
    assert world.ready(key) == "True/Ready"
    await world.stop()


async def _one_that_is_pinned_asks_for_no_try() -> None:
    """Somebody's own route names one of the rejected edit's: it goes later, and the edit is tried as rarely as ever."""
    world = await _serving("a", "b")
    before = upstreams(world)
    world.cluster.apply(KEY, spec("a", "c", **REJECTED_PATH))
    await asyncio.sleep(0.5)
    (pinned,) = upstreams(world) - before
    theirs = ObjectRef(Kind.ROUTE, "theirs")
    world.gateway.write_past_us(theirs, {"uri": "/theirs", "upstream_id": pinned})
    await asyncio.sleep(10 * DRIFT_INTERVAL)
    assert upstreams(world) == {*before, pinned}
    assert tries(world) == 2
    del world.gateway.objects[theirs]
    await asyncio.sleep(20 * DRIFT_INTERVAL)
    assert upstreams(world) == before
    assert tries(world) == 2
    await asyncio.sleep(HALF_AN_HOUR)
    assert tries(world) == 3
    await world.stop()


@pytest.mark.parametrize(
    "scenario",
    [
        _edits_that_are_rejected_leave_nothing,
        _one_that_never_served_leaves_nothing,
        _one_that_was_in_doubt_leaves_nothing,
        _a_rare_try_leaves_nothing_either,
        _what_the_edit_before_left_goes_too,
        _an_invalid_edit_after_it_keeps_what_serves_alone,
        _a_restart_forgets_none,
        _the_same_spec_of_another_life_is_tried_at_once,
        _one_that_is_pinned_asks_for_no_try,
    ],
    ids=lambda scenario: scenario.__name__.strip("_"),
)
def test_what_no_route_names_goes(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    run_in_virtual_time(scenario())
