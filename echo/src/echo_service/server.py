"""A uvicorn server of our own, so that it stops when we say so: register, serve, signal, deregister, drain, exit."""

import asyncio
import logging
import math
import os
import signal
import socket
import time
from dataclasses import replace
from types import FrameType

import uvicorn
from consul_init import LEAVE_BUDGET, Registered, Settings

from echo_service.app import create_app
from echo_service.settings import EchoSettings

_log = logging.getLogger("echo_service")

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


# Seconds within which a second signal is the same wish, as with consul_init's own handlers.
_SAME_WISH = 1.0


class Server(uvicorn.Server):
    """The first stop signal only sets `stop_asked`; the second stops uvicorn without waiting for the drain."""

    def __init__(self, config: uvicorn.Config, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(config)
        self.stop_asked = asyncio.Event()
        self._loop = loop
        self._asked_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by Python in the main thread, between any two instructions of the loop."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self._loop.call_soon_threadsafe(self.stop_asked.set)
        elif time.monotonic() - self._asked_at > _SAME_WISH:
            super().handle_exit(sig, frame)


async def serve(settings: EchoSettings) -> None:
    """Run until told to stop by a signal. Raises SettingsError, and OSError when the port cannot be had."""
    listener = _listen(settings)
    host, port = listener.getsockname()[:2]
    registered = Registered(_registration_settings(settings, host, port), handle_signals=False)
    limits = registered.settings
    app = create_app(settings, registered.registration, registers=limits.enabled)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_seconds_for_open_requests(limits),
    )
    server = Server(config, asyncio.get_running_loop())
    for each in limits.stop_signals:
        signal.signal(each, server.handle_exit)  # uvicorn itself knows SIGTERM and SIGINT only
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.sleep(0)  # from here on it handles signals: none may end us between registering and that
    async with registered:
        stop_asked = asyncio.create_task(server.stop_asked.wait())
        _log.info("%s version %s listens on %s port %d", settings.name, settings.version, host, port)
        await asyncio.wait({serving, stop_asked}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            leaving = asyncio.create_task(registered.leave_async())
            await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
        stop_asked.cancel()
        await serving


def _seconds_for_open_requests(settings: Settings) -> int:
    """What is left of the stop timeout, and never 0: then uvicorn would cut them off at once."""
    return math.ceil(settings.stop_timeout - settings.drain - LEAVE_BUDGET)


def _registration_settings(settings: EchoSettings, host: str, port: int) -> Settings:
    """consul_init's settings, with the port that was really bound, and the address unless the environment has one."""
    found = Settings.from_env({**os.environ, "SERVICE_NAME": settings.name, "SERVICE_PORT": str(port)})
    if settings.bind in _EVERYWHERE:
        return found
    if found.address is None:
        return replace(found, address=host, address_variable="ECHO_BIND")
    if found.address != host:
        _log.warning(
            "%s is %s, but the service listens on %s only: set ECHO_BIND=0.0.0.0",
            found.address_variable,
            found.address,
            host,
        )
    return found


def _listen(settings: EchoSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    # `::` is both, as 0.0.0.0 beside it suggests, where the system has both.
    both = settings.bind == "::" and socket.has_dualstack_ipv6()
    listener = socket.create_server((settings.bind, settings.port), family=family, backlog=2048, dualstack_ipv6=both)
    # Connections inherit it. asyncio sees to it only where the socket names its protocol, and this one does not: then
    # the body of an answer waits 40 ms for its head to be acknowledged (Nagle's algorithm, delayed acknowledgements).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
