"""That statuses cannot be written is said until they can: what only waits has not been written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from echoroute.api.objects import EchoRouteObject
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.errors import SourceError

from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import GOOD, INVALID, KEYS, OTHER, SPECS, World, ref_of

KEY = KEYS[0]


@asynccontextmanager
async def _forbidden(world: World) -> AsyncIterator[None]:
    """A world that runs, in which statuses cannot be written."""

    async def refuse(key: Key, uid: str, status: JsonObject) -> Seen:
        raise SourceError("forbidden", status=403)

    world.cluster.patch_status = refuse  # type: ignore[method-assign]
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    await asyncio.sleep(1)
    yield
    await world.stop()


async def _odd_answer(status: int, *, times: int) -> World:
    """A world in which the first patches get an answer that mostly means that the EchoRoute is gone."""
    world, left = World.new(), times
    patch = world.cluster.patch_status

    async def refuse(key: Key, uid: str, body: JsonObject) -> Seen:
        nonlocal left
        left -= 1
        if left >= 0:
            raise SourceError("not this time", status=status)
        return await patch(key, uid, body)

    world.cluster.patch_status = refuse  # type: ignore[method-assign]
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    return world


@pytest.mark.parametrize("status", [404, 409])
def test_a_patch_is_tried_again_as_long_as_its_route_is_known(status: int) -> None:
    async def play() -> None:
        world = await _odd_answer(status, times=1)
        await asyncio.sleep(0.4)
        assert _trouble(world) == "", "it may be gone, and the watch about to say so"
        await asyncio.sleep(2.0)
        assert world.ready(KEY) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("status", [404, 409])
def test_a_patch_that_never_finds_its_route_is_trouble(status: int) -> None:
    async def play() -> None:
        world = await _odd_answer(status, times=1_000)
        await asyncio.sleep(60.0)
        assert "not this time" in _trouble(world)
        world.cluster.delete(KEY)
        await asyncio.sleep(60.0)
        assert _trouble(world) == ""
        await world.stop()

    run_in_virtual_time(play())


def _trouble(world: World) -> str:
    assert world.engine is not None
    return world.writer.status.writing.message


async def _waits_for_the_gateway() -> None:
    world = World.new()
    async with _forbidden(world):
        assert "forbidden" in _trouble(world)
        world.gateway.fault = Fault.DOWN
        world.cluster.apply(KEY, SPECS[OTHER](KEY))
        for _ in range(300):
            await asyncio.sleep(0.01)
            assert "forbidden" in _trouble(world), "nothing was written since"


def test_a_status_that_waits_for_the_gateway_is_not_written() -> None:
    run_in_virtual_time(_waits_for_the_gateway())


async def _goes_with_its_route() -> None:
    world = World.new()
    async with _forbidden(world):
        world.gateway.fault = Fault.DOWN
        world.cluster.apply(KEY, SPECS[OTHER](KEY))
        world.cluster.remove_crd()
        await asyncio.sleep(1)
        assert _trouble(world) == "", "nobody waits for it any more"


def test_a_status_whose_route_is_gone_is_owed_no_more() -> None:
    run_in_virtual_time(_goes_with_its_route())


def test_a_status_that_the_api_server_refuses_is_told_once_and_the_route_serves(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As a Kubernetes before ratcheting answers, once a newer CRD does not allow the spec that is stored."""

    async def play() -> None:
        world = await _odd_answer(422, times=1_000)
        await asyncio.sleep(500.0)
        assert ref_of(KEY) in world.gateway.objects, "the route serves"
        assert len([line for line in caplog.messages if "not this time" in line]) == 1
        assert len([line for line in caplog.messages if str(KEY) in line]) == 1
        await world.stop()

    run_in_virtual_time(play())


def test_an_answer_that_is_not_as_computed_is_looked_at_once_more() -> None:
    """Somebody else, or a backup, has put a field into it meanwhile, which the patch does not know to remove."""

    async def play() -> None:
        world = World.new()
        patch = world.cluster.patch_status

        async def with_a_field(key: Key, uid: str, body: JsonObject) -> Seen:
            world.cluster.patch_status = patch  # type: ignore[method-assign]
            await patch(key, uid, {"programmedGeneration": 7})
            return await patch(key, uid, body)

        world.cluster.patch_status = with_a_field  # type: ignore[method-assign]
        world.cluster.apply(KEY, SPECS[INVALID](KEY))
        world.start()
        await asyncio.sleep(5)
        assert world.ready(KEY) == "False/Invalid"
        assert "programmedGeneration" not in EchoRouteObject.from_raw(world.cluster.objects[KEY]).status
        assert world.cluster.patches == 3
        await world.stop()

    run_in_virtual_time(play())
