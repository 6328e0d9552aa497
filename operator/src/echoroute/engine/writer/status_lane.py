"""The status lane: computes statuses and patches those that changed. It never holds up the gateway lane."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import cast

from prometheus_client import Counter
from pydantic_core import from_json

from echoroute.core.conditions import fold
from echoroute.core.facts import BackendFacts, Facts, Failed, Programmed, Unreached, Waiting
from echoroute.core.objects import JsonObject, Key
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry, Seen
from echoroute.core.status import parse_previous
from echoroute.core.written import differs_beyond_counts, differs_in_serving
from echoroute.engine.discovery import Discovery
from echoroute.engine.queue import Priority, WorkQueue
from echoroute.engine.route import Route
from echoroute.engine.source import StatusWriter
from echoroute.engine.writer.gateway_lane import BULK
from echoroute.engine.writer.term import TermParts
from echoroute.errors import NotLeading, SourceError, without_values
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds for which a status waits for the gateway's answer, so that one patch tells all."""

HELD_AT_MOST = 10.0
"""Seconds for which statuses wait for a bulk of writes: as long as a start over some thousands of EchoRoutes takes.

The bulk may as well be the edits of one tenant that never end, and nobody else's status may wait for these.
"""

COUNTS_INTERVAL = 30.0
"""Seconds between two patches of one EchoRoute that change nothing but its instance counts."""

COUNTS_SPACING = 0.05
"""Seconds between two such patches of any: a service of 2,000 routes that flaps must not keep the API server busy."""

SERVING_INTERVAL = 1.0
"""Seconds between two patches of one EchoRoute whose healthy instances are gone, or back, and nothing else is new."""

REFUSED_RETRY = 600.0
"""Seconds after which a status that the API server refused as such is tried again: a newer CRD may forbid it."""

_MISSING = "the gateway holds no route of this EchoRoute, and does not take it"

status_patches_total = Counter(
    "echoroute_status_patches_total", "Status patches by HTTP status; 0 means no answer.", ("code",)
)


class StatusLane:
    """`mark` a key whose status may have changed; `work` is one worker."""

    def __init__(
        self,
        term: TermParts,
        *,
        writer: StatusWriter,
        discovery: Discovery,
        patched: Callable[[Entry, Seen, bool], None],
        announce: Callable[[Key, str, JsonObject, JsonObject, bool], None],
    ) -> None:
        self._writer = writer
        self._table = term.table
        self._progress = term.progress
        self._actual = term.actual
        self._gate = term.gate
        self._discovery = discovery
        self._clock = term.clock
        self._patched = patched
        self._announce = announce
        self._queue = WorkQueue()
        self._held: set[Key] = set()
        self._hold_ends: asyncio.TimerHandle | None = None
        self._backoff = Backoff(first=0.5, limit=60.0)
        self._counts_due: dict[Key, float] = {}
        self._counts_slots: dict[Key, float] = {}
        self._serving_due: dict[Key, float] = {}
        self._next_slot = 0.0
        self._unwritten: set[Key] = set()
        self._doubted: set[Key] = set()
        """Those whose last patch found them gone, or another life of them."""
        self._began = datetime.now(UTC)
        self.writing = Trouble("status", "statuses cannot be written", "all statuses could be written")

    def mark(self, key: Key, *, hold: bool = False) -> None:
        """The status of a key may have changed; with `hold` it waits for `release`: a bulk of writes is pending.

        The first one that is held begins a time after which all go, bulk or no bulk.
        """
        if hold:
            self._held.add(key)
            if self._hold_ends is None:
                self._hold_ends = asyncio.get_running_loop().call_later(HELD_AT_MOST, self.release)
        else:
            self._queue.add(key, Priority.CHANGE)

    def end(self) -> None:
        """The term is over: it is another one's to tell of statuses."""
        self._end_hold()
        self.writing.forget()

    def _end_hold(self) -> None:
        if self._hold_ends is not None:
            self._hold_ends.cancel()
            self._hold_ends = None

    def release(self) -> None:
        """The bulk is done, or takes too long: let the held ones go."""
        self._end_hold()
        held, self._held = self._held, set()
        for key in held:
            self._queue.add(key, Priority.BULK)

    @property
    def waiting(self) -> int:
        """How many statuses wait to be computed or written, those that are held included."""
        return len(self._queue) + len(self._held)

    async def idle(self) -> None:
        """Return when no status waits to be computed or written now."""
        await self._queue.idle()

    async def work(self) -> None:
        """One worker; runs until cancelled."""
        while True:
            item = await self._queue.get()
            try:
                if await self._update(item.key):
                    self._written(item.key)
            except NotLeading:
                raise  # the term is over, and with it all that is known here
            except SourceError as error:
                self._failed(item.key, error)
            except Exception as error:  # noqa: BLE001 - a bug, and one of this key: the others must go on
                log.error("EchoRoute %s: its status was not written; trying again: %s", item.key, without_values(error))  # noqa: TRY400
                self._queue.add_after(item.key, Priority.RETRY, self._backoff.next(item.key))
            finally:
                self._queue.done(item.key)

    async def _update(self, key: Key) -> bool:
        """Write the status of a key where it changed; gives whether it is written now, or need not be."""
        route = self._table.get(key)
        if route is None:
            for known in (self._counts_due, self._counts_slots, self._serving_due):
                known.pop(key, None)
            return True
        wait = self._wait(key, route)
        if wait is None:
            return False
        if wait > 0:
            self._queue.add_after(key, Priority.CHANGE, wait)
            return False
        entry = route.entry
        before = cast("JsonObject", from_json(entry.status))
        outcome = fold(self._facts(key, route), parse_previous(before), now=datetime.now(UTC))
        route.ready = outcome.ready
        if outcome.recheck_after is not None:
            self._queue.add_after(key, Priority.CHANGE, outcome.recheck_after)
        if outcome.status == before:
            self._counts_slots.pop(key, None)  # a turn that was given out is not kept for the next flap
            return True
        if not self._due(key, outcome.status, before):
            return True
        removed: JsonObject = dict.fromkeys(before.keys() - outcome.status.keys())
        seen = await self._writer.patch_status(key, entry.uid, {**outcome.status, **removed})
        status_patches_total.labels("200").inc()
        self._patched(entry, seen, seen.entry is not None and from_json(seen.entry.status) == outcome.status)
        expected = entry.created < self._began or self.waiting > BULK
        self._announce(key, entry.uid, before, outcome.status, expected)
        return True

    def _wait(self, key: Key, route: Route) -> float | None:
        """For how many seconds it is too early for a status; None: until the gateway has been asked."""
        gateway, step, refusal = 0.0, self._progress.get(key), self._table.refusal(key)
        if step is None or self._table.contended(key):
            return None
        told_at = step.begun + PATIENCE - self._clock()
        if refusal is not None and refusal.reason is Reason.CONFLICTED:
            gateway = told_at  # whoever has what it claims may be about to give it up, by the same `kubectl apply`
        elif step.outcome is None:
            outage = self._gate.outage
            if outage is not None:
                gateway = outage.since + PATIENCE - self._clock()
            elif step.sent is not None:
                gateway = step.sent + PATIENCE - self._clock()
            elif step.trouble is not None or (self._table.seeded and refusal is not None):
                gateway = told_at  # told without the gateway, if it takes long
            else:
                return None
        return max(0.0, gateway, self._discovery.settles_in(one.selection for one in route.backends))

    def _facts(self, key: Key, route: Route) -> Facts:
        return Facts(
            generation=route.entry.generation,
            route_id=route.route_id,
            enabled=route.enabled,
            refusal=self._table.refusal(key),
            gateway=self._gateway_fact(key),
            in_gateway=self._actual.holds(key),
            backends=tuple(
                BackendFacts(one.selection, self._discovery.fact(one.selection), one.weight, one.serves, one.place)
                for one in route.backends
            ),
            services=route.services,
            note=self._table.note(key),
        )

    def _gateway_fact(self, key: Key) -> Programmed | Waiting | Unreached | Failed:
        step, outage = self._progress.get(key), self._gate.outage
        if step is None:
            return Waiting()
        if step.outcome is not None:
            return step.outcome
        if outage is not None:
            return Unreached(outage.reason, outage.message)
        if step.missing and step.trouble is not None:
            return Failed(step.trouble.reason, f"{_MISSING}: {step.trouble.message}")
        return step.trouble or Waiting()

    def _due(self, key: Key, status: JsonObject, before: JsonObject) -> bool:
        """Whether to patch now; where only counts differ, perhaps later."""
        now = self._clock()
        if differs_beyond_counts(status, before):
            self._counts_slots.pop(key, None)
            self._counts_due[key] = now + COUNTS_INTERVAL
            return True
        if differs_in_serving(status, before):
            wait = self._serving_due.get(key, now) - now
            if wait > 0:
                self._queue.add_after(key, Priority.CHANGE, wait)
                return False
            self._serving_due[key] = now + SERVING_INTERVAL
            return True
        if key not in self._counts_slots:
            # The turn is given out when the key is due, so that one far-off turn does not delay all others.
            wait = self._counts_due.get(key, now) - now
            if wait > 0:
                self._queue.add_after(key, Priority.BULK, wait)
                return False
            self._next_slot = self._counts_slots[key] = max(now, self._next_slot + COUNTS_SPACING)
        if self._counts_slots[key] > now:
            self._queue.add_after(key, Priority.BULK, self._counts_slots[key] - now)
            return False
        del self._counts_slots[key]
        self._counts_due[key] = now + COUNTS_INTERVAL
        return True

    def _written(self, key: Key) -> None:
        """Nothing is owed to the key any more."""
        self._backoff.reset(key)
        self._unwritten.discard(key)
        self._doubted.discard(key)
        if not self._unwritten:
            self.writing.end()

    def _failed(self, key: Key, error: SourceError) -> None:
        status_patches_total.labels(str(error.status)).inc()
        if error.status in {404, 409} and key not in self._doubted:
            # Deleted, or another life of it, of which the watch is about to tell. If it does not, it was no such thing.
            self._doubted.add(key)
        else:
            self._unwritten.add(key)
            self.writing.begin(f"EchoRoute {key}: {error}", status=error.status, told=error.status == 0)
        again_in = REFUSED_RETRY if error.status == HTTPStatus.UNPROCESSABLE_ENTITY else self._backoff.next(key)
        self._queue.add_after(key, Priority.RETRY, again_in)
