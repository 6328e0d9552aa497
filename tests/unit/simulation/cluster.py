"""An API server in memory, as far as the engine asks it: versions, lists, status patches, events that may be lost."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from echoroute.api.objects import EchoRouteObject
from echoroute.api.status import pending_status
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen, seen
from echoroute.core.source import Listing
from echoroute.engine.source import Source
from echoroute.errors import SourceError
from echoroute.kube.echoroutes import Crd

START = datetime(2026, 1, 1, tzinfo=UTC)
GATEWAY_CLASS = "apisix"

Deliver = Callable[[Seen], None]


class Watchable(Source, Protocol):
    """Where EchoRoutes are kept, and its watch."""

    async def watch(self, deliver: Deliver) -> None: ...


@dataclass
class Listed(Listing):
    """A list, and what the operator finds out by reading what it has not read yet."""

    ours: set[Key] = field(default_factory=set)
    """Those of our gateway class."""


@dataclass
class Cluster:
    """What users do are the plain methods; what the engine calls are the coroutines (`engine.Source`)."""

    now: Callable[[], float]
    deletions_are_told: bool = True
    watches: dict[Deliver, asyncio.Future[None]] = field(default_factory=dict)
    """Where events go, and the end of each watch."""
    event_delay: float = 0.0
    """Each event comes up to so many seconds late, so that they overtake each other."""
    losing_events: bool = False
    down: bool = False
    lag: float = 0.0
    """A list arrives up to so many seconds after it was made."""
    cuts_lists: bool = False
    """The version of a list's first page is gone before its last one was read."""
    hides_crd: bool = False
    """The right to read the CRD was forgotten."""
    patches: int = 0
    lists: int = 0
    crd: Crd | None = field(default_factory=lambda: Crd(START - timedelta(days=1), deleting=False, uid="crd-0"))
    swept: set[Key] = field(default_factory=set)
    """The EchoRoutes that went with the CRD and did not come again: nobody asked for their routes to go."""
    objects: dict[Key, JsonObject] = field(default_factory=dict)
    _version: int = 100
    _lives: int = 0
    _watchable: bool = True
    _history: int = 0
    """Which one its versions are of: a backup brings another one."""
    _backup: tuple[dict[Key, JsonObject], int, Crd | None] | None = None
    _read: dict[int, Seen] = field(default_factory=dict)
    """What each version says: most lists bring what the one before brought."""

    def apply(self, key: Key, spec: JsonObject) -> None:
        if self.crd is None:
            self._lives += 1
            self.crd = Crd(self._second(), deleting=False, uid=f"crd-{self._lives}")
        self.swept.discard(key)
        found = self.objects.get(key)
        if found is None:
            self._lives += 1
            metadata: JsonObject = {
                "namespace": key.namespace,
                "name": key.name,
                "uid": f"uid-{self._lives}",
                "generation": 1,
                "creationTimestamp": self._second().isoformat(),
            }
            self._store(key, metadata, spec, pending_status())
        else:
            before = EchoRouteObject.from_raw(found)
            generation = before.generation + (spec != before.spec)
            self._store(key, {**_metadata(found), "generation": generation}, spec, dict(before.status))

    def delete(self, key: Key) -> None:
        found = self.objects.pop(key, None)
        if found is not None:
            self._version += 1
            metadata: JsonObject = {**_metadata(found), "resourceVersion": str(self._version)}
            self._tell({**found, "metadata": metadata}, deleted=True)

    def remove_crd(self) -> None:
        """The API server removes all EchoRoutes, then the CRD."""
        if self.crd is not None:
            self.crd = Crd(self.crd.created, deleting=True, uid=self.crd.uid)
            for key in list(self.objects):
                self.delete(key)
                self.swept.add(key)
            self.crd = None

    def back_up(self) -> None:
        self._backup = (dict(self.objects), self._version, self.crd)

    def restore(self) -> None:
        """Go back to the backup: its versions and generations come again for other contents.

        What is under way ends, as connections do.
        """
        assert self._backup is not None
        self._history += 1
        self._end_watches()
        objects, self._version, self.crd = self._backup
        self.objects = dict(objects)
        self._read.clear()
        self.swept.clear()

    async def watch(self, deliver: Deliver) -> None:
        """Watch until it breaks; it lists first, as kopf's does. Raises `SourceError`."""
        if not self._watchable:
            raise SourceError("forbidden", status=403)
        over = self.watches[deliver] = asyncio.get_running_loop().create_future()
        try:
            for raw in self.objects.values():
                deliver(self.as_seen(raw))
            await over
        finally:
            self.watches.pop(deliver, None)
        raise SourceError("the watch broke", status=0)

    def watchable(self, on: bool) -> None:
        self._watchable = on
        if not on:
            self._end_watches()

    def hang_up(self) -> None:
        """Who watches has ended, and hears nothing more."""
        for over in self.watches.values():
            over.cancel()
        self.watches.clear()

    def _end_watches(self) -> None:
        for over in self.watches.values():
            over.set_result(None)
        self.watches.clear()

    def as_seen(self, raw: JsonObject) -> Seen:
        """What the operator reads of an EchoRoute."""
        version = int(str(_metadata(raw)["resourceVersion"]))
        if version not in self._read:
            self._read[version] = seen(raw, gateway_class=GATEWAY_CLASS)
        return self._read[version]

    def _store(self, key: Key, metadata: JsonObject, spec: JsonObject, status: JsonObject) -> None:
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        self.objects[key] = {"metadata": metadata, "spec": spec, "status": status}
        self._tell(self.objects[key], deleted=False)

    def _tell(self, raw: JsonObject, *, deleted: bool) -> None:
        if not self.watches or self.losing_events:
            return
        event = seen(raw, gateway_class=GATEWAY_CLASS, deleted=True) if deleted else self.as_seen(raw)
        for deliver, over in self.watches.items():
            delay = random.uniform(0.0, self.event_delay)  # noqa: S311 - a schedule, not a secret
            asyncio.get_running_loop().call_later(delay, _hand_over, deliver, over, event)

    async def list(self, *, metadata_only: bool) -> Listing:
        await self._answer()
        if self.crd is None:
            raise SourceError("the server could not find the requested resource", status=404)
        self.lists += 1
        listing, history = self.now_listed(metadata_only=metadata_only), self._history
        await self._answer()  # what it says is a little old when it arrives
        if self.lag:
            await asyncio.sleep(random.uniform(0.0, self.lag))  # noqa: S311 - a schedule, not a secret
        if self.cuts_lists:
            raise SourceError("The provided continue parameter is too old", status=410)
        if self._history != history:
            raise SourceError("connection reset", status=0)
        return listing

    def now_listed(self, *, metadata_only: bool) -> Listed:
        """What a list says that is made now."""
        listing = Listed(version=self._version)
        for key, raw in self.objects.items():
            found = self.as_seen(raw)
            listing.versions[key] = found.version
            if found.entry is not None:
                listing.ours.add(key)
            if not metadata_only:
                listing.objects.append(found)
        return listing

    async def read(self, key: Key) -> Seen | None:
        await self._answer()
        raw = self.objects.get(key)
        return self.as_seen(raw) if raw else None

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        await self._answer()
        raw = self.objects.get(key)
        if raw is None:
            raise SourceError("not found", status=404)
        before = EchoRouteObject.from_raw(raw)
        if before.uid != uid:
            raise SourceError("another life", status=409)
        self.patches += 1
        merged = {name: value for name, value in {**before.status, **status}.items() if value is not None}
        self._store(key, _metadata(raw), dict(before.spec), merged)
        return self.as_seen(self.objects[key])

    async def read_origin(self) -> Crd | None:
        await self._answer()
        if self.hides_crd:
            raise SourceError("customresourcedefinitions is forbidden", status=403)
        return self.crd

    def _second(self) -> datetime:
        return START + timedelta(seconds=int(self.now()))

    async def _answer(self) -> None:
        await asyncio.sleep(0.005)
        if self.down:
            raise SourceError("connection refused", status=0)


def _hand_over(deliver: Deliver, over: asyncio.Future[None], event: Seen) -> None:
    if not over.done():
        deliver(event)


def _metadata(raw: JsonObject) -> JsonObject:
    metadata = raw["metadata"]
    assert isinstance(metadata, dict)
    return dict(metadata)
