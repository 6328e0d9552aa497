"""What fails apart: writes without reads, lists without writes, one object alone. None of it is a busy loop."""

import asyncio

import pytest
from echoroute.core.objects import Key, ObjectRef

from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, OTHER, SPECS, World, ref_of

KEYS = [Key(namespace, f"r{number}") for namespace in ("shop", "lab") for number in range(20)]


async def _settled(keys: list[Key]) -> World:
    world = World.new()
    for key in keys:
        world.cluster.apply(key, SPECS[GOOD](key))
    world.start()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert len(world.gateway.objects) == len(keys)
    return world


def most_in(times: list[float], seconds: float) -> int:
    return max((sum(start <= time < start + seconds for time in times) for start in times), default=0)


def since(tried: list[tuple[float, ObjectRef]], start: float) -> int:
    return sum(time >= start for time, _ in tried)


async def _writes_refused() -> None:
    world = await _settled(KEYS)
    gateway, began = world.gateway, world.gateway.now()
    gateway.fault = Fault.REFUSES_WRITES
    for key in KEYS:
        world.cluster.apply(key, SPECS[OTHER](key))
    await asyncio.sleep(60)
    assert since(gateway.tried, began) <= 30
    assert sum(time >= began for time in gateway.listed) <= 6
    assert world.ready(KEYS[0]) == "False/GatewayUnreachable"
    gateway.fault = Fault.NONE
    await asyncio.sleep(10)
    assert all("enable_websocket" in gateway.objects[ref_of(key)].body for key in KEYS), "back within 10 s"
    assert {world.ready(key) for key in KEYS} == {"True/Ready"}
    await world.stop()


def test_refused_writes_beside_reads_that_work_are_tried_one_at_a_time() -> None:
    run_in_virtual_time(_writes_refused())


async def _retry_after() -> None:
    world = await _settled(KEYS[:5])
    gateway, began = world.gateway, world.gateway.now()
    gateway.fault, gateway.retry_after = Fault.REFUSES_WRITES, 30.0
    for key in KEYS[:5]:
        world.cluster.apply(key, SPECS[OTHER](key))
    await asyncio.sleep(1)
    first = since(gateway.tried, began)
    await asyncio.sleep(28)
    assert since(gateway.tried, began) == first, "Retry-After says when"
    await asyncio.sleep(3)
    assert since(gateway.tried, began) == first + 1, "and then one write finds out"
    await world.stop()


def test_a_refused_write_honours_retry_after() -> None:
    run_in_virtual_time(_retry_after())


async def _one_stuck(number: int) -> None:
    world = await _settled(KEYS)
    gateway, stuck = world.gateway, KEYS[:number]
    gateway.stuck = {ref_of(key) for key in stuck}
    patches, lists = world.cluster.patches, len(gateway.listed)
    for key in stuck:
        world.cluster.apply(key, SPECS[OTHER](key))
    await asyncio.sleep(20)
    for key in KEYS[30:]:
        began = gateway.now()
        world.cluster.apply(key, SPECS[OTHER](key))
        while "enable_websocket" not in gateway.objects[ref_of(key)].body:  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.01)
        took = gateway.now() - began
        assert took < 0.5 or (number > 1 and key == KEYS[30] and took < 8.0), f"{key} waited {took:.1f} s for others"
        await asyncio.sleep(7)
    lasted = 20 + 70
    assert len(gateway.listed) - lists <= lasted / DRIFT_INTERVAL + 1
    for key in stuck:
        assert sum(ref == ref_of(key) for _, ref in gateway.tried) <= 16, "it backs off"
        assert world.ready(key) == "False/GatewayUnreachable"
    assert world.cluster.patches - patches <= number + 10 + 2
    gateway.stuck.clear()
    await asyncio.sleep(90)
    assert {world.ready(key) for key in KEYS} == {"True/Ready"}
    await world.stop()


@pytest.mark.parametrize("number", [1, 6])
def test_objects_that_are_always_refused_back_off_alone(number: int) -> None:
    """With several it takes one write of another to see that it is their own fault; from then on nobody waits."""
    run_in_virtual_time(_one_stuck(number))


async def _lists_fail() -> None:
    world = await _settled(KEYS)
    gateway = world.gateway
    gateway.fault, began = Fault.REFUSES_LISTS, gateway.now()
    for key in KEYS[:10]:
        await asyncio.sleep(30)
        world.cluster.apply(key, SPECS[OTHER](key))
        await asyncio.sleep(1)
        assert world.ready(key) == "True/Ready", "a list that fails does not stop writes"
    assert world.engine is not None
    assert world.writer.gate.is_open
    assert "no complete list" in world.writer.rounds.listing.message
    times = [time for time in gateway.listed if time >= began]
    assert most_in(times, 10.0) == 1
    gateway.fault = Fault.NONE
    del gateway.objects[ref_of(KEYS[20])]
    await asyncio.sleep(DRIFT_INTERVAL + 1)
    assert ref_of(KEYS[20]) in gateway.objects, "drift is mended as soon as lists work"
    assert world.writer.rounds.listing.message == ""
    await world.stop()


def test_a_list_that_fails_beside_a_probe_that_works_puts_off_rounds_alone() -> None:
    run_in_virtual_time(_lists_fail())


async def _first_list_fails() -> None:
    world = World.new()
    world.gateway.fault = Fault.REFUSES_LISTS
    world.cluster.apply(KEYS[0], SPECS[GOOD](KEYS[0]))
    world.start()
    await asyncio.sleep(120)
    assert world.gateway.tried == [], "nothing is written before it is known what is there"
    assert world.ready(KEYS[0]) == "False/GatewayUnreachable", "and the status says why"
    assert most_in(world.gateway.listed, 10.0) == 1
    world.gateway.fault = Fault.NONE
    await asyncio.sleep(DRIFT_INTERVAL + 1)
    assert world.ready(KEYS[0]) == "True/Ready"
    await world.stop()


def test_a_first_list_that_fails_is_an_outage() -> None:
    run_in_virtual_time(_first_list_fails())


@pytest.mark.parametrize("fault", list(Fault))
def test_no_fault_is_a_busy_loop(fault: Fault) -> None:
    """Whatever fails, by itself, coming and going, or at the start: one full list in 10 s at most, and few tries."""

    async def play() -> None:
        world = await _settled(KEYS[:12])
        gateway = world.gateway
        for turn in range(20):
            gateway.fault = fault if turn % 2 == 0 else Fault.NONE
            for key in KEYS[:12]:
                world.cluster.apply(key, SPECS[OTHER if turn % 4 < 2 else GOOD](key))
            await asyncio.sleep(3.0)
        assert most_in(gateway.listed, 10.0) <= 1
        assert len(gateway.tried) < 20 * 12 * 3
        await world.heal()
        assert {world.ready(key) for key in KEYS[:12]} == {"True/Ready"}
        await world.stop()
        gateway.fault, gateway.listed = fault, []
        world.start()
        await asyncio.sleep(100)
        assert most_in(gateway.listed, 10.0) <= 1
        await world.stop()

    run_in_virtual_time(play())
