"""Whether the gateway takes writes: one probe finds out, not one try for each waiting key."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import Gauge

from echoroute.core.reasons import Reason
from echoroute.errors import GatewayError, GatewayUnauthorized, GatewayUnavailable
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

up = Gauge("echoroute_gateway_up", "Whether the gateway's Admin API takes our requests.")


@dataclass(frozen=True, slots=True)
class Outage:
    """Why the gateway takes no writes, and since when (the event loop's time)."""

    reason: Reason
    message: str
    since: float


class Gate:
    """Open until a failure that is the gateway's; then `probe` is called with growing delays, until it succeeds.

    `changed` is called when the gate opens, closes, or stays closed for another reason.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]], changed: Callable[[], None]) -> None:
        self._probe = probe
        self._changed = changed
        self._open = asyncio.Event()
        self._open.set()
        self._prober: asyncio.Task[None] | None = None
        self.outage: Outage | None = None
        up.set_function(lambda: float(self.is_open))

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    async def wait(self) -> None:
        """Return when the gateway takes writes."""
        await self._open.wait()

    def close(self, error: GatewayError) -> None:
        """Stop the writes because of `error`, and probe until the gateway is well."""
        reason = outage_reason(error)
        since = self.outage.since if self.outage else asyncio.get_running_loop().time()
        news = self.outage is None or self.outage.reason is not reason
        self.outage = Outage(reason, str(error), since)
        self._open.clear()
        if news:
            log.error("the gateway takes no writes, trying on: %s", error)
            self._changed()
        if self._prober is None or self._prober.done():
            self._prober = asyncio.create_task(self._probe_until_well(), name="gateway-probe")

    async def _probe_until_well(self) -> None:
        backoff = Backoff(first=0.25, limit=10.0)
        while True:
            try:
                await self._probe()
            except GatewayError as error:
                self.close(error)
                wish = error.retry_after if isinstance(error, GatewayUnavailable) else None
                await asyncio.sleep(max(backoff.next(), min(wish or 0.0, 60.0)))
            else:
                if self.outage is not None:
                    now = asyncio.get_running_loop().time()
                    log.warning("the gateway answers again after %.1f s", now - self.outage.since)
                self.outage = None
                self._open.set()
                self._changed()
                return

    async def aclose(self) -> None:
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)


def outage_reason(error: GatewayError) -> Reason:
    """The reason of a condition that an outage of the gateway gives."""
    return Reason.GATEWAY_UNAUTHORIZED if isinstance(error, GatewayUnauthorized) else Reason.GATEWAY_UNREACHABLE
