"""Which claims have lost, against whom, and for what each of them waits."""

from collections.abc import Iterable
from dataclasses import dataclass

from echoroute.core.claims import Claim, Conflict, Pair
from echoroute.core.objects import Key


@dataclass(frozen=True, slots=True)
class _Loss:
    conflict: Conflict
    waits_for: tuple[Pair, ...]


class Losses:
    """The losses by key, and who waits for each pair."""

    def __init__(self) -> None:
        self._losses: dict[Key, _Loss] = {}
        self._waiters: dict[Pair, set[Key]] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._losses

    def conflict(self, key: Key) -> Conflict | None:
        """What the key lost against, if it lost."""
        loss = self._losses.get(key)
        return loss.conflict if loss else None

    def waiting(self, pairs: Iterable[Pair]) -> set[Key]:
        """Those that wait for one of these pairs."""
        return {key for pair in pairs for key in self._waiters.get(pair, ())}

    def note(self, key: Key, claim: Claim, conflict: Conflict) -> None:
        """A claim has lost: it waits for that pair, and for those before it, in which it may lose first later on."""
        waits_for = claim.pairs[: claim.pairs.index(conflict.pair) + 1]
        self._losses[key] = _Loss(conflict, waits_for)
        for pair in waits_for:
            self._waiters.setdefault(pair, set()).add(key)

    def forget(self, key: Key) -> None:
        """It waits for nothing any more, or is about to be judged anew."""
        loss = self._losses.pop(key, None)
        for pair in loss.waits_for if loss else ():
            waiters = self._waiters[pair]
            waiters.discard(key)
            if not waiters:
                del self._waiters[pair]

    def clear(self) -> None:
        """Nobody has lost."""
        self._losses.clear()
        self._waiters.clear()
