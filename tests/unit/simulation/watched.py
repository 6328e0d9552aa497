"""The cluster and the gateway, with somebody who listens to all that the operator asks and is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from echoroute.core.changes import Change, Stored
from echoroute.core.objects import JsonObject, Key, ObjectRef
from echoroute.core.seen import Seen
from echoroute.core.source import Listing
from echoroute.errors import GatewayError, GatewayUnavailable, SourceError
from echoroute.kube.echoroutes import Crd

from .cluster import Cluster, Deliver
from .gateway import SimulatedGateway
from .rules import Rules
from .told import Told


@dataclass
class WatchedCluster(Cluster):
    """Tells `told` what the operator hears, and `rules` what it says."""

    told: Told = field(kw_only=True)
    rules: Rules = field(init=False)
    _mine: dict[int, frozenset[Key]] = field(default_factory=dict)
    """Of lists that are on their way: which of their EchoRoutes are of our gateway class."""

    async def watch(self, deliver: Deliver) -> None:
        def tell(event: Seen) -> None:
            self.told.see(event)
            deliver(event)

        self.told.watched_from = min(self.told.watched_from, self.now())
        await super().watch(tell)

    async def list(self, *, metadata_only: bool) -> Listing:
        began = self.now()
        listing = await super().list(metadata_only=metadata_only)
        self.told.take_list(listing, self._mine.pop(id(listing)), began)
        return listing

    def now_listed(self, *, metadata_only: bool) -> Listing:
        listing = super().now_listed(metadata_only=metadata_only)
        mine = (key for key, raw in self.objects.items() if self._seen(raw).entry is not None)
        self._mine[id(listing)] = frozenset(mine)
        return listing

    async def read(self, key: Key) -> Seen | None:
        try:
            seen = await super().read(key)
        except SourceError:
            self.told.spoil_list()
            raise
        if seen is None:
            self.told.miss(key)
        else:
            self.told.see(seen, for_list=True)
        return seen

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        self.rules.look_at_status(key, uid, status)
        seen = await super().patch_status(key, uid, status)
        self.told.see(seen)
        return seen

    async def read_origin(self) -> Crd | None:
        began = self.now()
        crd = await super().read_origin()
        if crd is not None and crd.stands:
            self.told.crd_read = max(self.told.crd_read, began)
        return crd


@dataclass
class WatchedGateway(SimulatedGateway):
    """Tells `told` what the gateway answers, and `rules` what is asked of it."""

    told: Told = field(kw_only=True)
    rules: Rules = field(init=False)

    async def list(self) -> Mapping[ObjectRef, Stored]:
        began = self.now()
        found = await super().list()
        self.told.take_gateway(found, began)
        self.rules.owned = sum(map(self.is_owned, self.objects))
        self.rules.unexplained.clear()
        return found

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
                await super().apply([change], before=asked, done=made)
            except GatewayError as error:
                self.told.failed(change, None if isinstance(error, GatewayUnavailable) else known)
                raise
