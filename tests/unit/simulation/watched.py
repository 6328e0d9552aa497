"""The two sides of the operator, with somebody who listens to all that it asks and is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from echoroute.core.changes import Change, Stored
from echoroute.core.objects import JsonObject, Key, ObjectRef
from echoroute.core.seen import Seen
from echoroute.core.source import Listing
from echoroute.errors import GatewayError, GatewayUnavailable, NotLeading, SourceError
from echoroute.gateway.protocol import Gateway
from echoroute.kube.echoroutes import Crd

from .cluster import Deliver, Listed, Watchable
from .rules import Rules
from .told import Told
from .world import World


@dataclass(frozen=True)
class WatchedSource:
    """Tells `told` what the operator hears, and `rules` what it says."""

    source: Watchable
    told: Told
    rules: Rules
    deletions_are_told: bool = True

    async def watch(self, deliver: Deliver) -> None:
        def tell(event: Seen) -> None:
            self.told.see(event)
            deliver(event)

        self.told.watched_from = min(self.told.watched_from, self.told.now())
        await self.source.watch(tell)

    async def list(self, *, metadata_only: bool) -> Listing:
        began, histories = self.told.now(), self.told.histories
        listing = await self.source.list(metadata_only=metadata_only)
        assert isinstance(listing, Listed)
        self.told.take_list(listing, frozenset(listing.ours), began)
        if self.told.histories != histories:
            self.told.go_back()  # who was frozen reads what came before the versions went back
        return listing

    async def read(self, key: Key) -> Seen | None:
        try:
            seen = await self.source.read(key)
        except SourceError:
            self.told.spoil_list()
            raise
        if seen is None or seen.entry is None:
            self.told.miss(key)
        if seen is not None:
            self.told.see(seen, for_list=True)
        return seen

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        self.rules.look_at_status(key, uid, status)
        seen = await self.source.patch_status(key, uid, status)
        self.told.see(seen)
        return seen

    async def read_origin(self) -> Crd | None:
        began = self.told.now()
        crd = await self.source.read_origin()
        assert crd is None or isinstance(crd, Crd)
        if crd is not None and crd.stands:
            self.told.crd_read = max(self.told.crd_read, began)
        return crd


@dataclass(frozen=True)
class WatchedGateway:
    """Tells `told` what the gateway answers, and `rules` what is asked of it."""

    gateway: Gateway
    told: Told
    rules: Rules

    async def list(self) -> Mapping[ObjectRef, Stored]:
        began = self.told.now()
        found = await self.gateway.list()
        self.told.take_gateway(found, began)
        self.rules.begin_round()
        return found

    async def probe(self) -> str:
        return await self.gateway.probe()

    async def aclose(self) -> None:
        await self.gateway.aclose()

    async def apply(
        self,
        changes: Sequence[Change],
        *,
        before: Callable[[Change], None] | None = None,
        done: Callable[[Change], None] | None = None,
    ) -> None:
        for change in changes:
            known = None

            def asked(change: Change) -> None:
                nonlocal known
                if before is not None:
                    before(change)
                self.rules.look_at_try(change)
                known = self.told.try_(change)

            def made(change: Change) -> None:
                self.told.made(change)
                if done is not None:
                    done(change)

            try:
                await self.gateway.apply([change], before=asked, done=made)
            except (GatewayError, NotLeading) as error:
                self.told.failed(change, None if isinstance(error, GatewayUnavailable) else known)
                raise


@dataclass
class WatchedWorld(World):
    """A world in which somebody listens."""

    rules: Rules = field(init=False)

    def __post_init__(self) -> None:
        now = self.gateway.now
        self.rules = Rules(self.cluster, self.gateway, Told(now), now)

    def sides(self) -> tuple[Watchable, Gateway]:
        told = self.rules.told
        return WatchedSource(self.cluster, told, self.rules), WatchedGateway(self.gateway, told, self.rules)
