"""Whether Consul answers at all: where one query has failed, one request finds that out for all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from echoroute.api.selection import Service
from echoroute.consul import metrics
from echoroute.consul.client import is_supported
from echoroute.errors import ConsulError
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

_FIRST_BACKOFF: Final = 1.0
_LONGEST_BACKOFF: Final = 30.0


def backoff() -> Backoff:
    """From try to try, of a service as of Consul itself."""
    return Backoff(first=_FIRST_BACKOFF, limit=_LONGEST_BACKOFF)


class Presence:
    """`on_reachable` is told at first, and when it changed; `on_return` when Consul is back after it was away.

    `probe` gives Consul's version, or raises `ConsulError`.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[str]],
        *,
        on_return: Callable[[], None],
        on_reachable: Callable[[bool], None],
    ) -> None:
        self._probe = probe
        self._on_return = on_return
        self._on_reachable = on_reachable
        self._reachable: bool | None = None
        self.answering = asyncio.Event()
        """Cleared at the start, and while probes fail: nothing else is sent meanwhile."""
        self._doubted = asyncio.Event()
        self._doubted.set()
        self._failing: set[Service] = set()
        self._untold: list[ConsulError] = []
        """Of those that have begun to fail, until it is told."""

    def failed(self, service: Service, error: ConsulError) -> None:
        """A query has failed: Consul may be away. Meanwhile the others go on."""
        if service not in self._failing:
            self._failing.add(service)
            self._untold.append(error)
        self._doubted.set()

    def works(self, service: Service) -> None:
        """Queries of it work, or nobody needs them: when the next one fails, that is news."""
        self._failing.discard(service)

    async def run(self) -> None:
        """Find out whenever there is a doubt; until cancelled."""
        while True:
            await self._doubted.wait()
            await self._find_out()

    async def _find_out(self) -> None:
        pauses = backoff()
        while True:
            try:
                version = await self._probe()
                break
            except ConsulError as error:
                self.answering.clear()
                if self._reachable is not False:
                    log.warning("%s; what is known about its services stays until it answers", error)
                    self._reached(reachable=False)
                await asyncio.sleep(pauses.next())
        self._doubted.clear()
        if self._reachable is None:
            log.info("Consul %s answers", version or "of an unknown version")
            if not is_supported(version):
                log.warning("Consul %s is older than this operator supports", version)
        elif self._reachable is False:
            log.info("Consul answers again")
            self._on_return()
        elif self._untold:
            log.warning("Consul answers, but %d queries failed, such as: %s", len(self._untold), self._untold[0])
        self._untold.clear()
        self._reached(reachable=True)
        self.answering.set()

    def _reached(self, *, reachable: bool) -> None:
        if reachable is not self._reachable:
            self._reachable = reachable
            metrics.up.set(reachable)
            self._on_reachable(reachable)
