"""The rounds: complete lists of both sides, compared. The first one is the start, the others mend drift.

Between the rounds the watch tells of changes; a round finds what it missed (kopf does not tell of deletions during a
disconnect), hand edits in the gateway, and orphans.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from prometheus_client import Counter, Gauge, Histogram

from echoroute.core.brake import Held
from echoroute.core.facts import Failed, Programmed
from echoroute.core.objects import Key
from echoroute.core.reasons import Reason
from echoroute.core.seen import Seen
from echoroute.core.source import Listing
from echoroute.engine.actual import Actual
from echoroute.engine.announcer import Announcer
from echoroute.engine.deletions import Deletions
from echoroute.engine.gate import Gate
from echoroute.engine.queue import Priority, WorkQueue
from echoroute.engine.store import Store, Transition
from echoroute.engine.table import Route, Table
from echoroute.errors import GatewayError, SourceError
from echoroute.gateway.protocol import Gateway
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

LIST_SHARE = 0.01
"""At most this share of a gateway worker's time goes into our lists: each is paid by users' requests."""

LONGEST = 10
"""At most so many intervals from one round to the next: a list that took a minute must not put drift off for hours."""

_FEW = 50
"""With more changed objects than this, a full list is cheaper than single reads."""

_STUBBORN = 3
"""Rounds running in which a key was repaired, after which somebody else is writing it, too."""

rounds_total = Counter("echoroute_rounds_total", "Rounds of comparing complete lists.", ("result",))
round_duration_seconds = Histogram("echoroute_round_duration_seconds", "Time of one round, without its writes.")
last_round_timestamp_seconds = Gauge("echoroute_last_round_timestamp_seconds", "When the last complete round ended.")
drift_repaired_total = Counter(
    "echoroute_drift_repaired_total", "EchoRoutes whose gateway objects a round found changed."
)
missed_changes_total = Counter("echoroute_missed_changes_total", "Changes that a round found before the watch told.")
orphans = Gauge("echoroute_orphans", "Gateway objects of ours that no EchoRoute explains, held by the brake.")
foreign_objects = Gauge("echoroute_foreign_objects", "Gateway objects that are not ours; they are never touched.")


class Lister(Protocol):
    """The part of the source that the rounds need."""

    async def list(self, *, metadata_only: bool) -> Listing: ...

    async def read(self, key: Key) -> Seen | None: ...


class Rounds:
    """`follow` is told each transition of the store, `settled` each key that was found as desired.

    `of_others` tells whether another operator may serve a key that this one does not.
    """

    def __init__(
        self,
        *,
        lister: Lister,
        gateway: Gateway,
        store: Store,
        table: Table,
        actual: Actual,
        gate: Gate,
        deletions: Deletions,
        queue: WorkQueue,
        clock: Callable[[], float],
        follow: Callable[[Transition], None],
        settled: Callable[[Key, Priority], None],
        of_others: Callable[[Key], bool],
        announcer: Announcer,
    ) -> None:
        self._lister = lister
        self._gateway = gateway
        self._store = store
        self._table = table
        self._actual = actual
        self._gate = gate
        self._deletions = deletions
        self._queue = queue
        self._clock = clock
        self._follow = follow
        self._settled = settled
        self._of_others = of_others
        self._announcer = announcer
        self._soon = asyncio.Event()
        self._repairs: dict[Key, int] = {}
        self.held: Held | None = None
        """The deletions that the brake holds."""
        self.gateway_asked = asyncio.Event()
        """Set when the gateway has answered the first list, or has not."""
        self.gateway_listed = asyncio.Event()
        """Set by the first list of the gateway: nothing is written before it is known what is there."""
        self.echoroutes_listed = asyncio.Event()
        """Set when the EchoRoutes were listed once: what 'ready' means."""
        self.listing = Trouble("list", "EchoRoutes cannot be listed", "EchoRoutes can be listed again")

    @property
    def listed(self) -> bool:
        """Whether the EchoRoutes were listed once."""
        return self.echoroutes_listed.is_set()

    async def run(self, interval: float) -> None:
        """A round each `interval` seconds, or more rarely where the gateway's list takes long; until cancelled."""
        backoff = Backoff(first=1.0, limit=interval)
        while True:
            began = self._clock()
            complete, cost = await self.round()
            if complete:
                backoff.reset()
                wait = min(max(interval, cost / LIST_SHARE), LONGEST * interval) - (self._clock() - began)
            else:
                wait = backoff.next()
            await self._sleep(wait)

    def soon(self) -> None:
        """Do not wait for the next interval: something happened that only a round can see."""
        self._soon.set()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.1)):
                await self._soon.wait()
        except TimeoutError:
            pass
        self._soon.clear()

    async def round(self) -> tuple[bool, float]:
        """One round; gives whether both lists were complete, and the seconds that the gateway's took."""
        with round_duration_seconds.time():
            listed = await self._list_echoroutes()
            cost = await self._list_gateway() if self.listed else None
            if cost is not None:
                self._compare()
            complete = listed and cost is not None
            if complete:
                complete = await self._judge_orphans()
        rounds_total.labels("complete" if complete else "incomplete").inc()
        if complete:
            last_round_timestamp_seconds.set_to_current_time()
        return complete, cost or 0.0

    async def _list_echoroutes(self) -> bool:
        try:
            transitions = await self._changes()
        except SourceError as error:
            self.listing.begin(error, status=error.status)
            return False
        self.listing.end()
        if self.listed:
            missed_changes_total.inc(len(transitions))
        for transition in transitions:
            self._follow(transition)
        self.echoroutes_listed.set()
        return True

    async def _changes(self) -> list[Transition]:
        if not self.listed:
            listing = await self._lister.list(metadata_only=False)
            return self._store.offer_list(listing.versions, listing.objects, listing.version)
        listing = await self._lister.list(metadata_only=True)
        if self._store.went_back(listing.version):
            log.warning("the EchoRoutes' versions went back (restored from a backup?): all are read anew")
        changed = [key for key, version in listing.versions.items() if (self._store.version(key) or 0) < version]
        if len(changed) > _FEW:
            listing = await self._lister.list(metadata_only=False)
            return self._store.offer_list(listing.versions, listing.objects, listing.version)
        read = [seen for key in changed if (seen := await self._lister.read(key))]
        return self._store.offer_list(listing.versions, read, listing.version)

    async def _list_gateway(self) -> float | None:
        began = self._clock()
        try:
            objects = await self._gateway.list()
        except GatewayError as error:
            self._gate.close(error)
            return None
        finally:
            self.gateway_asked.set()
        cost = self._clock() - began
        self._actual.replace(objects, began=began)
        self.gateway_listed.set()
        foreign_objects.set(len(self._actual.known) - self._actual.owned_count())
        return cost

    def _compare(self) -> None:
        """Queue every key for which the gateway is not as desired; settle the others."""
        for key, route in self._table.items():
            if self._queue.busy(key):
                continue
            if self._table.as_desired(key, route, self._actual):
                self._repairs.pop(key, None)
                if not isinstance(route.outcome, Programmed):
                    self._table.settle(key, route.revision, Programmed())
                    self._settled(key, Priority.BULK)
            elif self._worth_a_try(key, route):
                self._queue.add(key, Priority.BULK)

    def _worth_a_try(self, key: Key, route: Route) -> bool:
        if isinstance(route.outcome, Failed):
            # A rejection waits for a change of the spec; a foreign object may be gone by now, which costs no request.
            return route.outcome.reason is not Reason.GATEWAY_REJECTED
        if route.outcome is None:
            return True
        drift_repaired_total.inc()
        repairs = self._repairs[key] = self._repairs.get(key, 0) + 1
        if repairs < _STUBBORN:
            return True
        if repairs == _STUBBORN:
            self._announcer.contested(key)
        # Repaired again and again: another writer, or a value that the gateway stores otherwise. Rarer and rarer.
        exponent = min(repairs - _STUBBORN, 6)
        return repairs % (1 << exponent) == 0

    async def _judge_orphans(self) -> bool:
        try:
            verdict = await self._deletions.judge_orphans(
                self._actual, lambda key: self._store.get(key) is not None, self._of_others
            )
        except SourceError:
            return False  # said by `Deletions`
        held = verdict.held if verdict.engaged else None
        if held is not None and held != self.held:
            self._announcer.operator("Warning", "DeletionsHeld", str(held))
        self.held = held
        orphans.set(len(held.refs) if held else 0)
        return True
