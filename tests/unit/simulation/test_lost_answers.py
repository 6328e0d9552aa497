"""A write that is made and whose answer is lost: what is wanted next must not be measured by what was there before."""

import asyncio
from collections.abc import Callable

from echoroute.api.objects import EchoRouteObject

from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import GOOD, KEYS, OTHER, SOON, SPECS, World, ref_of

KEY = KEYS[0]


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - the worlds have no events
        await asyncio.sleep(0.001)


async def _back_at_once() -> None:
    world = World.new()
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    await asyncio.sleep(5)
    world.gateway.fault = Fault.LOSES_ANSWERS
    world.cluster.apply(KEY, SPECS[OTHER](KEY))
    await _until(lambda: "enable_websocket" in world.gateway.objects[ref_of(KEY)].body)
    world.gateway.fault = Fault.NONE
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    generation = world.entry(KEY).generation
    await _until(
        lambda: EchoRouteObject.from_raw(world.cluster.objects[KEY]).status["observedGeneration"] == generation
    )
    assert world.ready(KEY) == "True/Ready"
    assert world.gateway.objects[ref_of(KEY)].body.get("enable_websocket") is None, "the status told what was not true"
    await world.stop()


def test_a_spec_that_is_taken_back_at_once_is_written_and_not_taken_for_what_is_there() -> None:
    run_in_virtual_time(_back_at_once())


async def _deleted_at_once() -> None:
    world = World.new()
    world.start()
    await asyncio.sleep(5)
    world.gateway.fault = Fault.LOSES_ANSWERS
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    await _until(lambda: ref_of(KEY) in world.gateway.objects)
    world.gateway.fault = Fault.NONE
    world.cluster.delete(KEY)
    await asyncio.sleep(SOON)
    assert ref_of(KEY) not in world.gateway.objects, "it went by its delete event, and not as an orphan much later"
    await world.stop()


def test_what_is_created_and_deleted_at_once_is_found_by_its_deletion() -> None:
    run_in_virtual_time(_deleted_at_once())


async def _created_again_at_once() -> None:
    world = World.new()
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    await asyncio.sleep(5)
    world.gateway.fault = Fault.LOSES_ANSWERS
    world.cluster.delete(KEY)
    await _until(lambda: ref_of(KEY) not in world.gateway.objects)
    world.gateway.fault = Fault.NONE
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    await asyncio.sleep(SOON)
    assert ref_of(KEY) in world.gateway.objects, "it is written again, and not first in the next round"
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


def test_what_is_deleted_and_created_again_at_once_is_not_taken_for_there() -> None:
    run_in_virtual_time(_created_again_at_once())
