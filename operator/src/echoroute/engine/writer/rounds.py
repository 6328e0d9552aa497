"""The gateway rounds: complete lists of the gateway, compared with what is asked for. They mend drift and find orphans.

An orphan is an object of ours that no EchoRoute explains; it is judged by fresh lists of both sides.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from prometheus_client import Counter, Gauge, Histogram

from echoroute.core.changes import Stored
from echoroute.core.facts import Failed, Programmed
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.plan import Comparison, compare, serves_as_desired, unnamed
from echoroute.core.reasons import Reason
from echoroute.core.text import counted
from echoroute.engine.announcer import Announcer
from echoroute.engine.lists import EchoRouteLists
from echoroute.engine.queue import Priority
from echoroute.engine.route import Route
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.rhythm import Rhythm
from echoroute.engine.writer.term import TermParts
from echoroute.errors import GatewayError, SourceError, without_values
from echoroute.gateway.protocol import Gateway
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

_FRESH = 10.0
"""Seconds: where the last list of the EchoRoutes is older than that, a term begins with one. A standby cannot know that
its watch is alive, and would write what was deleted meanwhile."""

_STUBBORN = 3
"""Rounds running in which a key was repaired, after which somebody else is writing it, too."""

rounds_total = Counter(
    "echoroute_rounds_total", "Comparisons of complete lists: `complete` or `incomplete`.", ("result",)
)
round_duration_seconds = Histogram("echoroute_round_duration_seconds", "Time of one round, without its writes.")
last_round_timestamp_seconds = Gauge(
    "echoroute_last_round_timestamp_seconds", "When the last complete round ended, in Unix time."
)
drift_repaired_total = Counter(
    "echoroute_drift_repaired_total", "EchoRoutes whose gateway objects a round found changed and wrote again."
)
orphans = Gauge("echoroute_orphans", "EchoRoutes that are gone while the brake holds their gateway objects.")
foreign_objects = Gauge(
    "echoroute_foreign_objects", "Routes and upstreams of other owners. The operator never touches them."
)
gateway_lists_up = Gauge("echoroute_gateway_lists_up", "1 while the last full list of the gateway was complete.")


class Rounds:
    """Each round lists the gateway, compares it with what is asked for, and judges orphans.

    `release` tells how a person confirms held deletions, given their token.
    """

    def __init__(
        self,
        term: TermParts,
        *,
        lists: EchoRouteLists,
        gateway: Gateway,
        release: Callable[[str], str],
        announcer: Announcer,
    ) -> None:
        self._lists = lists
        self._gateway = gateway
        self._table = term.table
        self._progress = term.progress
        self._actual = term.actual
        self._gate = term.gate
        self._deletions = term.deletions
        self._queue = term.queue
        self._clock = term.clock
        self._release = release
        self._announcer = announcer
        self._rhythm = Rhythm(term.clock)
        self._rejected = term.rejected
        self._repairs: dict[Key, int] = {}
        self._judged_at = term.clock() - _FRESH
        self._list_began = 0.0
        self.held: str | None = None
        """What to tell of the deletions that the brake holds."""
        self.gateway_asked = asyncio.Event()
        """Set when the gateway has answered the first list, or has not."""
        self.gateway_listed = asyncio.Event()
        """Set by the first list of the gateway: nothing is written before it is known what is there."""
        self.listing = Trouble(
            "gateway-list", "the gateway cannot be listed", "the gateway can be listed again", gauge=gateway_lists_up
        )

    async def run(self, interval: float) -> None:
        """A round each `interval` seconds, or more rarely where the gateway's list takes long; until cancelled."""
        await self._lists.first.wait()
        await self._gate.ask()
        if not self._gate.is_open:
            self.gateway_asked.set()
        while True:
            await self._gate.answers()
            cost = await self._round_safely()
            await self._rhythm.next(interval, began=self._list_began, cost=cost)

    def end(self) -> None:
        """The term is over: it is another one's to tell of held deletions, and of lists that fail."""
        orphans.set(0)
        self.listing.forget()

    def soon(self, *, after_outage: bool = False) -> None:
        """Do not wait for the next interval: something happened that only a round can see."""
        if after_outage:
            self._rejected.gateway_is_back()
        self._rhythm.soon(after_outage=after_outage)

    async def _round_safely(self) -> float | None:
        try:
            return await self.round()
        except Exception as error:  # noqa: BLE001 - a bug must put off rounds, not end them
            log.error("a round failed, trying again: %s", without_values(error))  # noqa: TRY400
            return None

    async def round(self) -> float | None:
        """One round; gives the seconds that the gateway's list took, None where there was none."""
        with round_duration_seconds.time():
            listed = await self._lists.refresh(newer_than=self._judged_at)
            objects, cost = await self._list_gateway()
            if objects is not None:
                self._compare(objects)
            complete = listed and objects is not None and await self._judge_orphans()
        rounds_total.labels("complete" if complete else "incomplete").inc()
        if complete:
            last_round_timestamp_seconds.set_to_current_time()
        return cost

    async def _list_gateway(self) -> tuple[Mapping[ObjectRef, Stored] | None, float | None]:
        began = self._list_began = self._clock()
        try:
            objects = await self._gateway.list()
        except GatewayError as error:
            if await self._gate.find_out(error):
                self.listing.begin(error, status=0)
                if not self.gateway_listed.is_set():
                    self._gate.cannot_list(error)
            return None, None
        finally:
            self.gateway_asked.set()
        cost = self._clock() - began
        self.listing.end()
        for key in self._actual.replace(objects, began=began):
            self._progress.found(key)
        if not self.gateway_listed.is_set():
            self._table.seed(_routes(self._actual, objects))
        self.gateway_listed.set()
        self._gate.could_list()
        foreign_objects.set(len(self._actual.known) - self._actual.owned_count())
        return objects, cost

    def _compare(self, listed: Mapping[ObjectRef, Stored]) -> None:
        """Queue every key for which the gateway is not as desired; settle the others."""
        self._repairs = {key: number for key, number in self._repairs.items() if self._table.get(key)}
        gone = changed = 0
        for key, route in self._table.items():
            self._learn_what_stands(key, route, listed)
            if self._queue.busy(key):
                continue
            outcome, accepted = self._progress.outcome(key), self._table.refusal(key) is None
            found = self._found(key, route)
            if serves_as_desired(found):
                self._repairs.pop(key, None)
                if found.deletes:
                    self._queue.add(key, Priority.BULK)
                if not isinstance(outcome, Programmed):
                    if accepted:
                        self._let_in(self._table.serves(key, self._table.claimed(key)))
                    self._table.settle(key, self._progress.revision(key), Programmed(), Priority.BULK)
                continue
            drifted = isinstance(outcome, Programmed)
            if self._worth_a_try(key, outcome):
                self._queue.add(key, Priority.BULK)
                if drifted:
                    gone += not self._actual.holds(key)
                    changed += bool(self._actual.holds(key))
        self._tell_drift(gone, changed)

    def _learn_what_stands(self, key: Key, route: Route, listed: Mapping[ObjectRef, Stored]) -> None:
        if not self._actual.holds(key):
            # What it asks for it has all the same; what it served, and does not ask for or cannot have, is free.
            self._let_in(self._table.serves(key, None))
            return
        wanted, is_unsure = self._table.wanted(key, route), self._table.claims.is_unsure(key)
        if wanted is not None and not is_unsure and isinstance(self._progress.outcome(key), Programmed):
            return  # it is as asked, or is written again at once
        for ref in self._actual.owned[key]:
            known, stored = self._actual.known[ref], listed.get(ref)
            if ref.kind is not Kind.ROUTE or not stored or known.modified_index != stored.modified_index:
                continue
            if wanted is None or is_unsure:
                # Whatever was tried or edited, it serves what was listed: no write of it may come to tell.
                self._let_in(self._table.serves_as_listed(key, stored.body))
            if wanted is None or wanted.digests.get(ref, known.digest) != known.digest:
                self._let_in(self._table.judge_what_stands(key, stored.body))

    def _found(self, key: Key, route: Route) -> Comparison:
        """How the gateway differs from what is asked for."""
        wanted = self._table.wanted(key, route)
        if wanted is None:
            return Comparison(deletes=unnamed(key, self._actual.around(key, ())))
        return compare(key, wanted, self._actual.around(key, wanted.refs()))

    def _let_in(self, keys: set[Key]) -> None:
        for key in keys:
            self._queue.add(key, Priority.BULK)

    def _tell_drift(self, gone: int, changed: int) -> None:
        """Say what is mended once for all: each is a plain write in the log, and in no status."""
        found = [
            f"the gateway had lost the objects of {counted(gone, 'EchoRoute')}" if gone else "",
            f"somebody else had changed the gateway objects of {counted(changed, 'EchoRoute')}" if changed else "",
        ]
        if gone or changed:
            drift_repaired_total.inc(gone + changed)
            text = "; ".join(filter(None, found))
            self._announcer.operator("Warning", "DriftRepaired", f"{text}; they are written again")

    def _worth_a_try(self, key: Key, outcome: Programmed | Failed | None) -> bool:
        if isinstance(outcome, Failed) and outcome.reason is Reason.GATEWAY_REJECTED:
            self._rejected.ask_again(key)
            # A write before that had no answer may have left what no Route names, as this list tells.
            return bool(unnamed(key, self._actual.around(key, ())))
        if isinstance(outcome, Failed):
            return True  # a foreign object may be gone by now, and to find out costs no request
        if outcome is None:
            return True
        repairs = self._repairs[key] = self._repairs.get(key, 0) + 1
        if repairs < _STUBBORN:
            return True
        if repairs == _STUBBORN:
            self._announcer.contested(key)
        # Repaired again and again: another writer, or a value that the gateway stores otherwise. Rarer and rarer.
        exponent = min(repairs - _STUBBORN, 6)
        return repairs % (1 << exponent) == 0

    async def _judge_orphans(self) -> bool:
        self._judged_at = self._clock()  # also where it fails: the next one, too, needs a list of its own
        try:
            verdict = await self._deletions.judge_orphans(self._actual)
        except SourceError:
            return False  # said by `Deletions`
        held = verdict.held if verdict.engaged else None
        text = held.text(self._release(held.token)) if held else None
        if text is not None and text != self.held:
            self._announcer.operator("Warning", "DeletionsHeld", text)
        self.held = text
        orphans.set(len(held.keys) if held else 0)
        if self._deletions.token_accepted:
            number = self._deletions.token_accepted
            message = (
                f"the token is accepted: the objects of {counted(number, 'EchoRoute')} go once a second list agrees"
            )
            self._announcer.operator("Normal", "DeletionsConfirmed", message)
            self.soon()
        return True


def _routes(actual: Actual, listed: Mapping[ObjectRef, Stored]) -> dict[Key, JsonObject]:
    """The Routes of ours, by the EchoRoute that they belong to."""
    return {
        key: listed[ref].body
        for key, refs in actual.owned.items()
        for ref in refs
        if ref.kind is Kind.ROUTE and ref in listed
    }
