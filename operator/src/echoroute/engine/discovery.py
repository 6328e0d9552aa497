"""What Consul says of the services in use, as facts with their age."""

from collections.abc import Callable
from dataclasses import dataclass

from echoroute.core.facts import Answered, NotConfigured, Unanswered

_SETTLE = 1.0
"""Seconds for which a status waits for the first answer on a service, so that one patch tells all."""


@dataclass(slots=True)
class _Service:
    asked_at: float
    healthy: int = -1  # -1: not answered yet
    total: int = 0
    seen_healthy: bool = False
    unhealthy_since: float = 0.0


class Discovery:
    """The newest answers, by service. `clock` gives the event loop's time in seconds."""

    def __init__(self, *, configured: bool, clock: Callable[[], float]) -> None:
        self._configured = configured
        self._clock = clock
        self._services: dict[str, _Service] = {}
        self.reachable = True

    def follow(self, services: set[str]) -> None:
        """Forget what is no longer in use, and expect an answer for what is new."""
        for service in self._services.keys() - services:
            del self._services[service]
        for service in services - self._services.keys():
            self._services[service] = _Service(asked_at=self._clock())

    def answered(self, service: str, *, healthy: int, total: int) -> None:
        """Take an answer of Consul's."""
        state = self._services.get(service)
        if state is None:
            return
        if healthy == 0 and state.healthy != 0:
            state.unhealthy_since = self._clock()
        state.healthy, state.total = healthy, total
        state.seen_healthy = state.seen_healthy or healthy > 0

    def fact(self, service: str) -> NotConfigured | Unanswered | Answered:
        """What is known of a service now."""
        if not self._configured:
            return NotConfigured()
        state = self._services.get(service)
        if state is None or state.healthy < 0:
            return Unanswered()
        unhealthy_for = 0.0 if state.healthy else self._clock() - state.unhealthy_since
        return Answered(state.healthy, state.total, state.seen_healthy, unhealthy_for)

    def settles_in(self, service: str) -> float:
        """For how many seconds it is worth to wait for the first answer on a service."""
        state = self._services.get(service)
        if not self._configured or not self.reachable or state is None or state.healthy >= 0:
            return 0.0
        return max(0.0, state.asked_at + _SETTLE - self._clock())
