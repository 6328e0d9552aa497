"""What the gateway rejected is asked for again: rarely, and once when it comes back. No try in vain costs a patch."""

import asyncio

import pytest
from echoroute.core.objects import Key
from echoroute.engine.writer.rejected import INTERVAL

from .gateway import Fault
from .test_convergence import DRIFT_INTERVAL, GOOD, OTHER, REFUSED_BY_GATEWAY, SPECS, World, ref_of
from .test_outages import most_in
from .virtual_time import run_in_virtual_time

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
