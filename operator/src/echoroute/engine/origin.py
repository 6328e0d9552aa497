"""Reads of the place that EchoRoutes come from (the CRD, or the folder): without a fresh one nothing is deleted.

What it was at the start is known for as long as the process lives, so that a standby that takes over knows it, too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from echoroute.core.source import Origin
from echoroute.errors import SourceError, without_values
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

SPACING = 1.0
"""Seconds between two reads: one serves all deletions that wait for it."""


@dataclass(frozen=True, slots=True)
class OriginRead:
    """One answer: which read it was, and what it found."""

    number: int
    origin: Origin | None

    @property
    def stands(self) -> bool:
        return self.origin is not None and self.origin.stands


class OriginReader:
    """`last` is the newest answer; `clock` gives seconds, and only grows."""

    def __init__(self, read: Callable[[], Awaitable[Origin | None]], clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._began = float("-inf")
        self.begun = 0
        """How many reads were begun."""
        self.last = OriginRead(number=0, origin=None)
        self.first = ""
        """The identity first seen to stand: what comes in its place is in doubt as long as the operator runs."""
        self.reading = Trouble("origin", "nothing is deleted from the gateway", "deletions go on")

    async def read(self) -> Origin | None:
        """Read it now; None where it is missing or does not stand. Raises `SourceError`."""
        self.begun += 1
        number, self._began = self.begun, self._clock()
        try:
            read = OriginRead(number, await self._read())
        except SourceError as error:
            self.reading.begin(error, status=error.status)
            raise
        self.reading.end()
        if number > self.last.number:
            self.last = read
        if self.last.origin is None or not self.last.stands:
            return None
        self.first = self.first or self.last.origin.identity
        return self.last.origin

    async def fresh(self) -> None:
        """Return when a read has been answered that begins from now on: at most one a second, rarer while they fail."""
        backoff = Backoff(first=SPACING, limit=30.0)
        while True:
            await asyncio.sleep(max(0.0, self._began + SPACING - self._clock()))
            if await self._has_read():
                return
            await asyncio.sleep(backoff.next())

    async def _has_read(self) -> bool:
        try:
            await self.read()
        except SourceError:
            return False
        except Exception as error:  # noqa: BLE001 - a bug must not end the only reader: what waits would wait for ever
            log.error("deletions wait: reading the CRD or folder failed: %s", without_values(error))  # noqa: TRY400
            return False
        return True

    async def learn(self) -> None:
        """Read it until it was seen to stand once: what takes its place later on is another one."""
        backoff = Backoff(first=SPACING, limit=30.0)
        while not self.first:
            await self.fresh()
            if not self.first:
                await asyncio.sleep(backoff.next())
