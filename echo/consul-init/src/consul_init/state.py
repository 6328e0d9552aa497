"""What Consul says of this instance, for whoever wants to know: the log, the application, a readiness probe."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum

from consul_init.hints import hint_for
from consul_init.log import Log
from consul_init.registration import FoundInstance

# Seconds of a failing check before it is told: a service that starts, or a single bad answer, is no trouble.
_TOLD_AFTER = 5.0
# Seconds between two lines about a check that goes on failing with another output.
_TOLD_AGAIN = 60.0


class State(StrEnum):
    """Where the instance is."""

    OFF = "off"
    """Nothing is registered here: SERVICE_REGISTER is false, or there is no control socket."""
    WAITING = "waiting"
    """Another process keeps this instance."""
    UNREGISTERED = "unregistered"
    """Not in Consul yet, or not any more."""
    CRITICAL = "critical"
    WARNING = "warning"
    PASSING = "passing"
    LEFT = "left"
    """It was told to leave."""


_FINAL = frozenset({State.OFF, State.LEFT})
REGISTERED = frozenset({State.CRITICAL, State.WARNING, State.PASSING})

OnChange = Callable[[State, str], object]


class Observed:
    """The state and the output of Consul's check. Written by one thread, read and waited for by any."""

    def __init__(self, log: Log, on_change: OnChange | None = None) -> None:
        """`on_change` is called with each new state and the check's output, in the keeper's thread."""
        self.state = State.UNREGISTERED
        self.output = ""
        self._log = log
        self._on_change = on_change
        self._changed = threading.Condition()
        self._bad_since: float | None = None
        self._told: tuple[State, str] | None = None
        self._told_at = 0.0

    def become(self, state: State, output: str = "") -> None:
        """Note it, and let the others know if it is new."""
        with self._changed:
            before, self.state, self.output = self.state, state, output
            self._changed.notify_all()
        if before is not state and self._on_change is not None:
            try:
                self._on_change(state, output)
            except Exception:  # noqa: BLE001 - the application's
                self._log.exception("on_change failed")

    def wait_for(self, states: frozenset[State], timeout: float | None) -> bool:
        """False when it is in none of them after `timeout` seconds, or never will be."""
        with self._changed:
            self._changed.wait_for(lambda: self.state in states or self.state in _FINAL, timeout)
            return self.state in states

    def notice(self, found: FoundInstance) -> None:
        """What Consul's agent holds now. A check that fails is told after a while, and when it passes again."""
        try:
            state = State(found.status)
        except ValueError:  # maintenance: the operator of the cluster has taken it out
            state = State.CRITICAL
        now = time.monotonic()
        if state is State.PASSING:
            self._bad_since = None
            if self._told is None or self._told[0] is not state:
                self._log.info("passing: Consul's check finds it good")
                self._told = (state, "")
        else:
            self._bad_since = self._bad_since or now
            if now - self._bad_since >= _TOLD_AFTER:
                self._tell_failing(state, found.output, now)
        self.become(state, found.output)

    def failing_for(self) -> float:
        """Seconds since Consul's check last was good; 0 where it is."""
        return 0.0 if self._bad_since is None else time.monotonic() - self._bad_since

    def _tell_failing(self, state: State, output: str, now: float) -> None:
        told = (state, output)
        if self._told == told or (self._told and self._told[0] is state and now - self._told_at < _TOLD_AGAIN):
            return
        self._told, self._told_at = told, now
        self._log.warning(
            "registered, and gets no traffic: Consul's check is %s: %s%s",
            state,
            output or "no answer yet",
            hint_for(output),
        )
