"""One term of office: everything that writes, and what it knows of the gateway. Made at its begin, dropped at its end.

It begins with nothing but the desired side: the first list of the gateway tells what is there, and is compared with all
that is asked for. So a start and a takeover are the same.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from echoroute.core.objects import JsonObject, Key
from echoroute.core.ownership import owner_of
from echoroute.engine.announcer import Announcer
from echoroute.engine.confirmation import Confirmation
from echoroute.engine.desired import DesiredSide
from echoroute.engine.lists import EchoRouteLists
from echoroute.engine.options import Options
from echoroute.engine.origin import OriginReader
from echoroute.engine.queue import Priority, WorkQueue
from echoroute.engine.source import StatusWriter
from echoroute.engine.writer.actual import Actual
from echoroute.engine.writer.deletions import Deletions
from echoroute.engine.writer.gateway_lane import BULK, GatewayLane
from echoroute.engine.writer.outage import OutageGate
from echoroute.engine.writer.rejected import Rejected
from echoroute.engine.writer.rounds import Rounds
from echoroute.engine.writer.status_lane import StatusLane
from echoroute.engine.writer.term import TermParts
from echoroute.gateway.protocol import Gateway

_STATUS_WORKERS = 8
_STATUSES_FIRST = 8.0
"""Seconds of the first pass that are for statuses: those of thousands take longer than others may wait."""


class Writer:
    """Made within a running event loop. `run` works until cancelled."""

    def __init__(
        self,
        *,
        options: Options,
        desired: DesiredSide,
        lists: EchoRouteLists,
        origin: OriginReader,
        confirmation: Confirmation,
        gateway: Gateway,
        statuses: StatusWriter,
        announcer: Announcer,
        clock: Callable[[], float],
    ) -> None:
        self._options = options
        self._desired = desired
        self._announcer = announcer
        self.queue = WorkQueue()
        self.gate = OutageGate(gateway.probe, self._gate_changed)
        self.actual = Actual(self._owned_by, clock)
        self.deletions = Deletions(
            store=desired.store,
            origin=origin,
            queue=self.queue,
            confirmation=confirmation,
            of_others=self._may_be_of_others,
        )
        parts = TermParts(
            table=desired.table,
            progress=desired.progress,
            actual=self.actual,
            gate=self.gate,
            deletions=self.deletions,
            queue=self.queue,
            rejected=Rejected(self.queue, clock),
            clock=clock,
        )
        self.status = StatusLane(
            parts,
            writer=statuses,
            discovery=desired.discovery,
            patched=desired.offer_patched,
            announce=announcer.transition,
        )
        self._lane = GatewayLane(parts, gateway)
        self.rounds = Rounds(parts, lists=lists, gateway=gateway, release=options.release, announcer=announcer)

    async def run(self) -> None:
        """Write until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.rounds.run(self._options.drift_interval), name="rounds")
                for number in range(_STATUS_WORKERS):
                    tasks.create_task(self.status.work(), name=f"status-{number}")
                for number in range(self._options.concurrency):
                    tasks.create_task(self._write(), name=f"gateway-{number}")
        finally:
            self.rounds.end()
            self.status.end()
            await self.gate.aclose()
            await self.deletions.aclose()

    async def _write(self) -> None:
        """One worker of the gateway lane: nothing is written before it is known what is there."""
        await self.rounds.gateway_listed.wait()
        self._let_statuses_go()
        while True:
            await self._lane.turn()
            self._let_statuses_go()  # a key that is gone has no status, and was part of the bulk all the same

    @property
    def left(self) -> int:
        """How much there is to do."""
        return len(self.queue) + self.status.waiting

    async def first_pass(self) -> None:
        """Return when all is written that there was to write at the start, and most of the statuses.

        A gateway that is away is not waited for.
        """
        await self.rounds.gateway_asked.wait()
        if self.gate.is_open:
            await self.queue.idle()
        self.status.release()
        with suppress(TimeoutError):
            async with asyncio.timeout(_STATUSES_FIRST):
                await self.status.idle()

    def changed(self, key: Key, priority: Priority) -> None:
        """What is asked for the key may be another."""
        if self._desired.store.get(key) is not None:
            self.deletions.forget(key)
        if self.rounds.gateway_listed.is_set():
            self.queue.add(key, priority)  # before it, everything is compared once it is

    def mark(self, key: Key, priority: Priority) -> None:
        """The status of the key may be another; while a bulk of writes is pending, it waits."""
        self.status.mark(key, hold=self._is_bulk_pending and priority is Priority.BULK and self.gate.is_open)
        self._let_statuses_go()

    @property
    def _is_bulk_pending(self) -> bool:
        """Whether many writes are to come; before the first list of the gateway they are not in the queue yet."""
        return len(self.queue) > BULK or not self.rounds.gateway_listed.is_set()

    def _let_statuses_go(self) -> None:
        if not self._is_bulk_pending:
            self.status.release()

    def _gate_changed(self) -> None:
        self._desired.progress.excuse_all()
        for key in self._desired.progress.unsettled():
            self.status.mark(key)
        self.status.release()
        outage = self.gate.outage
        if outage is not None:
            self._announcer.operator("Warning", outage.reason, outage.message)
        else:
            self._announcer.operator("Normal", "GatewayReachable", "the gateway answers again")
            # It may have lost its data, and what was tried while it was away is not known.
            self.rounds.soon(after_outage=True)

    def _owned_by(self, body: JsonObject) -> Key | None:
        owner = owner_of(body)
        return owner[1] if owner and owner[0] == self._options.owner else None

    def _may_be_of_others(self, key: Key) -> bool:
        """Whether another operator may serve a key that this one does not."""
        options = self._options
        outside = bool(options.namespaces) and key.namespace not in options.namespaces
        return options.owner_given and (outside or self._desired.store.is_of_another_class(key))
