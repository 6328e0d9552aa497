"""What the operator has been told in its life, and when: the reasons that it may have for what it does.

It listens to what passes between the operator and the two sides, and knows nothing of how the operator works.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

from echoroute.core.changes import Change, Delete, Stored
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import owner_of
from echoroute.core.plan import Digest, digest
from echoroute.core.seen import Seen
from echoroute.core.source import Listing
from echoroute.engine.watching import PROVEN

from .world import ref_of

UNKNOWN: Digest = b"unknown"
ABSENT: Digest = b"absent"


@dataclass
class Told:
    """`now` gives the loop's time."""

    now: Callable[[], float]
    heard: dict[Key, Seen] = field(default_factory=dict)
    """The newest of each EchoRoute, less those that a list did not have."""
    since: dict[Key, float] = field(default_factory=dict)
    """Since when that has been so."""
    gone: dict[Key, float] = field(default_factory=dict)
    """Since when it is known that one is gone, which was known."""
    ended: set[Key] = field(default_factory=set)
    """Of which a delete event came, or what is as good as one."""
    elsewhere: set[Key] = field(default_factory=set)
    """Of which it was told, before lists had them gone, that they are not ours."""
    reborn: set[Key] = field(default_factory=set)
    """Those that came, or came again, while their objects may have been there, until these are written."""
    lists: list[frozenset[Key]] = field(default_factory=list)
    """The EchoRoutes that are ours in each complete list."""
    listed_at: list[float] = field(default_factory=list)
    watched_from: float = float("inf")
    histories: int = 0
    """How often the versions went back."""
    taken_for_old: set[Key] = field(default_factory=set)
    """Those of which an event of a new history came that looks old beside what was known of the one before."""
    crd_read: float = float("-inf")
    """When the last read of the CRD began that found it standing."""
    bodies: dict[ObjectRef, JsonObject] = field(default_factory=dict)
    """What the gateway's answers say is there."""
    digests: dict[ObjectRef, Digest] = field(default_factory=dict)
    drifted: set[ObjectRef] = field(default_factory=set)
    """What is not as this life has found or made it."""
    told_at: dict[ObjectRef, float] = field(default_factory=dict)
    """When an answer said anything of an object."""
    said: dict[ObjectRef, Digest] = field(default_factory=dict)
    """The same, of all lives: a status outlives the operator."""
    said_until: dict[tuple[ObjectRef, Digest], float] = field(default_factory=dict)
    _tried: dict[ObjectRef, float] = field(default_factory=dict)
    _failed: set[Key] = field(default_factory=set)
    """The EchoRoutes of which a write has failed since their Route was written."""
    _without: set[Key] = field(default_factory=set)
    """Those of which a list of the gateway had no Route after that, and none has had one since."""
    _list_began: float = float("inf")
    _listed_version: int = 0
    _known_before: dict[Key, int] = field(default_factory=dict)
    """The version of each EchoRoute that was known when the versions went back."""
    _named: Mapping[Key, int] = field(default_factory=dict)
    """The versions of all that the last list names; not all of it may have been read yet."""
    _began_before: float = float("inf")

    def begin_life(self) -> None:
        """The operator starts, and knows nothing."""
        for known in (self.heard, self.since, self.gone, self.ended, self.elsewhere, self.reborn, self.taken_for_old):
            known.clear()
        for times in (self.lists, self.listed_at):
            times.clear()
        for held in (self.bodies, self.digests, self.drifted, self._failed, self._without, self._known_before):
            held.clear()
        self._list_began, self._listed_version, self._named = float("inf"), 0, {}
        self.watched_from, self.crd_read = float("inf"), float("-inf")

    def see(self, seen: Seen, *, for_list: bool = False) -> None:
        """An event, the answer to a patch or a read, which is made for a list, has come."""
        known = self.heard.get(seen.key)
        if for_list:
            self._known_before.pop(seen.key, None)
        is_old = seen.version <= self._known_before.get(seen.key, 0)
        (self.taken_for_old.add if is_old else self.taken_for_old.discard)(seen.key)
        if seen.ended is not None and (known is None or known.entry is None or known.version < seen.version):
            self.ended.add(seen.key)
        named = seen.version >= self._named.get(seen.key, seen.version + 1)
        if seen.version <= (known.version if known else 0 if for_list or named else self._listed_version):
            return
        denied_since = self.since.get(seen.key) if is_denied(known) else None
        if known is None or seen.entry is None or not seen.entry.same_spec(known.entry):
            self.since[seen.key] = self.now()
        self.heard[seen.key] = seen
        if seen.entry is None:
            self.gone.setdefault(seen.key, denied_since or self.now())
            return
        if self.lists and (known is None or known.entry is None or known.entry.uid != seen.entry.uid):
            self.reborn.add(seen.key)
        self.ended.discard(seen.key)
        self.elsewhere.discard(seen.key)
        self.gone.pop(seen.key, None)

    def take_list(self, listing: Listing, ours: frozenset[Key], began: float) -> None:
        """A complete list of the EchoRoutes has come."""
        for seen in listing.objects:
            self.see(seen, for_list=True)
        self._listed_version, self._named = listing.version, listing.versions
        # Nobody could tell of what went since the list before, unless the watch had begun.
        unwatched = self._list_began < self.watched_from + PROVEN
        for key in [key for key, seen in self.heard.items() if key not in listing.versions]:
            if self.heard[key].version <= listing.version:
                self._known_before.pop(key, None)
                before = self.heard.pop(key)
                self.gone.setdefault(key, self.now())
                if before.entry is None:
                    self.elsewhere.add(key)
                if unwatched and before.entry is not None:
                    self.ended.add(key)
        self._list_began, self._began_before = began, self._list_began
        self.lists.append(ours)
        self.listed_at.append(self.now())

    def spoil_list(self) -> None:
        """What the last list names could not all be read."""
        self._list_began = self._began_before

    def miss(self, key: Key) -> None:
        """One of the last list was gone when it was read, or of another gateway class."""
        self.lists[-1] -= {key}

    def go_back(self) -> None:
        """The versions from now on are those of another history."""
        self.histories += 1
        for key, seen in self.heard.items():
            self._known_before[key] = max(seen.version, self._known_before.get(key, 0))
        self.heard = {key: replace(seen, version=0) for key, seen in self.heard.items()}
        self._listed_version = 0

    def missing_since(self, key: Key) -> float | None:
        """Since when two lists that agree have had no such EchoRoute, and nobody has brought it since."""
        seen = self.heard.get(key)
        if seen is not None and seen.entry is not None:
            return None
        without = list(
            takewhile(lambda listed: key not in listed[1], zip(self.listed_at[::-1], self.lists[::-1], strict=True))
        )
        # Where an event has told that it is of another gateway class now, or was when it went, one list has to agree.
        needed = 1 if seen is not None or key in self.elsewhere else 2
        return without[-needed][0] if len(without) >= needed else None

    def take_gateway(self, found: Mapping[ObjectRef, Stored], began: float) -> None:
        """A complete list of the gateway has come; of what was written since it began it says nothing."""
        first = not self.digests
        routes = {key_of(stored.body) for ref, stored in found.items() if ref.kind is Kind.ROUTE}
        told = {key for key in self._failed if self._tried.get(ref_of(key), float("-inf")) < began}
        self._without = self._without - told | told - routes
        for ref in self.digests.keys() | found.keys():
            body = found[ref].body if ref in found else None
            if self._tried.get(ref, float("-inf")) < began:
                if not first and body != self.bodies.get(ref):
                    self.drifted.add(ref)
                self._hold(ref, body)

    def try_(self, change: Change) -> Digest | None:
        """A write is on its way; gives what was known before."""
        before = self.digests.get(change.ref)
        self._tried[change.ref] = self.now()
        self._say(change.ref, UNKNOWN)
        return before

    def failed(self, change: Change, before: Digest | None) -> None:
        """A write was not answered (`before` is None), or was rejected, which leaves what was there."""
        self._tried[change.ref] = self.now()
        if not isinstance(change, Delete):
            self._failed.add(key_of(dict(change.body)))
        self._say(change.ref, UNKNOWN if before is None else before)

    def made(self, change: Change) -> None:
        """A write was answered."""
        body = None if isinstance(change, Delete) else dict(change.body)
        if change.ref.kind is Kind.ROUTE:
            key = key_of(body or self.bodies.get(change.ref, {}))
            self.reborn.discard(key)
            self._failed.discard(key)
            self._without.discard(key)
        self._tried[change.ref] = self.now()
        self.drifted.discard(change.ref)
        self._hold(change.ref, body)

    def is_lost(self, key: Key) -> bool:
        """Whether a list of the gateway had no Route of an EchoRoute, of which a write had failed before."""
        return key in self._without

    def has_said(self, ref: ObjectRef, digest: Digest, since: float) -> bool:
        """Whether an answer of the gateway has said that, then or later on."""
        return self.said.get(ref) == digest or self.said_until.get((ref, digest), float("-inf")) >= since

    def _hold(self, ref: ObjectRef, body: JsonObject | None) -> None:
        if body is None:
            self.bodies.pop(ref, None)
            self._say(ref, ABSENT)
        elif ref not in self.digests or self.digests[ref] is UNKNOWN or self.bodies.get(ref) != body:
            self.bodies[ref] = body
            self._say(ref, digest(body))

    def _say(self, ref: ObjectRef, said: Digest) -> None:
        before = self.said.get(ref)
        if before is not None and before != said:
            self.said_until[(ref, before)] = self.now()
            self.told_at[ref] = self.now()
        self.digests[ref] = self.said[ref] = said


def is_denied(seen: Seen | None) -> bool:
    """Whether policy refuses an EchoRoute."""
    return seen is not None and seen.entry is not None and b"serverless" in seen.entry.spec


def key_of(body: JsonObject) -> Key:
    """Whose a gateway object is, by its labels."""
    owner = owner_of(body)
    return owner[1] if owner else Key("", "")
