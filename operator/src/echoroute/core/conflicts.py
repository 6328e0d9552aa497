"""Which EchoRoute has a host and path when several claim them: the older one, then namespace/name.

Two claims conflict when some pair (host, path) of theirs is equal, with equal priority and intersecting methods.
A refused claim counts for nothing, so that a third route which conflicts only with the refused one is served.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from echoroute.core.objects import Key

ANY_HOST = ""
_Slot = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one EchoRoute asks for: its pairs of host (`ANY_HOST` for none) and path, at one priority.

    `methods` is empty where the route takes all of them.
    """

    created: datetime
    pairs: tuple[tuple[str, str], ...]
    priority: int
    methods: frozenset[str]

    def slots(self) -> Iterable[_Slot]:
        return ((host, path, self.priority) for host, path in self.pairs)

    def meets(self, other: "Claim") -> bool:
        """Whether the methods of two claims on the same slot intersect."""
        return not self.methods or not other.methods or not self.methods.isdisjoint(other.methods)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A lost conflict: who has it, and the first pair that both claim."""

    winner: Key
    host: str
    path: str

    def __str__(self) -> str:
        where = self.path if self.host == ANY_HOST else f"{self.host}{self.path}"
        return f"{where} belongs to EchoRoute {self.winner}, which is older"


class Claims:
    """All claims, and the verdict on each. A change re-judges only the claims connected with it."""

    def __init__(self) -> None:
        self._claims: dict[Key, Claim] = {}
        self._by_slot: dict[_Slot, set[Key]] = {}
        self._lost: dict[Key, Conflict] = {}

    def conflict(self, key: Key) -> Conflict | None:
        """What the key lost against, or None where its claim stands (or there is none)."""
        return self._lost.get(key)

    def beaten_by(self, key: Key) -> list[Key]:
        """The keys that lost against this one: they are to be withdrawn before it is written."""
        return [other for other in self._neighbours(key) if self._is_lost_to(other, key)]

    def place(self, key: Key, claim: Claim | None) -> set[Key]:
        """Put, replace or (None) remove the claim of a key; gives the *other* keys whose verdict changed."""
        if self._claims.get(key) == claim:
            return set()
        connected = self._connected(key)
        self._remove(key)
        if claim is not None:
            self._claims[key] = claim
            for slot in claim.slots():
                self._by_slot.setdefault(slot, set()).add(key)
            connected |= self._connected(key)
        connected.discard(key)
        before = {other: self._lost.get(other) for other in connected}
        self._judge({*connected, key})
        return {other for other, verdict in before.items() if self._lost.get(other) != verdict}

    def _is_lost_to(self, key: Key, winner: Key) -> bool:
        lost = self._lost.get(key)
        return lost is not None and lost.winner == winner

    def _remove(self, key: Key) -> None:
        claim = self._claims.pop(key, None)
        self._lost.pop(key, None)
        for slot in claim.slots() if claim else ():
            members = self._by_slot.get(slot, set())
            members.discard(key)
            if not members:
                self._by_slot.pop(slot, None)

    def _neighbours(self, key: Key) -> set[Key]:
        claim = self._claims.get(key)
        if claim is None:
            return set()
        return {other for slot in claim.slots() for other in self._by_slot.get(slot, ())} - {key}

    def _connected(self, key: Key) -> set[Key]:
        found = {key} if key in self._claims else set()
        frontier = list(found)
        while frontier:
            new = self._neighbours(frontier.pop()) - found
            found |= new
            frontier.extend(new)
        return found

    def _judge(self, keys: Iterable[Key]) -> None:
        """Judge a closed group of connected claims, oldest first: whoever meets a standing claim has lost."""
        standing: dict[_Slot, list[Key]] = {}
        for key in sorted((key for key in keys if key in self._claims), key=self._age):
            claim = self._claims[key]
            conflict = self._first_conflict(claim, standing)
            if conflict is None:
                self._lost.pop(key, None)
                for slot in claim.slots():
                    standing.setdefault(slot, []).append(key)
            else:
                self._lost[key] = conflict

    def _age(self, key: Key) -> tuple[datetime, Key]:
        return self._claims[key].created, key

    def _first_conflict(self, claim: Claim, standing: dict[_Slot, list[Key]]) -> Conflict | None:
        for slot in claim.slots():
            for holder in standing.get(slot, ()):
                if claim.meets(self._claims[holder]):
                    return Conflict(winner=holder, host=slot[0], path=slot[1])
        return None
