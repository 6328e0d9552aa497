"""The fence: until when this process may change something, and a connector that asks it last.

A leader that was frozen (SIGSTOP, no CPU, a suspended machine) wakes up in the middle of what it did, and another one
leads by then. So its right to write ends by a clock that goes on meanwhile, and that clock is read when the connection
is had: nothing is waited for between there and the first byte. Middlewares run up to the connect timeout earlier.
"""

import asyncio
import math
import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import aiohttp

from echoroute.errors import NotLeading

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

READS: Final = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""

KEEPALIVE: Final = 20.0
"""Seconds: idle connections are closed by us before the server does; nginx, and APISIX with it, closes after 60 s."""

LONGEST_LEASE: Final = 300.0
"""Seconds for which a replica may be set to hold the Lease; whatever names a longer time is no replica of ours."""

_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Seconds, only growing, where the system has such a clock also while the machine is suspended."""
    return time.clock_gettime(_BOOT_CLOCK)


class Fence:
    """Closed until it is opened. A process has one, which all its writes ask."""

    def __init__(self, clock: Callable[[], float] = boot_time) -> None:
        self._clock = clock
        self._until = -math.inf

    def open(self, until: float = math.inf) -> None:
        """Let writes pass until then, by the fence's clock."""
        self._until = until

    def close(self) -> None:
        """Let no write pass."""
        self._until = -math.inf

    @property
    def is_open(self) -> bool:
        return self._clock() < self._until


class FencedConnector(aiohttp.TCPConnector):
    """Gives a connection for a write only while the fence is open (None: always), for a second try as for the first.

    Idle connections are too old by a clock that goes on in a freeze, too: the server has closed them meanwhile, and of
    a write that is sent on one nobody knows whether it was made.
    """

    def __init__(self, fence: Fence | None, *, limit: int, context: ssl.SSLContext | None) -> None:
        super().__init__(limit=limit, keepalive_timeout=KEEPALIVE, ssl=context if context is not None else True)
        self._fence = fence
        self._given: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: "list[Trace]", timeout: aiohttp.ClientTimeout
    ) -> "Connection":
        """Raises `NotLeading` where the request would change something and the fence is closed."""
        connection = await super().connect(req, traces, timeout)
        while self._is_stale(connection):
            connection.close()
            connection = await super().connect(req, traces, timeout)
        if self._fence is not None and req.method not in READS and not self._fence.is_open:
            connection.release()
            raise NotLeading
        return connection

    def _is_stale(self, connection: "Connection") -> bool:
        transport, now = connection.transport, boot_time()
        if transport is None:
            return False
        given, self._given[transport] = self._given.get(transport, now), now
        return now - given > KEEPALIVE
