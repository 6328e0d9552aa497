"""Requests on routes that nobody changes, and which failures of theirs a fault explains."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx
from devstack.handles.gateway import GatewayApi
from devstack.waiting import until

_PAUSE = 0.02
"""Seconds between two requests: fifty a second, at most."""

RECOVERY = 150.0
"""Seconds after a fault within which the routes serve again: a Lease, the longest backoff (60 s), and a drift interval.

That of 5 s grows up to tenfold where the gateway's list takes long, as on a busy machine.
"""


@dataclass(slots=True)
class Window:
    """While requests may fail, and why."""

    why: str
    began: float
    ended: float = float("inf")


@dataclass
class Traffic:
    """As a context manager: asks one path after the other, whatever the answers."""

    gateway: GatewayApi
    paths: list[str]
    windows: list[Window] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[float, float, str]] = field(default_factory=list)
    """From when to when each took, and how it ended."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def _run(self) -> None:
        with httpx.Client(base_url=self.gateway.url, timeout=5, trust_env=False) as client:
            number = 0
            while not self._stop.wait(_PAUSE):
                began = time.monotonic()
                try:
                    outcome = str(client.get(self.paths[number % len(self.paths)]).status_code)
                except httpx.TransportError as error:
                    outcome = type(error).__name__
                self.outcomes[outcome] += 1
                if outcome != "200":
                    self.failures.append((began, time.monotonic(), outcome))
                number += 1

    def serves(self) -> bool:
        """Whether every one of the routes answers now."""
        try:
            return all(self.gateway.request(path).status_code == httpx.codes.OK for path in self.paths)
        except httpx.TransportError:
            return False

    def excuse(self, why: str) -> Window:
        """From now on requests may fail."""
        self.windows.append(Window(why, time.monotonic()))
        return self.windows[-1]

    def recovered(self, window: Window) -> float:
        """Wait until all routes serve again; gives the seconds that it took. Raises AssertionError when they do not."""
        took = until(self.serves, f"all routes serve again after {window.why}", timeout=RECOVERY)
        window.ended = time.monotonic()
        return took

    def unexplained(self) -> list[tuple[float, float, str]]:
        """The failures of requests that were at no time under way while one might fail."""
        return [
            failure
            for failure in self.failures
            if not any(window.began <= failure[1] and failure[0] <= window.ended for window in self.windows)
        ]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
