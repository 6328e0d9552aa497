"""Upstreams that nothing of an EchoRoute names any more, and when they go.

Other gateways read etcd by themselves: until they have, a request may still come to a Route that names one, and a
missing Upstream is a 500. And the gateway refuses to delete what a Route names as it knows it, also one of another
team: that holds up nothing else, and is told.
"""

import logging
from collections.abc import Callable

from prometheus_client import Gauge

from echoroute.core.objects import Key, ObjectRef
from echoroute.errors import GatewayDeferred
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

WAIT = 2.0
"""Seconds from the change of a Route to the removal of what it named."""

_TOLD_AFTER = 5
"""Refusals in a row after which it is told: the gateway's own check lags by a moment."""

_MANY = 1_000
"""With the times of more keys than this, those that are over are forgotten."""

upstreams_in_use = Gauge(
    "echoroute_upstreams_in_use",
    "Upstreams that no EchoRoute needs any more, and that the gateway does not let go since another route names them.",
)


class Leftovers:
    """`clock` gives the event loop's time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()  # the term before may just have changed a Route
        self._changed_at: dict[Key, float] = {}
        self._refusals: dict[ObjectRef, int] = {}
        self._backoff = Backoff(first=0.5, limit=300.0)

    def changed(self, key: Key) -> None:
        """The Route of the key was changed, or may have been."""
        now = self._clock()
        self._changed_at[key] = now
        if len(self._changed_at) > _MANY:
            self._changed_at = {one: at for one, at in self._changed_at.items() if at > now - WAIT}

    def too_early(self, key: Key) -> float:
        """For how many seconds what the Route of the key named has to stay."""
        return self._changed_at.get(key, self._began) + WAIT - self._clock()

    def refused(self, key: Key, ref: ObjectRef, error: GatewayDeferred) -> float:
        """The gateway does not let it go; gives the seconds after which to ask again."""
        times = self._refusals[ref] = self._refusals.get(ref, 0) + 1
        if times == _TOLD_AFTER:
            log.warning("EchoRoute %s: an Upstream that it does not need any more stays for now: %s", key, error)
        self._tell()
        return self._backoff.next(ref)

    def gone(self, ref: ObjectRef) -> None:
        """It is deleted, or wanted again."""
        self._backoff.reset(ref)
        if self._refusals.pop(ref, 0) >= _TOLD_AFTER:
            log.info("%s has gone", ref)
        self._tell()

    def _tell(self) -> None:
        upstreams_in_use.set(sum(times >= _TOLD_AFTER for times in self._refusals.values()))
