"""Keeps the watch of a source running: one that ends is started again, and counts as up once it has lasted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from prometheus_client import Gauge

from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

PROVEN = 10.0
"""Seconds that a watch has to last until it counts as up after a failure: longer than its own few tries take."""

watch_up = Gauge("echoroute_watch_up", "1 while the watch of EchoRoutes runs.")


class Watching:
    """Whether the watch tells of changes; while it is lost, lists have to find them."""

    def __init__(self) -> None:
        self.up = False
        self.error = "not started yet"
        """Why it is not up."""
        self.tells_from = float("inf")
        """From when on it tells of what is deleted, if it runs (the event loop's time)."""
        self.lost = asyncio.Event()
        """Set while it is not up although it was started."""

    async def keep(self, watch: Callable[[], Awaitable[None]]) -> None:
        """Run `watch` again and again, until cancelled; each run of it may fail."""
        backoff = Backoff(first=1.0, limit=30.0)
        self._set(up=True)
        self.tells_from = asyncio.get_running_loop().time() + PROVEN
        while True:
            try:
                await self._run(watch, backoff)
            except Exception as error:  # noqa: BLE001 - kopf ends with whatever its tasks raise
                log.log(
                    logging.ERROR if self.up else logging.DEBUG,
                    "the watch of EchoRoutes ended and is tried again; until then lists find changes: %s",
                    error,
                )
                self._set(up=False)
                self.error = str(error)
                await asyncio.sleep(backoff.next())

    async def _run(self, watch: Callable[[], Awaitable[None]], backoff: Backoff) -> None:
        proof = asyncio.get_running_loop().call_later(PROVEN, self._proven, backoff)
        try:
            await watch()
        finally:
            proof.cancel()

    def _proven(self, backoff: Backoff) -> None:
        backoff.reset()
        if not self.up:
            log.warning("EchoRoutes are watched again")
            self._set(up=True)

    def _set(self, *, up: bool) -> None:
        self.up = up
        watch_up.set(up)
        if up:
            self.lost.clear()
        else:
            self.lost.set()
