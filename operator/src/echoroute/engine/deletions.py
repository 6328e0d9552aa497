"""Whether gateway objects may be deleted: never on partial knowledge.

Each deletion needs a read of the EchoRoutes' origin (the CRD, or the folder) that is newer than its reason. Where the
CRD is missing or being deleted, everything stays: Kubernetes removes all EchoRoutes then, and nobody asked for that.
What an EchoRoute's delete event explains may go after such a read. What no event explains (an orphan) needs two
complete lists in a row that agree, and the brake.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from echoroute.core.brake import Doubt, Held, Life, Verdict, brake
from echoroute.core.objects import Key
from echoroute.core.source import Origin
from echoroute.engine.actual import Actual
from echoroute.engine.store import Store
from echoroute.errors import SourceError, without_values
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

_SPACING = 1.0
"""Seconds between two reads of the origin: one read serves all deletions that wait for it."""


class Permit(Enum):
    """The answer to the question whether a key's objects may be deleted."""

    GRANTED = auto()
    PENDING = auto()
    """Not known yet: the key is queued again when it is."""
    DENIED = auto()


@dataclass(frozen=True, slots=True)
class _OriginRead:
    number: int
    began: float
    origin: Origin | None

    @property
    def stands(self) -> bool:
        return self.origin is not None and self.origin.stands


class Deletions:
    """The reasons for deletions, and the reads that they wait for. `clock` gives seconds, and only grows."""

    def __init__(
        self,
        *,
        store: Store,
        read_origin: Callable[[], Awaitable[Origin | None]],
        requeue: Callable[[Key], None],
        confirmed: str | None,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._read_origin = read_origin
        self._requeue = requeue
        self._confirmed = confirmed
        self._clock = clock
        self._begun = 0
        """How many reads were begun."""
        self._asked: dict[Key, int] = {}
        """How many had been when somebody first asked for the key: a later one is newer than its reason."""
        self._waiting: set[Key] = set()
        self._reader: asyncio.Task[None] | None = None
        self._last = _OriginRead(number=0, began=float("-inf"), origin=None)
        self._first_origin = ""
        """The first one that was seen to stand: what comes in its place is in doubt as long as the operator runs."""
        self._orphans: frozenset[Key] = frozenset()
        self._released: set[Key] = set()
        self._released_in = ""
        """The origin for which they were released."""
        self._held: Held | None = None
        self.token_accepted = 0
        """Of how many EchoRoutes the token was accepted whose deletion waits for a second list."""
        self.reading = Trouble("origin", "nothing is deleted from the gateway", "deletions go on")

    def forget(self, key: Key) -> None:
        """The key exists again, or its objects are gone: no reason to delete is left over."""
        self._store.forget_end(key)
        self._asked.pop(key, None)
        self._released.discard(key)

    def permit(self, key: Key, *, exists: bool) -> Permit:
        """Whether objects of the key may be deleted; `exists` tells whether its EchoRoute does."""
        if self._last.number <= self._asked.setdefault(key, self._begun):
            self._waiting.add(key)
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read(), name="origin-read")
            return Permit.PENDING
        # No await between this and the DELETE but for its turn, after which the lane looks at the key once more.
        self._asked.pop(key, None)
        if self._last.stands and (exists or self._is_released(key) or self._is_explained(key)):
            return Permit.GRANTED
        # The event came from the end of the origin, not from somebody who wanted this route gone.
        self._store.forget_end(key)
        return Permit.DENIED

    def _is_released(self, key: Key) -> bool:
        origin = self._last.origin
        return key in self._released and origin is not None and origin.identity == self._released_in

    def _is_explained(self, key: Key) -> bool:
        """Whether the origin that stands now is the one in which the deleted EchoRoute was created."""
        ended = self._store.ended(key)
        return ended is not None and self._last.origin is not None and self._last.origin.explains(ended)

    async def _read(self) -> None:
        backoff = Backoff(first=_SPACING, limit=30.0)
        while self._waiting:
            await asyncio.sleep(max(0.0, self._last.began + _SPACING - self._clock()))
            if await self._has_read():
                waiting, self._waiting = self._waiting, set()
                for key in waiting:
                    self._requeue(key)
            else:
                await asyncio.sleep(backoff.next())

    async def _has_read(self) -> bool:
        try:
            await self.read_now()
        except SourceError:
            return False
        except Exception as error:  # noqa: BLE001 - a bug must not end the only reader: what waits would wait for ever
            log.error("deletions wait, since reading the origin failed: %s", without_values(error))  # noqa: TRY400
            return False
        return True

    async def read_now(self) -> Origin | None:
        """Read the origin; None where it is missing or does not stand. Raises `SourceError`."""
        self._begun += 1
        number, began = self._begun, self._clock()
        try:
            read = _OriginRead(number, began, await self._read_origin())
        except SourceError as error:
            self.reading.begin(error, status=error.status)
            raise
        self.reading.end()
        if number > self._last.number:
            self._last = read
        if self._last.origin is None or not self._last.stands:
            return None
        self._first_origin = self._first_origin or self._last.origin.identity
        return self._last.origin

    async def learn_origin(self) -> None:
        """Read the origin until it is known: what takes its place later on is another one."""
        backoff = Backoff(first=_SPACING, limit=30.0)
        while not self._first_origin:
            if not await self._has_read() or not self._first_origin:
                await asyncio.sleep(backoff.next())

    async def judge_orphans(self, actual: Actual, of_others: Callable[[Key], bool]) -> Verdict:
        """After complete lists of both sides: release, or hold, the objects that no EchoRoute explains.

        Where `of_others` says that another operator may serve one of them, they are held, however few they are.
        Raises `SourceError` when the origin cannot be read.
        """
        explained = (key for key in actual.owned if self._store.get(key) or self._store.ended(key))
        orphans = frozenset(actual.owned).difference(explained)
        agreed, self._orphans = orphans & self._orphans, orphans
        self._released.clear()
        self.token_accepted = 0
        if not agreed:
            self._hold(None)
            await self._tell_of_token(orphans, actual, of_others)
            return Verdict(frozenset(), None)
        origin = await self.read_now()
        if origin is None or not origin.complete:
            return Verdict(frozenset(), self._held)
        verdict = self._brake(agreed, origin, actual, of_others)
        self._hold(verdict.held)
        self._released, self._released_in = set(verdict.deletable), origin.identity
        for key in self._released:
            self._requeue(key)
        return verdict

    def _hold(self, held: Held | None) -> None:
        """Remember what is held; the token of a set that is gone is used up, though the setting may stay."""
        if self._held is not None and self._held.token == self._confirmed and held != self._held:
            self._confirmed = None
        self._held = held

    def _brake(
        self, orphans: frozenset[Key], origin: Origin, actual: Actual, of_others: Callable[[Key], bool]
    ) -> Verdict:
        doubtful = origin.doubt(actual.oldest_owned())
        if origin.identity != self._first_origin:
            doubtful = f"{origin.identity} has taken the place of {self._first_origin} while the operator ran"
        return brake(
            {key: _lives(actual, key) for key in orphans},
            owned=len(actual.owned),
            origin=origin.identity,
            doubt=Doubt("origin", doubtful) if doubtful else _shared_owner(filter(of_others, orphans)),
            confirmed=self._confirmed,
            held=self._held,
        )

    async def _tell_of_token(self, orphans: frozenset[Key], actual: Actual, of_others: Callable[[Key], bool]) -> None:
        """Find out whether the token that was given fits what one list has found, so that people hear of it."""
        if self._confirmed is not None and orphans:
            origin = await self.read_now()
            if origin is not None and origin.complete:
                self.token_accepted = len(self._brake(orphans, origin, actual, of_others).deletable)

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
