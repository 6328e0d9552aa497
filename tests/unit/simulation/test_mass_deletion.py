"""`kubectl delete er --all` and the deletion of a namespace meet no brake, however late the events come."""

import asyncio

import pytest
from echoroute.core.objects import Key

from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, SPECS, World

KEYS = [Key(f"team-{number % 5}", f"r{number}") for number in range(40)]


async def _deleted(when: float, event_delay: float, *, lost: bool = False) -> World:
    world = World.new()
    for key in KEYS:
        world.cluster.apply(key, SPECS[GOOD](key))
    world.start()
    await asyncio.sleep(when)
    world.cluster.event_delay, world.cluster.losing_events = event_delay, lost
    for key in KEYS:
        world.cluster.delete(key)
        await asyncio.sleep(0.01)
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    return world


@pytest.mark.parametrize("event_delay", [0.0, 0.05, 1.0, 15.0])
@pytest.mark.parametrize("when", [29.7, 45.0], ids=["around a list", "between lists"])
def test_late_events_explain_deletions(when: float, event_delay: float) -> None:
    async def play() -> None:
        world = await _deleted(when, event_delay)
        assert world.engine is not None
        assert world.writer.rounds.held is None
        assert world.gateway.objects == {}
        assert world.engine.desired.store._ended == {}, "nothing is kept of what is gone"
        await world.stop()

    run_in_virtual_time(play())


def test_what_goes_before_the_watch_has_begun_is_explained_too() -> None:
    async def play() -> None:
        world = await _deleted(0.001, 0.0, lost=True)
        assert world.gateway.objects == {}
        await world.stop()

    run_in_virtual_time(play())


def test_what_goes_while_events_are_lost_is_held() -> None:
    """The other way round: these are what the brake is for."""

    async def play() -> None:
        world = await _deleted(45.0, 0.0, lost=True)
        assert world.engine is not None
        assert "40 EchoRoutes that went without a delete event are held" in str(world.writer.rounds.held)
        assert len(world.gateway.objects) == 40
        await world.stop()

    run_in_virtual_time(play())
