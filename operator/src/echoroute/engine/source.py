"""What the engine asks of the two sides that tell it something: where EchoRoutes are kept, and Consul."""

from typing import Protocol

from echoroute.api.selection import Service
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.core.source import Listing, Origin


class Lister(Protocol):
    """Complete lists and single objects. Each method may raise `SourceError`."""

    deletions_are_told: bool
    """Whether its watch tells of deletions, and each was somebody's wish."""

    async def list(self, *, metadata_only: bool) -> Listing: ...

    async def read(self, key: Key) -> Seen | None: ...


class StatusWriter(Protocol):
    """The place for statuses. Its method may raise `SourceError`."""

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen: ...


class Source(Lister, StatusWriter, Protocol):
    """Where EchoRoutes are kept. Each method may raise `SourceError`.

    Its watch calls `Engine.offer` with what it sees; of a deletion that is `Seen.ended`.
    """

    async def read_origin(self) -> Origin | None: ...


class ServiceFollower(Protocol):
    """The Consul side: follows the services in use."""

    def follow(self, service: Service, *, resolved: bool) -> None:
        """It is in use; `resolved`: the operator resolves it, and its news come first."""
        ...

    def forget(self, service: Service) -> None:
        """It is no longer in use."""
        ...

    def stand_by(self, *, standing_by: bool) -> None:
        """Whether another replica leads: then news may come later, for fewer connections."""
        ...
