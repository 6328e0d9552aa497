"""What Consul says of the services in use, as those who resolve them see it, and with its age."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from echoroute.api.selection import Selection, Service
from echoroute.core.addresses import Networks
from echoroute.core.facts import Answered, NotConfigured, Unanswered
from echoroute.core.inputs import Addresses
from echoroute.core.instances import Discovered, Instance, needs_ipv6
from echoroute.core.nodes import Instances, Nodes
from echoroute.core.reasons import Reason
from echoroute.engine.view import View
from echoroute.gateway.version import FIRST_WITH_IPV6, apisix_version

log = logging.getLogger(__name__)

_SETTLE = 1.0
"""Seconds for which a status waits for the first answer on a service, so that one patch tells all."""


@dataclass(slots=True)
class _Service:
    asked_at: float
    answer: Instances | None = None
    """None while Consul has not answered."""
    trouble: Reason | None = None
    """Why it did not, the last time."""
    views: dict[Selection, View] = field(default_factory=dict)


class Discovery:
    """The newest answers, by service. `clock` gives the event loop's time in seconds.

    Where some addresses are forbidden, a service has to be known before a route to it is written. Errors change
    nothing of what is known.
    """

    def __init__(self, *, configured: bool, forbidden: Networks, clock: Callable[[], float]) -> None:
        self.configured = configured
        self._forbidden = forbidden
        self._guarded = configured and bool(forbidden)
        self._clock = clock
        self._server: str | None = None  # not heard of yet
        self._told_of_ipv6 = False
        self._services: dict[Service, _Service] = {}
        self.reachable = True

    def follow(self, selections: Iterable[Selection]) -> None:
        """These are in use: expect answers."""
        for selection in selections:
            if selection.service not in self._services:
                self._services[selection.service] = _Service(asked_at=self._clock())
            self._view(selection)

    def forget(self, selections: Iterable[Selection]) -> None:
        """These are not in use any more. Others of the same service are followed before: its last answer stays then."""
        for selection in selections:
            state = self._services.get(selection.service)
            if state is not None:
                state.views.pop(selection, None)
                if not state.views:
                    del self._services[selection.service]

    def answered(self, service: Service, instances: tuple[Instance, ...]) -> list[Selection]:
        """Take an answer of Consul's; gives the selections of which something else is known now."""
        state = self._services.get(service)
        if state is None:
            return []
        state.answer, state.trouble = Instances(instances, forbidden=self._forbidden), None
        return self._look(state)

    def failed(self, service: Service, reason: Reason) -> list[Selection]:
        """The query of this service alone failed; gives the selections of which that is news."""
        state = self._services.get(service)
        if state is None or state.trouble is reason:
            return []
        state.trouble = reason
        return list(state.views)

    def gateway_is(self, server: str) -> list[Selection]:
        """Take what the gateway calls itself; gives the selections that it sees otherwise than was thought."""
        if server == self._server:
            return []
        self._server = server
        return [selection for state in self._services.values() for selection in self._look(state)]

    def addresses(self, selection: Selection) -> Addresses:
        """What evaluation has to know of where a service is (`echoroute.core.inputs.Inputs`).

        While Consul is away, or fails to answer for this service, nothing is held up: the gateway does not learn of new
        instances either.
        """
        state, view = self._services.get(selection.service), self._view(selection)
        seen = view.seen if view else None
        if self._guarded and self.reachable and seen is None and not (state and state.trouble):
            return Addresses(known=False)
        return Addresses(forbidden=seen.forbidden if isinstance(seen, Discovered) else "")

    def nodes(self, selection: Selection) -> Nodes | None:
        """What the operator is to write (`echoroute.core.inputs.Inputs`); None while Consul has not answered."""
        view = self._view(selection)
        return view.seen if view and isinstance(view.seen, Nodes) else None

    def fact(self, selection: Selection) -> NotConfigured | Unanswered | Answered:
        """What is known of a selection now."""
        if not self.configured:
            return NotConfigured()
        state, view = self._services.get(selection.service), self._view(selection)
        fact = view.fact(self._clock()) if view else None
        return fact or Unanswered(state.trouble if state and state.trouble else Reason.CONSUL_UNREACHABLE)

    def settles_in(self, selections: Iterable[Selection]) -> float:
        """For how many seconds it is worth to wait for the first answers on these."""
        if not self.configured or not self.reachable:
            return 0.0
        states = (self._services.get(selection.service) for selection in selections)
        begun = (state.asked_at for state in states if state and state.answer is None and not state.trouble)
        return max(0.0, max(begun, default=float("-inf")) + _SETTLE - self._clock())

    def _view(self, selection: Selection) -> View | None:
        """None where nobody follows its service yet."""
        state = self._services.get(selection.service)
        if state is None:
            return None
        view = state.views.get(selection)
        if view is None:
            view = state.views[selection] = View(selection)
            if state.answer is not None:
                self._take(view, state.answer)
        return view

    def _look(self, state: _Service) -> list[Selection]:
        """Judge the last answer; gives the selections that are seen otherwise than before."""
        if state.answer is None:
            return []
        self._tell_of_ipv6(state)
        return [selection for selection, view in state.views.items() if self._take(view, state.answer)]

    def _take(self, view: View, answer: Instances) -> bool:
        version = apisix_version(self._server or "")
        ipv6 = version is None or version >= FIRST_WITH_IPV6
        return view.take(answer, self._clock(), ipv6=ipv6)

    def _tell_of_ipv6(self, state: _Service) -> None:
        """Say once that it is not known whether the gateway can use some instances."""
        untold = self._server is not None and apisix_version(self._server) is None and not self._told_of_ipv6
        seen = [selection.service for selection, view in state.views.items() if not isinstance(view.seen, Nodes)]
        if untold and seen and state.answer and needs_ipv6(state.answer.all):
            self._told_of_ipv6 = True
            log.warning(
                "service %s has instances with IPv6 addresses; the gateway does not tell its version, so they count as "
                "usable, which they are from APISIX 3.18 on",
                seen[0],
            )
