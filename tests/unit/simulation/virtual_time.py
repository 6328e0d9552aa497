"""An event loop whose time passes only when nothing is left to do: hours of backoff and rounds in milliseconds."""

import asyncio
import random
import selectors
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")

_FREE_TURNS = 100
"""Turns of the loop that take no time. A timer may come by a rounding error early; who waits for the rest of its time
would wait for ever where none passes.
"""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Its `time` starts at 0 and jumps to the next timer when no callback is ready."""

    def __init__(self) -> None:
        self._now = 0.0
        self.drag = 0.0
        """Seconds that each turn of the loop may take: a CPU that others use."""
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._now

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        # A hair more, since a timer is due when its time is past by the clock's resolution.
        self._now += seconds + 1e-6


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._turns = 0
        """How many there were in a row that took no time."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits for another one: nothing will ever happen")
        self._turns = self._turns + 1 if timeout == 0 else 0
        if (not ready and timeout) or self._turns == _FREE_TURNS:
            self._loop.jump(timeout or 0.0)
            self._turns = 0
        if self._loop.drag:
            self._loop.jump(random.uniform(0.0, self._loop.drag))  # noqa: S311 - a schedule, not a secret
        return ready


def run_in_virtual_time(work: Coroutine[object, object, T]) -> T:
    """Run to the end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
