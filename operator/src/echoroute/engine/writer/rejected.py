"""What the gateway rejected, and when it is asked for again: its plugins may be switched on, and its schemas change.

That is rarely, and once when the gateway was away. All of them may be due at once: they come after everything else, and
one a second at most. Until then the EchoRoute is kept as it was, whatever else there is to do for it.
"""

from collections.abc import Callable
from typing import NamedTuple

from echoroute.core.objects import Key
from echoroute.core.plan import Wanted
from echoroute.engine.queue import Priority, WorkQueue

INTERVAL = 25 * 60.0
"""Seconds from one try to the next: the longest pause between two rounds is within the half hour that we promise."""

SPACING = 1.0
"""Seconds between the tries of any two."""


class Asked(NamedTuple):
    """What was asked of the gateway for a key: a revision, with the nodes that it had."""

    revision: int
    wanted: Wanted | None


class Rejected:
    """`clock` gives the event loop's time in seconds."""

    def __init__(self, queue: WorkQueue, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._clock = clock
        self._back_at = float("-inf")
        self._next_turn = 0.0
        self._known: dict[Key, tuple[Asked, float]] = {}

    def gateway_is_back(self) -> None:
        """What was rejected before may be taken now."""
        self._back_at = self._clock()

    def note(self, key: Key, asked: Asked) -> None:
        """The gateway has rejected it just now."""
        self._known[key] = (asked, self._clock())

    def forget(self, key: Key) -> None:
        """The gateway has what is asked for, or nothing is."""
        self._known.pop(key, None)

    def stands(self, key: Key, asked: Asked) -> bool:
        """Whether this was rejected, and it is too early to ask for it again."""
        return key in self._known and self._known[key][0] == asked and not self._is_due(key)

    def ask_again(self, key: Key) -> None:
        """Queue one that was rejected, if it is due."""
        if self._is_due(key):
            now = self._clock()
            turn = max(now, self._next_turn)
            self._next_turn = turn + SPACING
            self._queue.add_after(key, Priority.BULK, turn - now)

    def _is_due(self, key: Key) -> bool:
        found = self._known.get(key)
        return found is None or found[1] < max(self._back_at, self._clock() - INTERVAL)
