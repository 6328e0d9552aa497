"""What Consul says of the services in use, as facts with their age."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from echoroute.core.addresses import Networks
from echoroute.core.facts import Answered, Lack, NotConfigured, Unanswered
from echoroute.core.inputs import Service
from echoroute.core.instances import Discovered, Instance, discovered, needs_ipv6
from echoroute.gateway.version import FIRST_WITH_IPV6, apisix_version

log = logging.getLogger(__name__)

_SETTLE = 1.0
"""Seconds for which a status waits for the first answer on a service, so that one patch tells all."""


@dataclass(slots=True)
class _Count:
    """How many there are, and since when there has been none."""

    number: int = -1  # -1: not answered yet
    seen: bool = False
    none_since: float = 0.0

    def take(self, number: int, now: float) -> None:
        if number == 0 and self.number != 0:
            self.none_since = now
        self.number = number
        self.seen = self.seen or number > 0

    def lack(self, now: float) -> Lack:
        return Lack(0.0 if self.number else now - self.none_since, self.seen)


@dataclass(slots=True)
class _Service:
    asked_at: float
    instances: tuple[Instance, ...] = ()
    seen: Discovered = field(default_factory=Discovered)
    healthy: _Count = field(default_factory=_Count)
    total: _Count = field(default_factory=_Count)
    unusable_since: float = 0.0
    failed: bool = False
    denied: bool = False

    @property
    def answered(self) -> bool:
        return self.total.number >= 0


class Discovery:
    """The newest answers, by service. `clock` gives the event loop's time in seconds.

    Where some addresses are forbidden, a service has to be known before a route to it is written.
    """

    def __init__(self, *, configured: bool, forbidden: Networks, clock: Callable[[], float]) -> None:
        self._configured = configured
        self._forbidden = forbidden
        self._guarded = configured and bool(forbidden)
        self._clock = clock
        self._server: str | None = None  # not heard of yet
        self._told_of_ipv6 = False
        self._services: dict[str, _Service] = {}
        self.reachable = True

    def follow(self, services: set[str]) -> None:
        """Forget what is no longer in use, and expect an answer for what is new."""
        for service in self._services.keys() - services:
            del self._services[service]
        for service in services - self._services.keys():
            self._services[service] = _Service(asked_at=self._clock())

    def answered(self, service: str, instances: tuple[Instance, ...]) -> None:
        """Take an answer of Consul's."""
        state = self._services.get(service)
        if state is not None:
            state.instances, state.denied = instances, False
            self._judge(service, state)

    def gateway_is(self, server: str) -> list[str]:
        """Take what the gateway calls itself; gives the services that it sees otherwise than was thought."""
        if server == self._server:
            return []
        self._server = server
        changed = []
        for service, state in self._services.items():
            before = state.seen
            if state.answered:
                self._judge(service, state)
            if state.seen != before:
                changed.append(service)
        return changed

    def _judge(self, service: str, state: _Service) -> None:
        now = self._clock()
        version = apisix_version(self._server or "")
        was_usable = not state.seen.unusable
        ipv6 = version is None or version >= FIRST_WITH_IPV6
        state.seen = discovered(service, state.instances, forbidden=self._forbidden, ipv6=ipv6)
        state.healthy.take(state.seen.healthy, now)
        state.total.take(state.seen.total, now)
        if was_usable:
            state.unusable_since = now
        untold = self._server is not None and version is None and not self._told_of_ipv6
        if untold and needs_ipv6(state.instances):
            self._told_of_ipv6 = True
            log.warning(
                "service %r has instances with IPv6 addresses; the gateway does not tell its version, so they count as "
                "usable, which they are from APISIX 3.18 on",
                service,
            )

    def failed(self, service: str, *, denied: bool = False) -> None:
        """The query of this service alone failed; `denied`: because the operator's token may not read it."""
        state = self._services.get(service)
        if state is not None:
            state.failed, state.denied = True, denied

    def service(self, name: str) -> Service:
        """What evaluation has to know of a service (`echoroute.core.inputs.Inputs`).

        While Consul is away, or fails to answer for this service, nothing is held up: the gateway does not learn of new
        instances either.
        """
        state = self._services.get(name)
        if self._guarded and self.reachable and not (state and (state.answered or state.failed)):
            return Service(known=False)
        return Service(forbidden=state.seen.forbidden if state else "")

    def fact(self, service: str) -> NotConfigured | Unanswered | Answered:
        """What is known of a service now."""
        if not self._configured:
            return NotConfigured()
        state = self._services.get(service)
        if state is None or not state.answered:
            return Unanswered(denied=state is not None and state.denied)
        now = self._clock()
        seen = state.seen
        return Answered(
            healthy=seen.healthy,
            total=seen.total,
            lack_of_healthy=state.healthy.lack(now),
            lack_of_any=state.total.lack(now),
            failing=seen.failing,
            unusable=seen.unusable,
            unusable_for=now - state.unusable_since if seen.unusable else 0.0,
            missed=seen.missed,
        )

    def settles_in(self, service: str) -> float:
        """For how many seconds it is worth to wait for the first answer on a service."""
        state = self._services.get(service)
        if not self._configured or not self.reachable or state is None or state.answered or state.failed:
            return 0.0
        return max(0.0, state.asked_at + _SETTLE - self._clock())
