"""What is known of the gateway: its own lists, and our writes since.

A list overwrites what is known of an object only if no write of it ended after the list began: otherwise a list that
was under way while we wrote would undo our knowledge.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from echoroute.core.changes import Change, Put, Stored
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.plan import Digest, Known, digest, names

OwnerOf = Callable[[JsonObject], Key | None]

_UNKNOWN: Digest = b""
"""The digest of no body."""


class Actual:
    """The known gateway objects; times are the event loop's, in seconds."""

    def __init__(self, owner_of: OwnerOf, clock: Callable[[], float]) -> None:
        self._owner_of = owner_of
        self._clock = clock
        self._known: dict[ObjectRef, Known] = {}
        self._by_key: dict[Key, set[ObjectRef]] = {}
        self._written: dict[ObjectRef, float] = {}
        self._moved: set[Key] = set()
        self.lists = 0
        """How many it has taken."""

    @property
    def known(self) -> Mapping[ObjectRef, Known]:
        return self._known

    @property
    def owned(self) -> Mapping[Key, set[ObjectRef]]:
        """The objects that are ours, by the key that owns them."""
        return self._by_key

    def holds(self, key: Key) -> bool | None:
        """Whether a Route of the key is there, so that it serves; None before the first list."""
        return self._has_route(key) if self.lists else None

    def _has_route(self, key: Key) -> bool:
        return any(ref.kind is Kind.ROUTE for ref in self._by_key.get(key, ()))

    def owned_count(self) -> int:
        return sum(map(len, self._by_key.values()))

    def oldest_owned(self) -> datetime | None:
        """When the oldest of our objects was created, by the gateway's clock; 0 means that it does not know."""
        times = [self._known[ref].create_time for refs in self._by_key.values() for ref in refs]
        oldest = min((time for time in times if time > 0), default=None)
        return datetime.fromtimestamp(oldest, UTC) if oldest is not None else None

    def around(self, key: Key, wanted: Iterable[ObjectRef]) -> dict[ObjectRef, Known]:
        """What a plan for the key has to see: what it owns, and whatever is at the ids that it wants."""
        refs = self._by_key.get(key, set()).union(wanted)
        return {ref: self._known[ref] for ref in refs if ref in self._known}

    def wrote(self, key: Key, change: Change) -> None:
        """Take note of a change that the gateway has confirmed.

        What a PUT answers is not what is stored (encrypted fields come back as ciphertext), so what was sent counts
        until the next list.
        """
        self._written[change.ref] = self._clock()
        if isinstance(change, Put):
            self._sent(key, change.ref, digest(change.body), names(change.body))
        else:
            self._set(change.ref, None)

    def attempted(self, change: Change) -> None:
        """Take note that a change may have happened: a list that was under way says nothing of its object."""
        self._written[change.ref] = self._clock()

    def unanswered(self, key: Key, change: Change) -> None:
        """Take note of a change of which nobody knows whether it was made.

        Its object counts as there, so that a deletion finds it, and as equal to nothing, so that it is written again,
        whatever is wanted by then. What it named before it may name still.
        """
        before = self._known.get(change.ref)
        new = names(change.body) if isinstance(change, Put) else frozenset[str]()
        self._sent(key, change.ref, _UNKNOWN, new | (before.names if before else frozenset()))

    def _sent(self, key: Key, ref: ObjectRef, sent: Digest, named: frozenset[str]) -> None:
        before = self._known.get(ref)
        created = before.create_time if before else 0
        self._set(ref, Known(key, sent, create_time=created, modified_index=-1, names=named))

    def replace(self, listed: Mapping[ObjectRef, Stored], *, began: float) -> frozenset[Key]:
        """Take a full list of the gateway, begun at `began`; gives the keys of which it has found or lost the Route."""
        self.lists += 1
        news = [(ref, stored) for ref, stored in listed.items() if not self._is_known(ref, stored)]
        told = [*((ref, None) for ref in self._known if ref not in listed), *news]
        new = {ref: self._read(ref, one) for ref, one in told if self._written.get(ref, 0.0) < began}
        keys = {known.key for ref, after in new.items() for known in (self._known.get(ref), after) if known}
        before = {key for key in keys if key and self._has_route(key)}
        for ref, known in new.items():
            self._set(ref, known)
        self._written = {ref: at for ref, at in self._written.items() if at >= began}
        return frozenset(before ^ {key for key in keys if key and self._has_route(key)})

    def take_moved(self) -> set[Key]:
        """The keys of which something else is known than when this was called before."""
        moved, self._moved = self._moved, set()
        return moved

    def _is_known(self, ref: ObjectRef, stored: Stored) -> bool:
        """Whether this very write of the object is known: then its digest need not be computed again."""
        known = self._known.get(ref)
        now = stored.modified_index, stored.create_time
        return known is not None and (known.modified_index, known.create_time) == now

    def _read(self, ref: ObjectRef, stored: Stored | None) -> Known | None:
        if stored is None:
            return None
        # With its id: a copy that somebody made of one of our routes, labels and all, is not ours.
        owner = self._owner_of({**stored.body, "id": ref.id})
        return Known(owner, digest(stored.body), stored.create_time, stored.modified_index, names(stored.body))

    def _set(self, ref: ObjectRef, known: Known | None) -> None:
        before = self._known.pop(ref, None)
        if before and before.key is not None:
            self._moved.add(before.key)
            refs = self._by_key.get(before.key, set())
            refs.discard(ref)
            if not refs:
                self._by_key.pop(before.key, None)
        if known is not None:
            self._known[ref] = known
            if known.key is not None:
                self._moved.add(known.key)
                self._by_key.setdefault(known.key, set()).add(ref)
