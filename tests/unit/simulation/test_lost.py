"""A route that was confirmed is lost in the gateway, and its object alone is not taken again: its status says so."""

import asyncio

import pytest
from echoroute.core.objects import JsonObject, Key, Kind
from echoroute.engine.writer.leftovers import WAIT

from .gateway import REFUSED, Fault
from .test_kept import condition
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, World, ref_of, spec_of

LOST = Key("shop", "lost")
OTHERS = [Key("shop", f"r{number}") for number in range(4)]


async def _settled() -> World:
    world = World.new()
    for key in (LOST, *OTHERS):
        world.cluster.apply(key, spec_of(f"/{key.name}"))
    world.start()
    await asyncio.sleep(5)
    assert said(world) == {"True/Programmed"}
    world.cluster.patches = 0
    return world


def said(world: World, *keys: Key) -> set[str]:
    return {"/".join(condition(world, key, "Programmed")[:2]) for key in keys or (LOST, *OTHERS)}


def lose(world: World, *keys: Key) -> None:
    for key in keys or (LOST,):
        del world.gateway.objects[ref_of(key)]


@pytest.mark.parametrize("restarts", [False, True], ids=["while it runs", "while it does not"])
def test_it_is_said_what_is_wrong_until_the_gateway_takes_it(restarts: bool) -> None:
    async def play() -> None:
        world = await _settled()
        if restarts:
            await world.stop()
        lose(world)
        world.gateway.stuck = {ref_of(LOST)}
        if restarts:
            world.start()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        status, reason, message = condition(world, LOST, "Programmed")
        assert (status, reason) == ("False", "GatewayUnreachable")
        assert message == "the gateway holds no route of this EchoRoute, and does not take it: HTTP 503"
        assert world.ready(LOST) == "False/GatewayUnreachable"
        assert said(world, *OTHERS) == {"True/Programmed"}
        await asyncio.sleep(10 * DRIFT_INTERVAL)
        assert world.cluster.patches == 1, "it is said once"
        world.gateway.stuck = set()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        assert said(world) == {"True/Programmed"}
        assert world.cluster.patches == 2
        assert ref_of(LOST) in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())


def test_a_restart_says_the_same() -> None:
    async def play() -> None:
        world = await _settled()
        lose(world)
        world.gateway.stuck = {ref_of(LOST)}
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        await world.stop()
        world.cluster.patches = 0
        world.start()
        await asyncio.sleep(5 * DRIFT_INTERVAL)
        assert said(world, LOST) == {"False/GatewayUnreachable"}
        assert world.cluster.patches == 0
        await world.stop()

    run_in_virtual_time(play())


def test_a_rejection_is_said_too() -> None:
    async def play() -> None:
        world = await _settled()
        world.gateway.lenient = True
        world.cluster.apply(LOST, spec_of(f"{REFUSED}/lost"))
        await asyncio.sleep(2)
        assert said(world) == {"True/Programmed"}
        world.gateway.lenient = False
        lose(world)
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert said(world, LOST) == {"False/GatewayRejected"}
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("seconds", [0.0, 1.0, 5.0])
def test_drift_that_is_mended_within_moments_is_not_said(seconds: float) -> None:
    async def play() -> None:
        world = await _settled()
        lose(world)
        world.gateway.stuck = {ref_of(LOST)}
        while not any(ref == ref_of(LOST) and at > 6 for at, ref in world.gateway.tried):  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.1)
        await asyncio.sleep(seconds)
        world.gateway.stuck = set()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert ref_of(LOST) in world.gateway.objects
        assert world.cluster.patches == 0
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("fault", [Fault.DOWN, Fault.UNAUTHORIZED, Fault.REFUSES_WRITES, Fault.LOSES_ANSWERS])
@pytest.mark.parametrize("lost", [[LOST], [LOST, *OTHERS]], ids=["one", "all"])
def test_an_outage_of_the_gateway_unsays_nothing(fault: Fault, lost: list[Key]) -> None:
    """Where all writes fail, and one is to be made, nobody can tell that from a failure of its object."""

    async def play() -> None:
        world = await _settled()
        lose(world, *lost)
        world.gateway.fault = fault
        await asyncio.sleep(10 * DRIFT_INTERVAL)
        is_its_own = fault is Fault.REFUSES_WRITES and lost == [LOST]
        assert said(world) == {"True/Programmed"} | ({"False/GatewayUnreachable"} if is_its_own else set())
        world.gateway.fault = Fault.NONE
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        assert said(world) == {"True/Programmed"}
        assert world.cluster.patches == 2 * is_its_own
        await world.stop()

    run_in_virtual_time(play())


def test_what_an_outage_has_left_to_be_written_is_not_said_when_it_ends() -> None:
    async def play() -> None:
        world = await _settled()
        lose(world, LOST, *OTHERS)
        world.gateway.fault, world.gateway.stuck = Fault.REFUSES_WRITES, set()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        world.gateway.fault, world.gateway.lag = Fault.NONE, 20.0
        await asyncio.sleep(10 * DRIFT_INTERVAL)
        assert said(world) == {"True/Programmed"}
        assert world.cluster.patches == 0
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("before", [0.1, 0.3, 0.6, 0.9, 2.0])
def test_what_was_never_there_is_not_called_lost(before: float) -> None:
    """A new EchoRoute whose object alone is not taken, applied shortly before a round lists the gateway."""

    async def play() -> None:
        world = await _settled()
        new = Key("shop", "new")
        world.gateway.stuck = {ref_of(new)}
        lists = len(world.gateway.listed)
        while len(world.gateway.listed) == lists:  # noqa: ASYNC110 - no events here
            await asyncio.sleep(0.01)
        await asyncio.sleep(DRIFT_INTERVAL - before)
        world.cluster.apply(new, spec_of("/new"))
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        status, reason, message = condition(world, new, "Programmed")
        assert (status, reason) == ("False", "GatewayUnreachable")
        assert "lost" not in message
        assert message.endswith("HTTP 503")
        await world.stop()

    run_in_virtual_time(play())


def test_a_removal_that_fails_says_nothing_of_the_route() -> None:
    """Its Route is deleted by hand meanwhile, and written again: nobody had refused to take it."""

    async def play() -> None:
        world = await _settled()
        world.cluster.apply(LOST, _of_services("a", "b"))
        await asyncio.sleep(2)
        (left,) = (ref for ref in world.gateway.objects if ref.kind is Kind.UPSTREAM)
        world.gateway.stuck = {left}
        world.cluster.apply(LOST, _of_services("a"))
        await asyncio.sleep(2 * WAIT)
        assert world.gateway.tried[-1][1] == left, "it is tried, and fails"
        told: set[str] = set()
        for number, lag in enumerate((0.0, 1.0, 1.0, 1.0)):
            # The gateway can be used, as another one's write shows: what fails is the fault of its object.
            world.cluster.apply(OTHERS[0], spec_of(f"/other-{number}"))
            await asyncio.sleep(70)
            world.gateway.lag = lag
            lose(world)
            async with asyncio.timeout(20 * DRIFT_INTERVAL):  # slow lists are rare ones
                while ref_of(LOST) not in world.gateway.objects or told == set():
                    await asyncio.sleep(0.1)
                    told |= said(world, LOST)
            await asyncio.sleep(5)
            told |= said(world, LOST)
        assert told == {"True/Programmed"}
        await world.stop()

    run_in_virtual_time(play())


def _of_services(*names: str) -> JsonObject:
    return {"match": {"paths": ["/lost"]}, "backends": [{"service": name} for name in names]}
