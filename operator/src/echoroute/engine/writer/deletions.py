"""Whether gateway objects may be deleted: never on partial knowledge.

Each deletion needs a read of the EchoRoutes' origin (the CRD, or the folder) that is newer than its reason. Where the
CRD is missing or being deleted, everything stays: Kubernetes removes all EchoRoutes then, and nobody asked for that.
Nor does any reason stand once a list has named a newer version of the EchoRoute, until that is read.
What an EchoRoute's delete event explains may go after such a read. What no event explains (an orphan) needs two
complete lists in a row that agree, and the brake.
"""

import asyncio
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import NamedTuple

from echoroute.core.brake import Doubt, Held, Life, Verdict, brake
from echoroute.core.objects import Key, ObjectRef
from echoroute.core.source import Origin
from echoroute.engine.confirmation import Confirmation
from echoroute.engine.origin import OriginReader
from echoroute.engine.queue import Item, Priority, WorkQueue
from echoroute.engine.store import Store
from echoroute.engine.writer.actual import Actual


class Permit(Enum):
    """The answer to the question whether a key's objects may be deleted."""

    GRANTED = auto()
    PENDING = auto()
    """Not known yet: the key is queued again when it is."""
    DENIED = auto()


class _Asked(NamedTuple):
    """How many reads had begun, so that a later one is newer than the reason; which end that was; what is to go."""

    begun: int
    end: int | None
    removals: frozenset[ObjectRef]

    def is_newer(self, before: "_Asked") -> bool:
        """Whether this is another reason than before: another end of the EchoRoute, or something else is to go."""
        return self.end not in {None, before.end} or not self.removals <= before.removals


class Deletions:
    """Which deletions are permitted.

    `of_others` tells whether another operator may serve a key that this one does not.
    """

    def __init__(
        self,
        *,
        store: Store,
        origin: OriginReader,
        queue: WorkQueue,
        confirmation: Confirmation,
        of_others: Callable[[Key], bool],
    ) -> None:
        self._store = store
        self._origin = origin
        self._queue = queue
        self._confirmation = confirmation
        self._of_others = of_others
        self._asked: dict[tuple[Key, bool], _Asked] = {}
        """When somebody first asked for the key.

        That its EchoRoute is gone is another reason than what an EchoRoute that exists does not need any more.
        """
        self._waiting: dict[Key, Priority] = {}
        self._reader: asyncio.Task[None] | None = None
        self._orphans: set[Key] = set()
        """Those of the last judgement that have not existed since."""
        self._released: set[Key] = set()
        self._released_in = ""
        """The origin for which they were released."""
        self._held: Held | None = None
        self.token_accepted = 0
        """Of how many EchoRoutes the token was accepted whose deletion waits for a second list."""

    def forget(self, key: Key) -> None:
        """The key exists again, or its objects are gone: no reason to delete is left over."""
        self._store.forget_end(key)
        self._forget_asked(key)
        self._released.discard(key)
        self._orphans.discard(key)

    def needs_none(self, key: Key) -> None:
        """Nothing of an EchoRoute that exists is to be deleted: what was asked for counts no more."""
        self._asked.pop((key, True), None)

    def permit(self, item: Item, removals: Iterable[ObjectRef], *, exists: bool) -> Permit:
        """Whether these objects of the key may be deleted; `exists` tells whether its EchoRoute does."""
        key, asked = item.key, (item.key, exists)
        if self._store.is_unread(key):
            self._forget_asked(key)  # what the reason came from is over, and no read is newer yet
        now = _Asked(self._origin.begun, self._store.which_end(key), frozenset(removals))
        before = self._asked.setdefault(asked, now)
        self._asked[asked] = now if now.is_newer(before) else before._replace(removals=now.removals)
        if self._origin.last.number <= self._asked[asked].begun:
            self._waiting[key] = item.priority
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read(), name="origin-read")
            return Permit.PENDING
        # No await between this and the DELETE but for its turn, after which the lane asks once more what `stands`.
        self._asked.pop(asked, None)
        if self.stands(key, exists=exists):
            return Permit.GRANTED
        # The event came from the end of the origin, not from somebody who wanted this route gone.
        self._store.forget_end(key)
        return Permit.DENIED

    def _forget_asked(self, key: Key) -> None:
        for exists in (False, True):
            self._asked.pop((key, exists), None)

    def stands(self, key: Key, *, exists: bool) -> bool:
        """Whether what was permitted still is: nobody has named the key anew, and one that is gone is explained."""
        known = not self._store.is_unread(key) and self._origin.last.stands
        return known and (exists or self._is_released(key) or self._is_explained(key))

    def _is_released(self, key: Key) -> bool:
        origin = self._origin.last.origin
        return key in self._released and origin is not None and origin.identity == self._released_in

    def _is_explained(self, key: Key) -> bool:
        """Whether the origin that stands now is the one in which the deleted EchoRoute was created."""
        ended, origin = self._store.ended(key), self._origin.last.origin
        return ended is not None and origin is not None and origin.explains(ended)

    async def _read(self) -> None:
        while self._waiting:
            await self._origin.fresh()
            waiting, self._waiting = self._waiting, {}
            for key, priority in waiting.items():
                self._queue.add(key, priority)

    async def judge_orphans(self, actual: Actual) -> Verdict:
        """After complete lists of both sides: release, or hold, the objects that no EchoRoute explains.

        Raises `SourceError` when the origin cannot be read.
        """
        self._take_up_explained(actual)
        orphans = frozenset(key for key in actual.owned if not (self._store.get(key) or self._store.ended(key)))
        agreed, self._orphans = orphans & self._orphans, set(orphans)
        self._released.clear()
        self.token_accepted = 0
        if not agreed:
            self._hold(None)
            await self._tell_of_token(orphans, actual)
            return Verdict(frozenset(), None)
        origin = await self._origin.read()
        if origin is None or not origin.complete:
            return Verdict(frozenset(), self._held)
        verdict = self._brake(agreed, origin, actual)
        self._hold(verdict.held)
        self._released, self._released_in = set(verdict.deletable), origin.identity
        for key in self._released:
            self._queue.add(key, Priority.BULK)
        return verdict

    def _take_up_explained(self, actual: Actual) -> None:
        """Go on with what delete events explain: the term before this one may have ended over it."""
        for key in [key for key in self._store.all_ended() if not self._queue.busy(key)]:
            if key in actual.owned:
                self._queue.add(key, Priority.BULK)
            else:
                self._store.forget_end(key)

    def _hold(self, held: Held | None) -> None:
        """Remember what is held; the token of a set that is gone is used up, though the setting may stay."""
        if self._held is not None and self._held.token == self._confirmation.token and held != self._held:
            self._confirmation.token = None
        self._held = held

    def _brake(self, orphans: frozenset[Key], origin: Origin, actual: Actual) -> Verdict:
        # Some may exist by now, or be gone from the gateway; no await between this and their release.
        orphans &= self._orphans & actual.owned.keys()
        doubtful = origin.doubt(actual.oldest_owned())
        if origin.identity != self._origin.first:
            doubtful = f"{origin.identity} has taken the place of {self._origin.first} while the operator ran"
        return brake(
            {key: _lives(actual, key) for key in orphans},
            owned=len(actual.owned),
            origin=origin.identity,
            doubt=Doubt("origin", doubtful) if doubtful else _shared_owner(filter(self._of_others, orphans)),
            confirmed=self._confirmation.token,
            held=self._held,
        )

    async def _tell_of_token(self, orphans: frozenset[Key], actual: Actual) -> None:
        """Find out whether the token that was given fits what one list has found, so that people hear of it."""
        if self._confirmation.token is not None and orphans:
            origin = await self._origin.read()
            if origin is not None and origin.complete:
                verdict = self._brake(orphans, origin, actual)
                # A token that is left from before releases nothing, and few orphans need none.
                self.token_accepted = len(verdict.deletable) if verdict.held else 0

    async def aclose(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)


def _lives(actual: Actual, key: Key) -> frozenset[Life]:
    return frozenset((ref, actual.known[ref].create_time) for ref in actual.owned.get(key, ()))


def _shared_owner(suspects: Iterable[Key]) -> Doubt | None:
    key = min(suspects, default=None)
    if key is None:
        return None
    return Doubt(
        "owner",
        f"EchoRoute {key} would be of a namespace or gateway class that this operator does not serve "
        "(has another operator the same ECHOROUTE_OWNER_ID?)",
    )
