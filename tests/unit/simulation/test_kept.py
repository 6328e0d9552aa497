"""What is kept: an EchoRoute that cannot be used leaves in the gateway what is there, and says what that is."""

import asyncio

from echoroute.api.objects import EchoRouteObject

from .gateway import Fault
from .test_convergence import DENIED, DRIFT_INTERVAL, GOOD, INVALID, KEYS, SPECS, World, ref_of
from .virtual_time import run_in_virtual_time

KEY = KEYS[0]


def programmed(world: World) -> str:
    """The message of the condition Programmed."""
    conditions = EchoRouteObject.from_raw(world.cluster.objects[KEY]).status["conditions"]
    assert isinstance(conditions, list)
    return next(str(item["message"]) for item in conditions if isinstance(item, dict) and item["type"] == "Programmed")


async def _kept(kind: str = INVALID) -> World:
    world = World.new()
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    await asyncio.sleep(2.0)
    world.cluster.apply(KEY, SPECS[kind](KEY))
    await asyncio.sleep(3.0)
    return world


def test_the_status_says_whether_the_last_good_generation_is_there() -> None:
    async def play() -> None:
        world = await _kept()
        assert programmed(world) == "the last good generation stays in the gateway"
        gone = world.gateway.objects.pop(ref_of(KEY))
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert programmed(world) == "nothing serves: the gateway holds nothing of this EchoRoute"
        assert ref_of(KEY) not in world.gateway.objects, "hands off"
        world.gateway.write_past_us(ref_of(KEY), gone.body)
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert programmed(world) == "the last good generation stays in the gateway"
        await world.stop()

    run_in_virtual_time(play())


def test_a_restart_does_not_say_it_again_in_other_words() -> None:
    async def play() -> None:
        for kind, there in ((INVALID, True), (INVALID, False), (DENIED, False)):
            world = await _kept(kind)
            if not there:
                world.gateway.objects.clear()
                await asyncio.sleep(DRIFT_INTERVAL + 1)
            await world.stop()
            patches = world.cluster.patches
            world.gateway.fault = Fault.DOWN
            world.start()
            await asyncio.sleep(DRIFT_INTERVAL)
            world.gateway.fault = Fault.NONE
            await asyncio.sleep(2 * DRIFT_INTERVAL)
            assert world.cluster.patches == patches, f"{kind}, in the gateway: {there}"
            await world.stop()

    run_in_virtual_time(play())
