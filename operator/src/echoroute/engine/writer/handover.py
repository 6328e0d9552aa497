"""Moving a host and path from one EchoRoute to another: who gets it is written before who gives it up.

Both mostly come with one `kubectl apply`, in either order. So a write that gives up a host and path, or a deletion,
waits a moment for another claim on it, and then until that one is confirmed. In between both serve it, so that nobody
gets a 404.
"""

from collections.abc import Callable
from dataclasses import dataclass

from echoroute.core.objects import Key
from echoroute.engine.progress import Progress
from echoroute.engine.table import Table

WINDOW = 0.3
"""Seconds for which another claim is waited for."""

LONGEST = 2.0
"""Seconds for which its write is waited for: it may be rejected, or have to wait itself."""


@dataclass(slots=True)
class _Move:
    """What one revision of a key gives up: since when, and since when others may have it."""

    revision: int
    began: float
    offered: float | None = None


class Handover:
    """Asked before each change that may give up something; `clock` gives the event loop's time in seconds."""

    def __init__(self, table: Table, progress: Progress, clock: Callable[[], float]) -> None:
        self._table = table
        self._progress = progress
        self._clock = clock
        self._moves: dict[Key, _Move] = {}

    def too_early(self, key: Key, revision: int) -> float:
        """For how many seconds another claim is waited for, though it may not be certain that the key gives up."""
        move = self._move(key, revision)
        return max(0.0, move.began + WINDOW - self._clock()) if move else 0.0

    def offer(self, key: Key, revision: int) -> set[Key]:
        """It is certain that the key gives up what it does not ask for; gives those that get some of it."""
        move = self._move(key, revision)
        if move is None or move.offered is not None:
            return set()
        move.offered = self._clock()
        return self._table.offer(key)

    def has_offered(self, key: Key) -> bool:
        """Whether it was certain that the key gives up what it does not ask for, and nothing has come between."""
        return self._table.claims.offers.is_open(key)

    def pause(self, key: Key, revision: int) -> float:
        """For how many seconds the change has to wait; who gets the last of it queues the key before that."""
        move, offers = self._move(key, revision), self._table.claims.offers
        if move is None or move.offered is None:
            return 0.0
        if offers.is_awaited(key):
            pause = move.offered + LONGEST - self._clock()
        elif offers.is_untaken(key):
            pause = move.began + WINDOW - self._clock()
        else:
            pause = 0.0
        return max(0.0, pause)

    def end(self, key: Key) -> set[Key]:
        """Nobody is waited for any more; gives those that are judged anew."""
        self._moves.pop(key, None)
        return self._table.end_offer(key)

    def _move(self, key: Key, revision: int) -> _Move | None:
        move = self._moves.get(key)
        if not self._table.claims.offers.gives_up(key):
            self._moves.pop(key, None)
            return None
        if move is None or move.revision != revision:
            began = self._progress.begun(key) if revision else self._clock()
            move = self._moves[key] = _Move(revision, began)
        return move
