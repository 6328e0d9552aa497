"""What is known of the EchoRoutes: one store, five rules, whatever the source.

1. Per namespace and name the highest resourceVersion wins. (Those of one resource compare as integers: a promise
   since Kubernetes 1.35, and so before: https://kubernetes.io/docs/reference/using-api/api-concepts/.)
2. A deletion leaves a tombstone with its version until the next full list.
3. A list made at version L removes only keys whose version is at most L, and nothing of before L brings a key back.
4. Every source goes through `offer`; lists go through `offer_read` and `offer_list`, which follow the same rules.
5. A delete event counts by what it carries, whether or not the key is still known, unless a newer life of it is: a list
   that was made after the deletion may have come first, and what people asked for needs no further proof.

So lost, repeated and reordered events cost nothing: kopf orders events per uid, not per name, and a delete-and-recreate
can arrive the wrong way round.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from echoroute.core.objects import Key
from echoroute.core.seen import Entry, Seen

_MOST_ENDS = 20_000
"""So many deletions are remembered, the newest ones: a standby does not learn when another one has done with them."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What an offer changed."""

    key: Key
    before: Entry | None
    after: Entry | None


class Store:
    """The newest known state of each key. Not thread-safe: it belongs to the engine's event loop."""

    def __init__(self) -> None:
        self._seen: dict[Key, Seen] = {}
        self._ended: dict[Key, tuple[datetime, int]] = {}
        self._ends = count(1)
        self._listed_at = 0
        self._newest = 0
        self._named: Mapping[Key, int] = {}

    @property
    def newest(self) -> int:
        """The highest version that anything was seen at: no list that begins now is older."""
        return self._newest

    def get(self, key: Key) -> Entry | None:
        seen = self._seen.get(key)
        return seen.entry if seen else None

    def version(self, key: Key) -> int | None:
        """The version last seen of a key, also of one that is deleted or not ours."""
        seen = self._seen.get(key)
        return seen.version if seen else None

    def is_of_another_class(self, key: Key) -> bool:
        """Whether the key is another gateway class's. Meant for after a list: a deletion since looks the same."""
        seen = self._seen.get(key)
        return seen is not None and seen.entry is None

    def entries(self) -> Iterator[tuple[Key, Entry]]:
        return ((key, seen.entry) for key, seen in self._seen.items() if seen.entry is not None)

    def ended(self, key: Key) -> datetime | None:
        """When the EchoRoute was created of whose deletion an event told; None where none did, or it exists again."""
        end = self._ended.get(key)
        return end[0] if end else None

    def which_end(self, key: Key) -> int | None:
        """A number for the end of which an event told: each end of a key has another one."""
        end = self._ended.get(key)
        return end[1] if end else None

    def all_ended(self) -> Iterable[Key]:
        """The keys of whose deletion an event told, and of which something may be left in the gateway."""
        return self._ended.keys()

    def forget_end(self, key: Key) -> None:
        """Nothing is left of the key, or its end was no wish of anybody's."""
        self._ended.pop(key, None)

    def _note_end(self, key: Key, created: datetime) -> None:
        self._ended[key] = created, next(self._ends)
        if len(self._ended) > _MOST_ENDS:
            del self._ended[next(iter(self._ended))]

    def is_news(self, key: Key, version: int) -> bool:
        """Whether an event of a key at a version, if that is no deletion, tells of something newer than is known."""
        return self._is_newer(key, version, unknown_since=self._listed_at)

    def _is_newer(self, key: Key, version: int, *, unknown_since: int) -> bool:
        known = self._seen.get(key)
        return version > (known.version if known else unknown_since)

    def offer(self, seen: Seen) -> Transition | None:
        """Take what a source saw; None where it is not newer than what is known."""
        return self._offer(seen, unknown_since=self._listed_at)

    def offer_read(self, seen: Seen) -> Transition | None:
        """Take what was read because the newest list names it: this brings back what the list before lacked."""
        return self._offer(seen, unknown_since=0)

    def _offer(self, seen: Seen, *, unknown_since: int) -> Transition | None:
        known = self._seen.get(seen.key)
        if seen.ended is not None and (known is None or known.entry is None or known.version < seen.version):
            self._note_end(seen.key, seen.ended)
        if not self._is_newer(seen.key, seen.version, unknown_since=unknown_since):
            return None
        self._seen[seen.key] = seen
        self._newest = max(self._newest, seen.version)
        if seen.entry is not None:
            self._ended.pop(seen.key, None)
        before = known.entry if known else None
        return Transition(seen.key, before, seen.entry)

    def went_back(self, listed: Mapping[Key, int], version: int, *, newest: int) -> bool:
        """Whether a full list made at `version` belongs to another history: a cluster that was restored from a backup.

        In one history no list is older than what was seen before it began (`newest`, of then), and none has an older
        version of a key than one that was seen up to it. What is known of the old history then counts for nothing but
        for comparison.
        """
        if version >= newest and not any(older < self._known_at(key, version) for key, older in listed.items()):
            return False
        self._seen = {key: replace(seen, version=0) for key, seen in self._seen.items() if seen.entry is not None}
        self._ended.clear()  # what was deleted then may be there again
        self._listed_at = self._newest = 0
        return True

    def _known_at(self, key: Key, version: int) -> int:
        """The version of a key that a list made at `version` has to have at least."""
        seen = self._seen.get(key)
        return seen.version if seen is not None and seen.version <= version else 0

    def newer(self, listed: Mapping[Key, int]) -> list[Key]:
        """The keys of which a list names a newer version than is known; they are unread until `offer_list`."""
        self._named = listed
        return [key for key in listed if self.is_unread(key)]

    def is_unread(self, key: Key) -> bool:
        """Whether a list has named a newer version of the key than is known."""
        return self._named.get(key, 0) > (self.version(key) or 0)

    def offer_list(
        self, listed: Mapping[Key, int], fetched: Iterable[Seen], version: int, *, unwatched: bool = False
    ) -> list[Transition]:
        """Take a full list made at `version`: the versions of all keys in it, and the objects that were read for it.

        `unwatched` says that nobody could have told of deletions since the list before: what is gone was deleted.
        """
        # A key that nobody knows was not there when the last list was made; only a newer one can bring it.
        unknown_since = self._listed_at if version < self._listed_at else 0
        offers = (self._offer(seen, unknown_since=unknown_since) for seen in fetched)
        transitions = [transition for transition in offers if transition is not None]
        gone = [key for key, seen in self._seen.items() if key not in listed and seen.version <= version]
        for key in gone:
            before = self._seen.pop(key).entry
            if before is not None:
                transitions.append(Transition(key, before, None))
                if unwatched:
                    self._note_end(key, before.created)
        self._listed_at = max(self._listed_at, version)
        self._newest = max(self._newest, version)
        self._named = {}
        return transitions
