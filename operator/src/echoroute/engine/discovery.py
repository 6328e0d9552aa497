"""What Consul says of the services in use, as facts with their age."""

from collections.abc import Callable
from dataclasses import dataclass, field

from echoroute.core.facts import Answered, Lack, NotConfigured, Unanswered

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
    healthy: _Count = field(default_factory=_Count)
    total: _Count = field(default_factory=_Count)
    forbidden: str = ""
    failed: bool = False

    @property
    def answered(self) -> bool:
        return self.total.number >= 0


class Discovery:
    """The newest answers, by service. `clock` gives the event loop's time in seconds.

    With `guarded` some addresses are forbidden, and a service has to be known before a route to it is written.
    """

    def __init__(self, *, configured: bool, guarded: bool, clock: Callable[[], float]) -> None:
        self._configured = configured
        self._guarded = configured and guarded
        self._clock = clock
        self._services: dict[str, _Service] = {}
        self.reachable = True

    def follow(self, services: set[str]) -> None:
        """Forget what is no longer in use, and expect an answer for what is new."""
        for service in self._services.keys() - services:
            del self._services[service]
        for service in services - self._services.keys():
            self._services[service] = _Service(asked_at=self._clock())

    def answered(self, service: str, *, healthy: int, total: int, forbidden: str = "") -> bool:
        """Take an answer of Consul's; gives whether the verdict on the service's addresses is another one."""
        state = self._services.get(service)
        if state is None:
            return False
        now = self._clock()
        before, state.forbidden = state.forbidden, forbidden
        state.healthy.take(healthy, now)
        state.total.take(total, now)
        return state.forbidden != before

    def failed(self, service: str) -> None:
        """The query of this service alone failed."""
        state = self._services.get(service)
        if state is not None:
            state.failed = True

    def undecided(self, service: str) -> bool:
        """Whether it is not known yet if the service has a forbidden address: then a route to it is not written.

        While Consul is away, or fails to answer for this service, nothing is held up: the gateway does not learn of new
        instances either.
        """
        state = self._services.get(service)
        if not self._guarded or not self.reachable:
            return False
        return state is None or not (state.answered or state.failed)

    def forbidden(self, service: str) -> str:
        """The service's instance at a forbidden address, as `id (address)`; empty where there is none."""
        state = self._services.get(service)
        return state.forbidden if state is not None else ""

    def fact(self, service: str) -> NotConfigured | Unanswered | Answered:
        """What is known of a service now."""
        if not self._configured:
            return NotConfigured()
        state = self._services.get(service)
        if state is None or not state.answered:
            return Unanswered()
        now = self._clock()
        return Answered(state.healthy.number, state.total.number, state.healthy.lack(now), state.total.lack(now))

    def settles_in(self, service: str) -> float:
        """For how many seconds it is worth to wait for the first answer on a service."""
        state = self._services.get(service)
        if not self._configured or not self.reachable or state is None or state.answered:
            return 0.0
        return max(0.0, state.asked_at + _SETTLE - self._clock())
