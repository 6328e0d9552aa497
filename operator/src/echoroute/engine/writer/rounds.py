"""The gateway rounds: complete lists of the gateway, compared with what is asked for (`drift`). They find orphans, too.

An orphan is an object of ours that no EchoRoute explains; it is judged by fresh lists of both sides. That waits for the
list of the EchoRoutes, for which the next list of the gateway does not: an API server that hangs puts off no repair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram

from echoroute.core.changes import Stored
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.text import counted
from echoroute.engine.announcer import Announcer
from echoroute.engine.lists import EchoRouteLists
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.drift import Drift
from echoroute.engine.writer.leftovers import upstreams_in_use
from echoroute.engine.writer.rhythm import Rhythm
from echoroute.engine.writer.term import TermParts
from echoroute.errors import GatewayError, SourceError, without_values
from echoroute.gateway.protocol import Gateway
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_FRESH = 10.0
"""Seconds: where the last list of the EchoRoutes is older than that, a term begins with one. A standby cannot know that
its watch is alive, and would write what was deleted meanwhile."""

rounds_total = Counter(
    "echoroute_rounds_total", "Comparisons of complete lists: `complete` or `incomplete`.", ("result",)
)
round_duration_seconds = Histogram(
    "echoroute_round_duration_seconds", "Time of the list of the gateway and its comparison, without writes."
)
last_round_timestamp_seconds = Gauge(
    "echoroute_last_round_timestamp_seconds", "When the last complete round ended, in Unix time."
)
orphans = Gauge("echoroute_orphans", "EchoRoutes that are gone while the brake holds their gateway objects.")
foreign_objects = Gauge(
    "echoroute_foreign_objects", "Routes and upstreams of other owners. The operator never touches them."
)
gateway_lists_up = Gauge("echoroute_gateway_lists_up", "1 while the last full list of the gateway was complete.")


class Rounds:
    """Each round lists the gateway and compares it with what is asked for; then orphans are judged.

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
        self._clock = term.clock
        self._release = release
        self._announcer = announcer
        self._rhythm = Rhythm(term.clock)
        self._rejected = term.rejected
        self._drift = Drift(term, announcer)
        self._judged_at = term.clock() - _FRESH
        self._list_began = 0.0
        self._unjudged = asyncio.Event()
        """Set while the newest list of the gateway waits for the judgement of orphans, which completes its round."""
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
        await self._gate.answers()
        await self._lists.refresh(newer_than=self._judged_at)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._judge(), name="orphans")
            while True:
                cost = await self._safely(self._compare())
                await self._rhythm.next(interval, began=self._list_began, cost=cost)
                await self._gate.answers()

    def end(self) -> None:
        """The term is over: it is another one's to tell of what cannot be deleted, and of lists that fail."""
        orphans.set(0)
        upstreams_in_use.set(0)
        self.listing.forget()

    def soon(self, *, after_outage: bool = False) -> None:
        """Do not wait for the next interval: something happened that only a round can see."""
        if after_outage:
            self._rejected.gateway_is_back()
        self._rhythm.soon(after_outage=after_outage)

    async def _safely(self, part: Awaitable[_T]) -> _T | None:
        try:
            return await part
        except Exception as error:  # noqa: BLE001 - a bug must put off rounds, not end them
            log.error("a round failed, trying again: %s", without_values(error))  # noqa: TRY400
            return None

    async def _compare(self) -> float | None:
        """List the gateway and repair it; gives the seconds that its list took, None where there was none."""
        with round_duration_seconds.time():
            objects, cost = await self._list_gateway()
            if objects is not None:
                self._drift.compare(objects)
        if objects is None or self._unjudged.is_set():
            rounds_total.labels("incomplete").inc()  # this one, or the one before: it was not judged in time
        if objects is not None:
            self._unjudged.set()
        return cost

    async def _judge(self) -> None:
        """Judge orphans after each list of the gateway, as soon as there is a list of the EchoRoutes for it."""
        while True:
            await self._unjudged.wait()
            listed = await self._lists.refresh(newer_than=self._judged_at)
            self._unjudged.clear()
            complete = listed and await self._safely(self._judge_orphans())
            rounds_total.labels("complete" if complete else "incomplete").inc()
            if complete:
                last_round_timestamp_seconds.set_to_current_time()

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
