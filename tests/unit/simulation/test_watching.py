"""The watch is started again when it ends; it counts as lost meanwhile, and as up once it has lasted."""

import asyncio
import logging

import pytest
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.engine.watching import PROVEN, Watching

from .virtual_time import run_in_virtual_time
from .world import GOOD, SPECS, World


def test_a_watch_that_ends_is_started_again_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        watching = Watching()
        away = True
        started = 0

        async def watch() -> None:
            nonlocal started
            started += 1
            if away:
                raise RuntimeError("403 Forbidden")
            await loop.create_future()

        keeping = asyncio.create_task(watching.keep(watch))
        await asyncio.sleep(300)
        assert not watching.up
        assert watching.error == "403 Forbidden"
        assert 10 <= started <= 25, "1 s, 2 s, 4 s, ... 30 s"
        assert watching.lost.is_set(), "what is missed is found by lists"
        assert [record.levelname for record in caplog.records] == ["ERROR"], "one line for one outage"
        away = False
        await asyncio.sleep(30)
        last = started
        await asyncio.sleep(PROVEN)
        assert watching.up
        assert not watching.lost.is_set()
        assert started == last
        assert caplog.records[-1].message == "EchoRoutes are watched again"
        keeping.cancel()
        await asyncio.wait([keeping])

    with caplog.at_level(logging.INFO):
        run_in_virtual_time(scenario())


def test_the_watch_does_not_wait_for_thousands_of_statuses() -> None:
    """A change of another team would wait as long; the watch finds it, and goes before what is written in bulk."""

    async def scenario() -> None:
        world = World.new()
        for number in range(200):
            key = Key("team", f"r{number}")
            world.cluster.apply(key, SPECS[GOOD](key))
        patch = world.cluster.patch_status

        async def slow(key: Key, uid: str, status: JsonObject) -> Seen:
            await asyncio.sleep(1.0)
            return await patch(key, uid, status)

        world.cluster.patch_status = slow  # type: ignore[method-assign]
        world.start()
        await asyncio.sleep(15)
        assert world.cluster.watches, "nobody watches yet"
        assert len(world.gateway.objects) == 200
        assert world.engine is not None
        assert world.engine.writer is not None
        assert world.engine.writer.status.waiting > 50, "all statuses are written: this test shows nothing"
        await world.stop()

    run_in_virtual_time(scenario())
