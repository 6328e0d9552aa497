"""A folder as a source of EchoRoutes: lists, statuses, a watch, and whether what is missing is meant to be."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.core.source import Listing
from echoroute.errors import FolderError
from echoroute.folder.catalog import Catalog, wanted
from echoroute.folder.files import SETTLE, Files
from echoroute.folder.page import Page, page

log = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two looks at the folder."""

_FIRST_LOOK = 5.0
"""Seconds for which the first list waits for files that are being written just then."""

_AGREEING_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class FolderState:
    """The folder as it is now. Implements `echoroute.core.source.Origin`."""

    path: Path
    complete: bool
    empty: bool
    stands: bool = True

    @property
    def identity(self) -> str:
        return f"folder {self.path}"

    def explains(self, created: datetime) -> bool:
        return False  # that a file is gone says less than a delete event: the rounds and the brake judge it

    def doubt(self, oldest_owned: datetime | None) -> str | None:
        return f"the folder {self.path} has no EchoRoute (is it mounted?)" if self.empty else None


class FolderEchoRoutes:
    """The EchoRoutes of a folder and one gateway class. Implements `echoroute.engine.source.Source`."""

    deletions_are_told = False

    def __init__(self, folder: Path, *, gateway_class: str) -> None:
        self._folder = folder
        self._files = Files(folder)
        self._catalog = Catalog(gateway_class)
        self._scanning = asyncio.Lock()
        self._error: FolderError | None = None
        self._broken = False
        self._changed: Sequence[Seen] = ()
        """What a scan found and the watch has not told yet: lists and reads of the origin scan, too."""
        self._listed = False
        self._rounds_wanted = 0

    async def list(self, *, metadata_only: bool) -> Listing:
        """All EchoRoutes, by the contents of all files. Raises `FolderError` where the folder cannot be read."""
        await self._scan(reread=True)
        deadline = time.monotonic() + _FIRST_LOOK
        while not self._listed and self._files.pending and time.monotonic() < deadline:
            await asyncio.sleep(SETTLE)
            await self._scan()
        self._listed = True
        return self._catalog.listing()

    async def read(self, key: Key) -> Seen | None:
        """One EchoRoute as it was when the files were last looked at; None where it does not exist."""
        return self._catalog.read(key)

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        """Merge a status; a member that is None is removed. Raises `FolderError` (404) where the EchoRoute is gone."""
        return self._catalog.patch_status(key, uid, status)

    async def read_origin(self) -> FolderState | None:
        """The folder itself; None where it cannot be read."""
        try:
            await self._scan()
        except FolderError:
            return None
        return FolderState(
            self._folder, complete=not self._files.pending and not self._broken, empty=not len(self._catalog)
        )

    async def watch(self, offer: Callable[[Seen], None], compare: Callable[[], None]) -> None:
        """Tell of changes until cancelled; `compare` asks for a round of complete lists.

        What is gone from the files is for the rounds to judge, of which two must agree.
        """
        while True:
            try:
                await self._scan()
                changed, self._changed = self._changed, ()
                for seen in changed:
                    offer(seen)
            except FolderError:
                self._rounds_wanted = _AGREEING_ROUNDS  # and then, when it is there again
            else:
                if self._rounds_wanted:
                    self._rounds_wanted -= 1
                    compare()
            await asyncio.sleep(SETTLE if self._files.pending else POLL)

    def problems(self) -> str:
        """What is wrong with the folder now; empty where nothing is."""
        if self._error is not None:
            return str(self._error)
        return "; ".join(f"{name} {file.problem}" for name, file in sorted(self._files.known.items()) if file.problem)

    def page(self) -> Page:
        """What `echoroute status` shows."""
        return page(self._folder, self._files.known, self._catalog.items(), error=str(self._error or ""))

    async def _scan(self, *, reread: bool = False) -> None:
        async with self._scanning:
            try:
                changed = await asyncio.to_thread(self._files.scan, reread=reread)
            except FolderError as error:
                if self._error is None:
                    log.error("%s; its routes stay as they are", error)  # noqa: TRY400 - one line says it
                self._error = error
                raise
            if self._error is not None:
                log.warning("the folder %s can be read again", self._folder)
                self._error = None
            if not changed:
                return
            seen, gone = self._catalog.take(wanted(self._files.known))
            broken = any(file.problem for file in self._files.known.values())
            if gone or (self._broken and not broken):
                self._rounds_wanted = _AGREEING_ROUNDS
            self._broken = broken
            self._changed = (*self._changed, *seen)
