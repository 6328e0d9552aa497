"""Complete lists of the EchoRoutes: the first one is the start, the others find what the watch has not told.

They have a rhythm of their own: where the watch is lost they come every few seconds, whatever the gateway does.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from prometheus_client import Counter

from echoroute.engine.source import Lister
from echoroute.engine.store import Store, Transition
from echoroute.engine.watching import Watching
from echoroute.errors import SourceError, without_values
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

log = logging.getLogger(__name__)

_UNWATCHED = 1.0
"""Seconds between two lists while the watch is lost."""

_UNWATCHED_SHARE = 0.05
"""At most this share of the time goes into such lists: many EchoRoutes are listed more rarely."""

_FEW = 50
"""With more changed objects than this, a full list is cheaper than single reads."""

missed_changes_total = Counter(
    "echoroute_missed_changes_total", "Changes that a list found before the watch reported them."
)


class EchoRouteLists:
    """`follow` is called with each change of the store."""

    def __init__(
        self,
        *,
        lister: Lister,
        store: Store,
        clock: Callable[[], float],
        follow: Callable[[Transition], None],
        watching: Watching,
    ) -> None:
        self._lister = lister
        self._store = store
        self._clock = clock
        self._follow = follow
        self._watching = watching
        self._one_at_a_time = asyncio.Lock()
        self._cost = 0.0
        self._ended = float("-inf")
        self.began = float("-inf")
        """When the last complete list began."""
        self.first = asyncio.Event()
        """Set when the EchoRoutes were listed once: what 'ready' means."""
        self.trouble = Trouble("list", "EchoRoutes cannot be listed", "EchoRoutes can be listed again")

    @property
    def listed(self) -> bool:
        """Whether the EchoRoutes were listed once."""
        return self.first.is_set()

    async def run(self, interval: float) -> None:
        """A list each `interval` seconds, more often where there is need; until cancelled."""
        backoff = Backoff(first=1.0, limit=interval)
        while True:
            if await self.refresh(newer_than=self.began):
                backoff.reset()
                await self._rest(interval)
            else:
                await asyncio.sleep(backoff.next())

    async def _rest(self, interval: float) -> None:
        """Wait for the next list; one that somebody else makes meanwhile counts."""
        while True:
            lost = self._watching.lost.is_set()
            pause = min(interval, max(_UNWATCHED, self._cost / _UNWATCHED_SHARE)) if lost else interval
            left = self._ended + pause - self._clock()
            if left <= 0:
                return
            if lost:
                await asyncio.sleep(left)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._watching.lost.wait()

    async def refresh(self, *, newer_than: float = float("inf")) -> bool:
        """Make one complete list and follow it, unless one has begun after `newer_than`; whether that went well."""
        async with self._one_at_a_time:
            if self.began > newer_than:
                return True
            began = self._clock()
            try:
                self._take(await self._changes())
            except SourceError as error:
                self.trouble.begin(error, status=error.status)
                return False
            except Exception as error:  # noqa: BLE001 - a bug must put off lists, not end the process
                log.error("a list of the EchoRoutes failed: %s", without_values(error))  # noqa: TRY400
                self.trouble.begin("an internal error of the operator; see its log", status=0)
                return False
            self.trouble.end()
            self.began, self._ended = began, self._clock()
            self._cost = self._ended - began
            self.first.set()
            return True

    def _take(self, transitions: Iterable[Transition | None]) -> None:
        for transition in filter(None, transitions):
            if self.listed:
                missed_changes_total.inc()
            self._follow_safely(transition)

    def _follow_safely(self, transition: Transition) -> None:
        try:
            self._follow(transition)
        except Exception as error:  # noqa: BLE001 - a bug, and one of this key: the others must go on
            log.error("EchoRoute %s: a change was not followed: %s", transition.key, without_values(error))  # noqa: TRY400

    async def _changes(self) -> list[Transition]:
        """Make a list; gives what it changes, less what single reads have brought."""
        if not self.listed:
            listing = await self._lister.list(metadata_only=False)
            return self._store.offer_list(listing.versions, listing.objects, listing.version)
        newest = self._store.newest
        listing = await self._lister.list(metadata_only=True)
        # What goes between the first list and the watch's own has no delete event.
        unwatched = self._lister.deletions_are_told and self.began < self._watching.tells_from
        if self._store.went_back(listing.versions, listing.version, newest=newest):
            log.warning("the EchoRoutes' versions went back (restored from a backup?): all are read again")
            unwatched = False
        changed = self._store.newer(listing.versions)
        if len(changed) > _FEW:
            listing = await self._lister.list(metadata_only=False)
            return self._store.offer_list(listing.versions, listing.objects, listing.version, unwatched=unwatched)
        for key in changed:
            seen = await self._lister.read(key)
            if seen is not None:
                self._take([self._store.offer_read(seen)])  # at once: the next read may fail, or take long
        return self._store.offer_list(listing.versions, (), listing.version, unwatched=unwatched)
