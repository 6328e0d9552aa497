"""Upstreams that nothing of an EchoRoute names any more, and when they go.

Other gateways read etcd by themselves: until they have, a request may still come to a Route that names one, and a
missing Upstream is a 500. And the gateway refuses to delete what a Route names as it knows it, also one of another
team: that holds up nothing else, and is told.
"""

import logging
from collections.abc import Callable, Iterable

from prometheus_client import Gauge

from echoroute.core.objects import Key, ObjectRef
from echoroute.errors import GatewayDeferred
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

WAIT = 2.0
"""Seconds from the change of a Route to the removal of what it named."""

_TOLD_AFTER = 5
"""Refusals in a row after which it is told: the gateway's own check lags by a moment."""

upstreams_in_use = Gauge(
    "echoroute_upstreams_in_use",
    "Upstreams that no EchoRoute needs any more, and that the gateway does not let go since another route names them.",
)


class Leftovers:
    """`clock` gives the event loop's time in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due: dict[Key, dict[ObjectRef, float]] = {}
        self._refusals: dict[Key, dict[ObjectRef, int]] = {}
        self._backoff = Backoff(first=0.5, limit=300.0)

    def unnamed(self, key: Key, refs: Iterable[ObjectRef]) -> None:
        """The gateway holds no Route of the key, or the one that is asked for: of its Upstreams these are not named.

        Each has a time of its own: who edits a Route all the time does not keep all that it ever named.
        """
        before, due = self._due.pop(key, {}), self._clock() + WAIT
        if found := {ref: before.get(ref, due) for ref in refs}:
            self._due[key] = found
        for ref in self._refusals.get(key, {}).keys() - found.keys():
            self.gone(key, ref)

    def in_doubt(self, key: Key) -> None:
        """A Route of the key may have been written: nobody knows what it names."""
        self._due.pop(key, None)

    def too_early(self, key: Key, ref: ObjectRef) -> float:
        """For how many seconds one that is not named any more has to stay."""
        due = self._due.get(key, {}).get(ref)
        return WAIT if due is None else due - self._clock()

    def refused(self, key: Key, ref: ObjectRef, error: GatewayDeferred) -> float:
        """The gateway does not let it go; gives the seconds after which to look at it again."""
        refusals = self._refusals.setdefault(key, {})
        times = refusals[ref] = refusals.get(ref, 0) + 1
        if times == _TOLD_AFTER:
            log.warning("EchoRoute %s: an Upstream that it does not need any more stays for now: %s", key, error)
        self._tell()
        self._forget(key, ref)  # not asked for at each edit of the Route
        return self._backoff.next(ref)

    def gone(self, key: Key, ref: ObjectRef) -> None:
        """It is deleted, by us or somebody else, or named again."""
        self._forget(key, ref)
        self._backoff.reset(ref)
        refusals = self._refusals.get(key, {})
        if refusals.pop(ref, 0) >= _TOLD_AFTER:
            log.info("%s is left over no more", ref)
        if not refusals:
            self._refusals.pop(key, None)
        self._tell()

    def _forget(self, key: Key, ref: ObjectRef) -> None:
        due = self._due.get(key, {})
        due.pop(ref, None)
        if not due:
            self._due.pop(key, None)

    def _tell(self) -> None:
        refusals = (times for of_key in self._refusals.values() for times in of_key.values())
        upstreams_in_use.set(sum(times >= _TOLD_AFTER for times in refusals))
