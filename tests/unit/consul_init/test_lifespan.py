"""The lifespan composes with an application's own; the context managers; one keeper for one instance."""

import asyncio
import logging
import os
import secrets
import signal
import time
from contextlib import asynccontextmanager

import pytest
from consul_init import Registered, Settings, SettingsError, consul_lifespan
from consul_init.leaving import in_daemon_thread
from fastapi import FastAPI
from starlette.applications import Starlette


@pytest.fixture
def settings(scripted):
    """A factory of settings; each has its own Consul, whose requests are in `events`."""

    def make(events: list[str], **variables: str) -> Settings:
        def reply(seen):
            events.append("deregistered" if "/deregister/" in seen.path else "registered")
            return (404, "")

        server = scripted(reply)
        base = {
            "SERVICE_NAME": "echo",
            "SERVICE_PORT": "8000",
            "SERVICE_ADDRESS": "127.0.0.1",
            "SERVICE_DRAIN": "100ms",
            "CONSUL_HTTP_ADDR": f"127.0.0.1:{server.port}",
            "CONSUL_INIT_SOCKET": f"@{secrets.token_hex(8)}",
        }
        return Settings.from_env({**base, **variables})

    return make


def without_repetition(events: list[str]) -> list[str]:
    return [each for index, each in enumerate(events) if index == 0 or events[index - 1] != each]


async def until(events: list[str], event: str) -> None:
    async with asyncio.timeout(30):
        while event not in events:  # noqa: ASYNC110 - filled by threads
            await asyncio.sleep(0.01)


def own_lifespan(events: list[str]):
    @asynccontextmanager
    async def lifespan(_app):
        events.append("application starts")
        yield {"database": 1}
        events.append("application ends")

    return lifespan


@pytest.mark.parametrize("framework", [Starlette, FastAPI])
async def test_around_the_applications_own_lifespan(framework, settings):
    """It must not be in Consul before it can serve, nor need its resources while it leaves."""
    events: list[str] = []
    app = framework(lifespan=consul_lifespan(own_lifespan(events), settings=settings(events)))
    async with app.router.lifespan_context(app) as state:
        assert state == {"database": 1}
        await until(events, "registered")
    assert without_repetition(events) == ["application starts", "registered", "deregistered", "application ends"]


@pytest.mark.parametrize("framework", [Starlette, FastAPI])
async def test_alone(framework, settings):
    events: list[str] = []
    app = framework(lifespan=consul_lifespan(settings=settings(events)))
    async with app.router.lifespan_context(app) as state:
        assert state is None or state == {}
        await until(events, "registered")
    assert without_repetition(events) == ["registered", "deregistered"]


async def test_deregisters_when_the_application_fails(settings):
    events: list[str] = []
    app = Starlette(lifespan=consul_lifespan(settings=settings(events)))

    async def serve_and_fail() -> None:
        async with app.router.lifespan_context(app):
            await until(events, "registered")
            raise RuntimeError("bind failed")

    with pytest.raises(RuntimeError, match="bind failed"):
        await serve_and_fail()
    assert events[-1] == "deregistered"


async def test_a_missing_variable_ends_the_startup_with_its_name_in_one_line(monkeypatch, caplog):
    monkeypatch.delenv("SERVICE_NAME", raising=False)
    app = Starlette(lifespan=consul_lifespan())
    with pytest.raises(SettingsError, match="SERVICE_NAME is not set"):
        async with app.router.lifespan_context(app):
            pytest.fail("started")
    assert [record.getMessage() for record in caplog.records] == [
        "cannot start: SERVICE_NAME is not set: the name of the service in Consul"
    ]


async def test_the_event_loop_is_not_blocked_while_leaving(settings):
    """The server answers during the drain, on the same loop."""
    events: list[str] = []
    async with Registered(settings(events, SERVICE_DRAIN="1s"), handle_signals=False) as registered:
        leaving = asyncio.create_task(registered.leave_async())
        ticks = 0
        while not leaving.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert await leaving is True
        assert ticks > 5


async def test_a_failure_while_leaving_is_raised_and_hangs_nothing():
    def fail() -> None:
        raise OSError("no space left")

    async with asyncio.timeout(30):
        with pytest.raises(OSError, match="no space left"):
            await in_daemon_thread(fail)


def test_sync(settings):
    events: list[str] = []
    with Registered(settings(events), handle_signals=False) as registered:
        began = time.monotonic()
        assert registered.leave() is True
        assert time.monotonic() - began >= 0.1
        assert registered.leave() is True
    assert events.count("deregistered") == 1


async def test_a_loops_own_handler_that_came_later_is_told_and_what_still_serves_drains(settings, caplog):
    """The usual shape of grpc.aio, aiokafka and raw asyncio servers, which replaces our handler without a word."""
    events: list[str] = []
    stop = asyncio.Event()
    loop, before = asyncio.get_running_loop(), signal.getsignal(signal.SIGINT)
    async with Registered(settings(events, SERVICE_DRAIN="400ms")):
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        asked = time.monotonic()
    assert time.monotonic() - asked > 0.4
    loop.remove_signal_handler(signal.SIGTERM)
    (told,) = [record for record in caplog.records if "another handler" in record.getMessage()]
    assert told.levelno == logging.ERROR
    assert "SIGTERM was given another handler" in told.getMessage()
    assert "handle_signals=False" in told.getMessage()
    assert signal.getsignal(signal.SIGINT) == before


def test_switched_off(settings, caplog):
    caplog.set_level(logging.INFO)
    events: list[str] = []
    with Registered(settings(events, SERVICE_REGISTER="false")) as registered:
        assert registered.leave() is True
    assert events == []
    assert "SERVICE_REGISTER is false" in caplog.text
