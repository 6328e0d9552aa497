"""The desired side: what all EchoRoutes ask for, and what is known of the services that they name.

It lives as long as the process, on a standby, too. Whoever has seen something tells it here; what follows for a key is
told to the term of office, if there is one.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from echoroute.api.selection import Resolver, Service
from echoroute.core.inputs import Input
from echoroute.core.instances import Instance
from echoroute.core.objects import Key
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry, Seen
from echoroute.engine.announcer import Announcer
from echoroute.engine.discovery import Discovery
from echoroute.engine.options import Options
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Priority
from echoroute.engine.source import ServiceFollower
from echoroute.engine.store import Store, Transition
from echoroute.engine.table import Table
from echoroute.errors import ConsulAccessDenied, ConsulError, UnknownDatacenter

log = logging.getLogger(__name__)

_WEIGHTED_AT_MOST = 256
"""So many pickers of weighted nodes a worker of APISIX keeps (measured: with 400 a tenth of the traffic gets 1 %)."""


class Term(Protocol):
    """Who writes, as long as its term lasts."""

    def changed(self, key: Key, priority: Priority) -> None:
        """What is asked for the key may be another."""

    def mark(self, key: Key, priority: Priority) -> None:
        """The status of the key may be another."""


class DesiredSide:
    """`term` is who writes now, None on a standby."""

    def __init__(
        self, options: Options, *, follower: ServiceFollower | None, announcer: Announcer, clock: Callable[[], float]
    ) -> None:
        self._follower = follower
        self._announcer = announcer
        self._services_changed = False
        self._told_of_weights = False
        self.term: Term | None = None
        self.store = Store()
        self.discovery = Discovery(configured=follower is not None, forbidden=options.forbidden, clock=clock)
        self.progress = Progress(clock, self._mark)
        self.table = Table(owner=options.owner, policy=options.policy, inputs=self.discovery, progress=self.progress)

    def hear(self, key: Key, version: int, *, deleted: bool, read: Callable[[], Seen]) -> None:
        """Take an event of a source; its object is read only where it may be news.

        Each status patch comes back as an event. To read whole objects for that alone is much of what they cost.
        """
        if deleted or self.store.is_news(key, version):
            self.offer(read())

    def offer(self, seen: Seen) -> None:
        """Take what a source saw."""
        transition = self.store.offer(seen)
        if transition is not None:
            self.follow(transition, Priority.CHANGE)
        elif self.store.ended(seen.key) is not None:
            self._changed((seen.key,), Priority.CHANGE)  # a list had it gone before its delete event came

    def offer_patched(self, computed_for: Entry, answer: Seen, as_computed: bool) -> None:
        """Take what the source answered to a status patch; `as_computed` tells whether that is the status now.

        It is offered like any other. But where it brings that status alone, this need not be computed again: what else
        may change it marks the key by itself.
        """
        route = self.table.get(answer.key)
        transition = self.store.offer(answer)
        if transition is None:
            return
        known = as_computed and route is not None and route.entry is computed_for
        self.follow(transition, Priority.CHANGE, status_known=known)

    def follow(self, transition: Transition, priority: Priority, *, status_known: bool = False) -> None:
        """Follow a change of the store."""
        impact = self.table.take(transition)
        self._changed(impact.gateway, priority)
        for key in impact.status if not status_known else ():
            self._mark(key)
        if self.table.uses.has_changed:
            self._follow_services_soon()

    def service_answered(self, service: Service, instances: tuple[Instance, ...]) -> None:
        """Take an answer of Consul's on a service in use."""
        self._learned(self.discovery.answered(service, instances))

    def service_failed(self, service: Service, error: ConsulError) -> None:
        """Consul answers, but not for this service: what waited for its addresses goes on."""
        self._learned(self.discovery.failed(service, _reason(error)))

    def gateway_is(self, server: str) -> None:
        """Take what the gateway calls itself: it depends on its version which instances it can use."""
        self._learned(self.discovery.gateway_is(server))

    def _learned(self, inputs: Iterable[Input]) -> None:
        """Something else is known of these: what is asked for may be another, and statuses."""
        inputs = list(inputs)
        self._changed(self.table.refresh(inputs), Priority.CHANGE)
        for input_ in inputs:
            for key in self.table.uses.of(input_):
                self._mark(key)
        self._tell_of_weights()

    def _tell_of_weights(self) -> None:
        """Say once that there are more weighted Upstreams than a worker of the gateway keeps in mind."""
        if self.table.weighted > _WEIGHTED_AT_MOST and not self._told_of_weights:
            self._told_of_weights = True
            log.warning(
                "%d Upstreams have instances of unequal weights in Consul; a worker of APISIX keeps the turns of %d. "
                "The others start at the heaviest instance again and again: give the instances of a service one weight",
                self.table.weighted,
                _WEIGHTED_AT_MOST,
            )

    def consul_reachable(self, reachable: bool) -> None:
        """Consul answers, or does not any more: statuses stay, and the outage is told once."""
        if reachable == self.discovery.reachable:
            return
        self.discovery.reachable = reachable
        self._changed(self.table.refresh(self.table.uses), Priority.CHANGE)
        if reachable:
            self._announcer.operator("Normal", "ConsulReachable", "Consul answers again")
        else:
            self._announcer.operator(
                "Warning", "ConsulUnreachable", "Consul does not answer; its last answers stay in use"
            )

    def forget_gateway(self) -> None:
        """A term begins, which knows nothing of the gateway yet."""
        self.table.claims.forget_serving()
        self.progress.begin_all()

    def stand_by(self, *, standing_by: bool) -> None:
        """Whether another replica leads."""
        if self._follower is not None:
            self._follower.stand_by(standing_by=standing_by)

    def _changed(self, keys: Iterable[Key], priority: Priority) -> None:
        if self.term is not None:
            for key in keys:
                self.term.changed(key, priority)

    def _mark(self, key: Key, priority: Priority = Priority.BULK) -> None:
        if self.term is not None:
            self.term.mark(key, priority)

    def _follow_services_soon(self) -> None:
        """Once for all transitions of one turn of the loop: a list brings thousands."""
        if not self._services_changed:
            self._services_changed = True
            asyncio.get_running_loop().call_soon(self._follow_services)

    def _follow_services(self) -> None:
        self._services_changed = False
        uses = self.table.uses
        changed = uses.take_changed()
        self.discovery.follow({selection for selection in changed if selection in uses})
        self.discovery.forget({selection for selection in changed if selection not in uses})
        if self._follower is None:
            return
        for service in {selection.service for selection in changed}:
            if resolvers := uses.resolvers(service):
                self._follower.follow(service, resolved=Resolver.OPERATOR in resolvers)
            else:
                self._follower.forget(service)


def _reason(error: ConsulError) -> Reason:
    """Why a service is not known, as a condition says it."""
    match error:
        case ConsulAccessDenied():
            return Reason.CONSUL_ACCESS_DENIED
        case UnknownDatacenter():
            return Reason.DATACENTER_NOT_FOUND
        case _:
            return Reason.CONSUL_UNREACHABLE
