"""Replicas of the engine on one cluster and one gateway, with elections, freezes and kills.

A frozen replica gets no further with anything that it asks of others, while the clock goes on. When it wakes up, what
was on its way comes to the fence first; only then does it hear that its term is over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from echoroute.core.changes import Change, Delete, Stored
from echoroute.core.objects import JsonObject, Key, ObjectRef
from echoroute.core.seen import Seen
from echoroute.core.source import Listing, Origin
from echoroute.engine.engine import Engine, Lead, always
from echoroute.engine.options import Options
from echoroute.errors import NotLeading
from echoroute.kube.election import Election, identity
from echoroute.net.fence import Fence

from ..kube.leases import DURATION, Client, Server
from .cluster import Cluster, Deliver
from .ended import check
from .gateway import Fault, SimulatedGateway
from .rules import Rules
from .told import Told
from .watched import WatchedGateway, WatchedSource
from .world import DRIFT_INTERVAL, GOOD, OWNER, POLICY, QUIET, SPECS, Silent, World, ref_of

KEPT = [Key("shop", f"kept-{number}") for number in range(3)]
"""Asked for from the beginning to the end: nobody may ever delete what belongs to them."""

_CONNECT = 0.02


class Freezer:
    """What a process asks of others waits here while it is frozen."""

    def __init__(self, fence: Fence, wrote: Callable[[], None]) -> None:
        self.fence = fence
        self.wrote = wrote
        self.awake = asyncio.Event()
        self.awake.set()
        self.connecting = 0
        """Writes that are on their way to the fence."""
        self._missed: list[tuple[Deliver, Seen]] = []

    def freeze(self) -> None:
        self.awake.clear()

    def thaw(self) -> None:
        self.awake.set()
        missed, self._missed = self._missed, []
        for deliver, event in missed:
            deliver(event)

    def hear(self, deliver: Deliver, event: Seen) -> None:
        """An event: a process that is frozen reads it when it wakes up."""
        if self.awake.is_set():
            deliver(event)
        else:
            self._missed.append((deliver, event))

    async def leave(self) -> None:
        """A write: it connects, which may take long; then the fence, and nothing between it and the request."""
        await self.awake.wait()
        self.connecting += 1
        await asyncio.sleep(_CONNECT)
        await self.awake.wait()
        self.connecting -= 1
        if not self.fence.is_open:
            raise NotLeading
        self.wrote()


@dataclass(frozen=True, slots=True)
class FrozenSource:
    """The cluster, as a process sees it that may be frozen."""

    cluster: Cluster
    freezer: Freezer
    deletions_are_told: bool = True

    async def watch(self, deliver: Deliver) -> None:
        await self.freezer.awake.wait()
        await self.cluster.watch(lambda event: self.freezer.hear(deliver, event))

    async def list(self, *, metadata_only: bool) -> Listing:
        await self.freezer.awake.wait()
        listing = await self.cluster.list(metadata_only=metadata_only)
        await self.freezer.awake.wait()
        return listing

    async def read(self, key: Key) -> Seen | None:
        await self.freezer.awake.wait()
        return await self.cluster.read(key)

    async def read_origin(self) -> Origin | None:
        await self.freezer.awake.wait()
        return await self.cluster.read_origin()

    async def patch_status(self, key: Key, uid: str, status: JsonObject) -> Seen:
        await self.freezer.leave()
        return await self.cluster.patch_status(key, uid, status)


@dataclass(frozen=True, slots=True)
class FrozenGateway:
    """Implements `echoroute.gateway.protocol.Gateway`."""

    gateway: SimulatedGateway
    freezer: Freezer

    async def list(self) -> Mapping[ObjectRef, Stored]:
        await self.freezer.awake.wait()
        found = await self.gateway.list()
        await self.freezer.awake.wait()
        return found

    async def apply(
        self,
        changes: Sequence[Change],
        *,
        before: Callable[[Change], None] | None = None,
        done: Callable[[Change], None] | None = None,
    ) -> None:
        for change in changes:
            if before is not None:
                before(change)
            await self.freezer.leave()
            await self.gateway.apply([change])
            await self.freezer.awake.wait()
            if done is not None:
                done(change)

    async def probe(self) -> str:
        await self.freezer.awake.wait()
        return await self.gateway.probe()

    async def aclose(self) -> None: ...


class Replica:
    """One process."""

    def __init__(self, both: "Both") -> None:
        clock = asyncio.get_running_loop().time
        fence = Fence(clock)
        self.lease = Client(both.leases)
        self.freezer = Freezer(fence, lambda: both.wrote(self))
        self.rules = both.new_rules()
        told = self.rules.told
        source = WatchedSource(FrozenSource(both.cluster, self.freezer), told, self.rules)
        gateway = WatchedGateway(FrozenGateway(both.gateway, self.freezer), told, self.rules)
        self.engine = engine = Engine(
            options=both.options(), source=source, gateway=gateway, follower=None, announcer=Silent()
        )

        def deliver(event: Seen) -> None:
            engine.desired.hear(event.key, event.version, deleted=event.entry is None, read=lambda: event)

        self._both = both
        self._election = Election(self.lease, identity=identity("pod"), duration=DURATION, fence=fence, clock=clock)
        lead: Lead = self._lead if both.elected else always
        if not both.elected:
            fence.open()
        self._task = asyncio.create_task(engine.run(lambda: source.watch(deliver), lead))

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    @property
    def leads(self) -> bool:
        return self.engine.writer is not None and self.freezer.fence.is_open

    async def _lead(self, term: Callable[[], Awaitable[None]]) -> None:
        async def heard_late() -> None:
            work = asyncio.ensure_future(term())
            try:
                await asyncio.shield(work)
            finally:
                await self.freezer.awake.wait()
                work.cancel()
                with suppress(asyncio.CancelledError, ExceptionGroup):
                    await work

        await self._election.run(heard_late)

    def freeze(self) -> None:
        self.freezer.freeze()
        self.lease.cut = True

    def thaw(self) -> None:
        self.lease.cut = False
        self.freezer.thaw()

    async def end(self, *, release: bool) -> None:
        """Stop it, or kill it: then no request of it arrives any more."""
        self.freezer.awake.set()
        self.lease.cut = not release
        self._both.replicas.remove(self)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


@dataclass
class Both:
    """What the replicas share, and what must not happen there."""

    cluster: Cluster
    gateway: SimulatedGateway
    elected: bool = True
    """Whether replicas are; otherwise each leads all the time, as it must never be."""
    leases: Server = field(default_factory=Server)
    asked: dict[Key, str] = field(default_factory=dict)
    replicas: list[Replica] = field(default_factory=list)
    confirm_deletion: str | None = None
    """The token that replicas which start from now on are given."""
    breaches: list[str] = field(default_factory=list)
    confirmed: set[tuple[ObjectRef, int]] = field(default_factory=set)
    born: dict[tuple[str, int], float] = field(default_factory=dict)

    @classmethod
    def new(cls, *, elected: bool = True) -> "Both":
        now = asyncio.get_running_loop().time
        both = cls(Cluster(now), SimulatedGateway(now, OWNER), elected)
        both.gateway.on_change = both._look_at
        for key in KEPT:
            both.apply(key, GOOD)
        return both

    def _look_at(self, change: Change) -> None:
        if isinstance(change, Delete) and change.ref in map(ref_of, KEPT):
            self.breaches.append(f"{change}: nobody asked for that")

    def options(self) -> Options:
        return Options(
            owner=OWNER,
            owner_given=False,
            namespaces=frozenset(),
            policy=POLICY,
            confirm_deletion=self.confirm_deletion,
            release=lambda token: f"ECHOROUTE_CONFIRM_DELETION={token}",
            drift_interval=DRIFT_INTERVAL,
            concurrency=4,
        )

    def new_rules(self) -> Rules:
        """What a replica that starts now has to keep to; a breach of one is one of all."""
        told = Told(self.gateway.now)
        return Rules(self.cluster, self.gateway, told, told.now, self.breaches, self.confirmed, self.born)

    def apply(self, key: Key, kind: str) -> None:
        self.cluster.apply(key, SPECS[kind](key))
        self.asked[key] = kind

    def delete(self, key: Key) -> None:
        self.cluster.delete(key)
        self.asked.pop(key, None)

    def start(self) -> Replica:
        self.replicas.append(Replica(self))
        return self.replicas[-1]

    def wrote(self, replica: Replica) -> None:
        """A write leaves: whoever else might write now, too, is one too many."""
        others = [each for each in self.replicas if each is not replica and each.freezer.fence.is_open]
        if self.elected and others:
            self.breaches.append(f"at {self.gateway.now():.1f} s one writes, and another one may")

    async def settle(self) -> None:
        """All faults end, time passes, and all is as it was asked for."""
        self.gateway.fault = Fault.NONE
        for replica in self.replicas:
            replica.lease.answers_lost = False
            replica.thaw()
        await asyncio.sleep(QUIET)
        assert self.breaches == []
        check(World(self.cluster, self.gateway), self.asked, set())
        assert all(ref_of(key) in self.gateway.objects for key in KEPT)
