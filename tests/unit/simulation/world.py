"""A cluster, a gateway and the operator between them, in memory and in virtual time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from echoroute.api.objects import EchoRouteObject
from echoroute.core.addresses import Networks
from echoroute.core.changes import Change, Delete
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import route_id
from echoroute.core.policy import Policy
from echoroute.core.seen import Entry, Seen, seen
from echoroute.engine.announcer import Severity
from echoroute.engine.engine import Engine, Lead, always
from echoroute.engine.options import Options
from echoroute.engine.source import ServiceFollower
from echoroute.engine.writer.writer import Writer
from echoroute.gateway.protocol import Gateway

from .cluster import GATEWAY_CLASS, Cluster, Watchable
from .gateway import REFUSED, Fault, SimulatedGateway

OWNER = "0123abcd"
POLICY = Policy(frozenset())
KEYS = [Key("shop", "cart"), Key("shop", "pay"), Key("lab", "cart"), Key("lab", "pay")]
DRIFT_INTERVAL = 30.0
SOON = 3.0
"""Seconds: a deletion waits for a read of the CRD, of which there is one a second."""
QUIET = 400.0
"""Seconds after the last fault: the longest backoff (60 s), and some rounds."""


class Silent:
    """An `Announcer` that tells nobody."""

    def transition(self, key: Key, uid: str, before: JsonObject, after: JsonObject, expected: bool) -> None: ...

    def contested(self, key: Key) -> None: ...

    def operator(self, severity: Severity, reason: str, message: str) -> None: ...


@dataclass
class World:
    """A cluster, a gateway and the operator, which can be restarted."""

    cluster: Cluster
    gateway: SimulatedGateway
    engine: Engine | None = None
    owner_given: bool = False
    namespaces: frozenset[str] = frozenset()
    confirm_deletion: str | None = None
    follower: ServiceFollower | None = None
    forbidden: Networks = ()
    lead: Lead = always
    _running: asyncio.Task[None] | None = field(default=None)

    @classmethod
    def new(cls) -> Self:
        now = asyncio.get_running_loop().time
        world = cls(Cluster(now), SimulatedGateway(now, OWNER))
        world.gateway.on_change = world.look_at
        return world

    def look_at(self, change: Change) -> None:
        """What must not happen at any time, whatever the faults."""
        swept = {ref_of(key) for key in self.cluster.swept}
        if isinstance(change, Delete) and change.ref in swept and self.is_older_than_crd(change.ref):
            self.gateway.breaches.append(f"{change}: its EchoRoute went with the CRD, and nobody asked for that")

    def is_older_than_crd(self, ref: ObjectRef) -> bool:
        """Whether the clocks tell that an object was made before the CRD, of which they may differ by a minute."""
        stored, crd = self.gateway.objects.get(ref), self.cluster.crd
        return stored is not None and (crd is None or stored.create_time + 60 < crd.created.timestamp())

    def start(self) -> None:
        options = Options(
            owner=OWNER,
            owner_given=self.owner_given,
            namespaces=self.namespaces,
            policy=POLICY,
            confirm_deletion=self.confirm_deletion,
            release=lambda token: f"ECHOROUTE_CONFIRM_DELETION={token}",
            drift_interval=DRIFT_INTERVAL,
            concurrency=4,
            forbidden=self.forbidden,
        )
        source, gateway = self.sides()
        engine = self.engine = Engine(
            options=options, source=source, gateway=gateway, follower=self.follower, announcer=Silent()
        )

        def deliver(event: Seen) -> None:
            engine.desired.hear(event.key, event.version, deleted=event.entry is None, read=lambda: event)

        self._running = asyncio.create_task(engine.run(lambda: source.watch(deliver), self.lead))

    def sides(self) -> tuple[Watchable, Gateway]:
        """What the operator talks to."""
        return self.cluster, self.gateway

    @property
    def writer(self) -> Writer:
        """Who writes now."""
        assert self.engine is not None
        assert self.engine.writer is not None
        return self.engine.writer

    async def stop(self) -> None:
        self.cluster.hang_up()
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def heal(self) -> None:
        """All faults end, and time passes."""
        self.gateway.fault = Fault.NONE
        self.cluster.down = self.cluster.losing_events = False
        await asyncio.sleep(QUIET)

    def entry(self, key: Key) -> Entry:
        entry = seen(self.cluster.objects[key], gateway_class=GATEWAY_CLASS).entry
        assert entry is not None
        return entry

    def ready(self, key: Key) -> str:
        status = EchoRouteObject.from_raw(self.cluster.objects[key]).status
        conditions = status["conditions"]
        assert isinstance(conditions, list)
        (ready,) = (item for item in conditions if isinstance(item, dict) and item["type"] == "Ready")
        assert status["observedGeneration"] == self.entry(key).generation, f"{key}: the status is of an older spec"
        return f"{ready['status']}/{ready['reason']}"


def spec_of(path: str, **more: object) -> JsonObject:
    return {"match": {"paths": [path]}, "backends": [{"service": "echo"}], **more}  # type: ignore[dict-item]


GOOD, OTHER, SHARED, REFUSED_BY_GATEWAY, INVALID, DENIED = "good", "other", "shared", "refused", "invalid", "denied"
SPECS: dict[str, Callable[[Key], JsonObject]] = {
    GOOD: lambda key: spec_of(f"/{key}"),
    OTHER: lambda key: spec_of(f"/{key}", websocket=True),
    SHARED: lambda _: spec_of("/shared"),
    REFUSED_BY_GATEWAY: lambda key: spec_of(f"{REFUSED}/{key}"),
    INVALID: lambda _: spec_of("no-slash"),
    DENIED: lambda key: spec_of(f"/{key}", plugins={"serverless-pre-function": {}}),
}


def ref_of(key: Key) -> ObjectRef:
    return ObjectRef(Kind.ROUTE, route_id(OWNER, key))
