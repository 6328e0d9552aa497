"""When what the gateway rejected is asked for again: its plugins may be switched on, and its schemas change.

That is rarely, and once when the gateway was away. All of them may be due at once: they come after everything else, and
one a second at most.
"""

from collections.abc import Callable

from echoroute.core.objects import Key
from echoroute.engine.queue import Priority, WorkQueue

INTERVAL = 25 * 60.0
"""Seconds from one try to the next: the longest pause between two rounds is within the half hour that we promise."""

SPACING = 1.0
"""Seconds between the tries of any two."""


class Rejected:
    """`clock` gives the event loop's time in seconds."""

    def __init__(self, queue: WorkQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._back_at = float("-inf")
        self._next_turn = 0.0

    def gateway_is_back(self) -> None:
        """What was rejected before may be taken now."""
        self._back_at = self._clock()

    def ask_again(self, key: Key, rejected_at: float) -> None:
        """Queue one that was rejected then, if it is due."""
        now = self._clock()
        if rejected_at < max(self._back_at, now - INTERVAL):
            turn = max(now, self._next_turn)
            self._next_turn = turn + SPACING
            self._queue.add_after(key, Priority.BULK, turn - now)
