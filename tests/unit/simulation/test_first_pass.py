"""The first pass: writes to the gateway come first, and statuses do not compete with them."""

import asyncio

from echoroute.api.selection import Service
from echoroute.core.instances import Instance, State
from echoroute.core.objects import Key
from echoroute.engine.writer.gateway_lane import BULK
from echoroute.engine.writer.status_lane import HELD_AT_MOST

from .gateway import Fault
from .resolving import Consul
from .virtual_time import run_in_virtual_time
from .world import GOOD, SPECS, World

KEYS = [Key(f"team-{number % 5}", f"r{number}") for number in range(300)]
INSTANCES = (Instance("one", "echo", "10.0.0.1", "10.9.9.9", 80, State.PASSING),)


def _starting(follower: Consul | None) -> World:
    world = World.new()
    world.follower = follower
    for key in KEYS:
        world.cluster.apply(key, SPECS[GOOD](key))
    world.start()
    return world


def test_statuses_wait_until_it_is_known_whether_there_are_many_writes() -> None:
    """Before the first list of the gateway nothing is queued. Statuses that went then would meet the writes."""

    async def play() -> None:
        world = _starting(Consul())
        assert world.engine is not None
        await world.engine.lists.first.wait()
        await asyncio.sleep(0.001)
        world.engine.desired.service_answered(Service("echo"), INSTANCES)
        await asyncio.sleep(0.001)
        assert not world.writer.rounds.gateway_listed.is_set()
        assert world.writer.status.waiting == len(KEYS)
        while world.gateway.writes < len(KEYS) - 2 * BULK:
            assert world.cluster.patches == 0
            await asyncio.sleep(0.001)
        await asyncio.sleep(60)
        assert all(world.ready(key) == "True/Ready" for key in KEYS)
        await world.stop()

    run_in_virtual_time(play())


def test_statuses_wait_for_a_bulk_that_takes_long_but_not_till_its_end() -> None:
    async def play() -> None:
        world = _starting(None)
        world.gateway.lag = 0.8
        await asyncio.sleep(HELD_AT_MOST - 1)
        assert (world.gateway.writes > BULK, world.cluster.patches) == (True, 0)
        await asyncio.sleep(4)  # the first status was held when the first list had come, and a write was made
        assert world.gateway.writes < len(KEYS) - 2 * BULK
        assert world.cluster.patches > BULK
        await asyncio.sleep(60)
        assert world.cluster.patches == len(KEYS), "one patch tells all, as without a bulk"
        await world.stop()

    run_in_virtual_time(play())


def test_statuses_do_not_wait_where_there_is_nothing_to_write() -> None:
    async def play() -> None:
        world = _starting(Consul())
        await asyncio.sleep(60)
        await world.stop()
        for key in KEYS:
            world.cluster.apply(key, SPECS[GOOD](key) | {"enabled": True})
        world.follower = None
        world.start()
        await asyncio.sleep(5)
        assert all(world.ready(key) == "True/Ready" for key in KEYS)
        assert world.gateway.writes == len(KEYS)
        await world.stop()

    run_in_virtual_time(play())


def test_statuses_do_not_wait_for_a_gateway_that_is_away() -> None:
    async def play() -> None:
        world = _starting(Consul())
        world.gateway.fault = Fault.DOWN
        await asyncio.sleep(20)
        assert all(world.ready(key) == "False/GatewayUnreachable" for key in KEYS)
        await world.stop()

    run_in_virtual_time(play())
