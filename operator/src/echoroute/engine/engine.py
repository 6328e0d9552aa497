"""The engine, put together. The whole loop, with the module that has each line:

list all EchoRoutes, watch them                      lists, watching ──▶ store: the newest of each key
a change: evaluate it, judge claims                  table: what is asked for; progress.begin
    queue the key, namespaces in turn                queue
list the gateway, once before all, then each round   rounds, rhythm ──▶ actual: what is there
    queue what differs; judge orphans                deletions: what may go
worker: wait until the gateway can be used           outage
    plan the key, write, settle it, remove the rest  gateway_lane; progress.sent, settle, fail
each step of progress marks the status               status_lane: fold the facts, patch what changed
Consul's answers change facts                        discovery
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from echoroute.core.objects import JsonObject, Key
from echoroute.core.ownership import owner_of
from echoroute.core.policy import Policy
from echoroute.core.seen import Entry, Seen
from echoroute.engine.actual import Actual
from echoroute.engine.announcer import Announcer
from echoroute.engine.deletions import Deletions
from echoroute.engine.discovery import Discovery
from echoroute.engine.gateway_lane import BULK, GatewayLane
from echoroute.engine.lists import EchoRouteLists
from echoroute.engine.outage import OutageGate
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Priority, WorkQueue
from echoroute.engine.rounds import Rounds
from echoroute.engine.source import ServiceFollower, Source
from echoroute.engine.status_lane import StatusLane
from echoroute.engine.store import Store, Transition
from echoroute.engine.table import Table
from echoroute.engine.watching import Watching
from echoroute.gateway.protocol import Gateway

_STATUS_WORKERS = 8
_STALLED = 10.0
"""Seconds without progress of the first pass after which the watch is started all the same: a gateway may hang."""
_LONGEST_WAIT = 30.0
"""Seconds after which it is started in any case; until then only rounds find what changes."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the engine is told at start."""

    owner: str
    owner_given: bool
    """Whether people chose it: then another operator may have it, too. A derived one is this operator's alone."""
    namespaces: frozenset[str]
    """The namespaces that are served; empty: all."""
    policy: Policy
    confirm_deletion: str | None
    release: Callable[[str], str]
    """How a person confirms held deletions, given their token."""
    drift_interval: float
    concurrency: int
    guarded: bool = False
    """Whether some addresses are forbidden: then a service has to be known before a route to it is written."""


class Engine:
    """Made within a running event loop. `run` works until cancelled."""

    def __init__(
        self,
        *,
        options: Options,
        source: Source,
        gateway: Gateway,
        follower: ServiceFollower | None,
        announcer: Announcer,
    ) -> None:
        self._options = options
        self._follower = follower
        self._announcer = announcer
        self._services_changed = False
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        clock = self._clock
        self.store = Store()
        self.discovery = Discovery(configured=follower is not None, guarded=options.guarded, clock=clock)
        self.progress = Progress(clock, self._mark)
        self.table = Table(owner=options.owner, policy=options.policy, discovery=self.discovery, progress=self.progress)
        self.actual = Actual(self._owned_by, clock)
        self.queue = WorkQueue()
        self.gate = OutageGate(gateway.probe, self._gate_changed)
        self.deletions = Deletions(
            store=self.store,
            read_origin=source.read_origin,
            requeue=lambda key: self.queue.add(key, Priority.CHANGE),
            confirmed=options.confirm_deletion,
            clock=clock,
        )
        self.status = StatusLane(
            writer=source,
            table=self.table,
            progress=self.progress,
            gate=self.gate,
            discovery=self.discovery,
            clock=clock,
            patched=self._patched,
            announce=announcer.transition,
        )
        self._lane = GatewayLane(
            gateway=gateway,
            table=self.table,
            progress=self.progress,
            actual=self.actual,
            gate=self.gate,
            deletions=self.deletions,
            queue=self.queue,
            clock=clock,
        )
        self.watching = Watching()
        self.lists = EchoRouteLists(
            lister=source,
            store=self.store,
            clock=clock,
            follow=lambda transition: self._follow(transition, Priority.BULK),
            watching=self.watching,
        )
        self.rounds = Rounds(
            lists=self.lists,
            gateway=gateway,
            table=self.table,
            progress=self.progress,
            actual=self.actual,
            deletions=self.deletions,
            gate=self.gate,
            queue=self.queue,
            clock=clock,
            of_others=self._may_be_of_others,
            release=options.release,
            announcer=announcer,
        )

    def _owned_by(self, body: JsonObject) -> Key | None:
        owner = owner_of(body)
        return owner[1] if owner and owner[0] == self._options.owner else None

    def _may_be_of_others(self, key: Key) -> bool:
        """Whether another operator may serve a key that this one does not."""
        options = self._options
        outside = bool(options.namespaces) and key.namespace not in options.namespaces
        return options.owner_given and (outside or self.store.is_of_another_class(key))

    def offer(self, seen: Seen) -> None:
        """Take what a source saw."""
        transition = self.store.offer(seen)
        if transition is not None:
            self._follow(transition, Priority.CHANGE)
        elif self.store.ended(seen.key) is not None:
            self.queue.add(seen.key, Priority.CHANGE)  # a list had it gone before its delete event came

    def _patched(self, computed_for: Entry, answer: Seen) -> None:
        """Take what the source answered to a status patch.

        It is offered like any other, but where it brings the status alone, that status need not be computed again: what
        else may change it marks the key by itself.
        """
        route = self.table.get(answer.key)
        transition = self.store.offer(answer)
        if transition is None:
            return
        known = route is not None and route.entry is computed_for
        self._follow(transition, Priority.CHANGE, status_known=known)

    def service_answered(self, service: str, healthy: int, total: int, forbidden: str = "") -> None:
        """Take an answer of Consul's on a service in use; `forbidden` names an instance at a forbidden address."""
        waited = self.discovery.undecided(service)
        if self.discovery.answered(service, healthy=healthy, total=total, forbidden=forbidden):
            self._add(self.table.judge_anew(service))
        elif waited:
            self._add(self.table.unsettled(service))
        for key in self.table.using(service):
            self._mark(key)

    def service_failed(self, service: str) -> None:
        """Consul answers, but not for this service: what waited for its addresses goes on."""
        if self.discovery.undecided(service):
            self.discovery.failed(service)
            self._add(self.table.unsettled(service))

    def _add(self, keys: set[Key]) -> None:
        for key in keys:
            self.queue.add(key, Priority.CHANGE)

    def consul_reachable(self, reachable: bool) -> None:
        """Consul answers, or does not any more: statuses stay, and the outage is told once."""
        if reachable == self.discovery.reachable:
            return
        waited = [service for service in self.table.services() if self.discovery.undecided(service)]
        self.discovery.reachable = reachable
        for service in waited:
            self._add(self.table.unsettled(service))
        if reachable:
            self._announcer.operator("Normal", "ConsulReachable", "Consul answers again")
        else:
            self._announcer.operator("Warning", "ConsulUnreachable", "Consul does not answer; its last answers stay")

    def _follow(self, transition: Transition, priority: Priority, *, status_known: bool = False) -> None:
        if transition.after is not None:
            self.deletions.forget(transition.key)
        impact = self.table.take(transition)
        for key in impact.gateway:
            self.queue.add(key, priority)
        for key in impact.status if not status_known else ():
            self._mark(key)
        if impact.services:
            self._follow_services_soon()

    def _follow_services_soon(self) -> None:
        """Once for all transitions of one turn of the loop: a list brings thousands."""
        if not self._services_changed:
            self._services_changed = True
            asyncio.get_running_loop().call_soon(self._follow_services)

    def _follow_services(self) -> None:
        self._services_changed = False
        services = self.table.services()
        self.discovery.follow(services)
        if self._follower is not None:
            self._follower.follow(services)

    def _mark(self, key: Key, priority: Priority = Priority.BULK) -> None:
        pending = len(self.queue)
        self.status.mark(key, hold=pending > BULK and priority is Priority.BULK and self.gate.is_open)
        if pending <= BULK:
            self.status.release()

    def _gate_changed(self) -> None:
        for key in self.progress.unsettled():
            self.status.mark(key)
        self.status.release()
        outage = self.gate.outage
        if outage is not None:
            self._announcer.operator("Warning", outage.reason, outage.message)
        else:
            self._announcer.operator("Normal", "GatewayReachable", "the gateway answers again")
            # It may have lost its data, and what was tried while it was away is not known.
            self.rounds.soon(after_outage=True)

    async def run(self, watch: Callable[[], Awaitable[None]]) -> None:
        """Work until cancelled; `watch` is one run of the watch, and may fail."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.lists.run(self._options.drift_interval), name="lists")
                tasks.create_task(self.rounds.run(self._options.drift_interval), name="rounds")
                tasks.create_task(self._learn_origin(), name="origin")
                for number in range(_STATUS_WORKERS):
                    tasks.create_task(self.status.work(), name=f"status-{number}")
                for number in range(self._options.concurrency):
                    tasks.create_task(self._write(), name=f"gateway-{number}")
                await self._handed_over()
                tasks.create_task(self.watching.keep(watch), name="watch")
        finally:
            await self.gate.aclose()
            await self.deletions.aclose()

    async def _learn_origin(self) -> None:
        await self.lists.first.wait()
        await self.deletions.learn_origin()

    async def _write(self) -> None:
        """One worker of the gateway lane: nothing is written before it is known what is there."""
        await self.rounds.gateway_listed.wait()
        await self._lane.work()

    async def _handed_over(self) -> None:
        """Return when the first pass is done: kopf's own LIST would compete with it for the CPU.

        It does not wait for a gateway that is away: changes are followed, and told in statuses, meanwhile. Where the
        EchoRoutes cannot be listed yet, the watch could not either, and would only say so a second time.
        """
        await self.lists.first.wait()
        first_pass = asyncio.create_task(self._first_pass())
        latest = self._clock() + _LONGEST_WAIT
        left = -1
        try:
            while not first_pass.done() and self._clock() < latest:
                before, left = left, len(self.queue) + self.status.waiting
                if left == before:
                    return
                await asyncio.wait({first_pass}, timeout=_STALLED)
        finally:
            first_pass.cancel()

    async def _first_pass(self) -> None:
        await self.rounds.gateway_asked.wait()
        if self.gate.is_open:
            await self.queue.idle()
        self.status.release()
        await self.status.idle()
