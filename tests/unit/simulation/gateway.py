"""A gateway in memory with the faults that an Admin API has; it refuses what a test calls a breach of an invariant."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from echoroute.core.changes import Change, Put, Stored
from echoroute.core.objects import JsonObject, ObjectRef
from echoroute.core.ownership import owner_of
from echoroute.errors import GatewayRejected, GatewayUnauthorized, GatewayUnavailable

from .cluster import START

REFUSED = "/refused"
"""A path below which this gateway takes no route."""


class Fault(StrEnum):
    """How the gateway misbehaves."""

    NONE = "none"
    DOWN = "down"
    UNAUTHORIZED = "unauthorized"
    LOSES_ANSWERS = "loses answers"
    """Writes are made, and the connection breaks before the answer."""
    REFUSES_WRITES = "refuses writes"
    """An etcd without space, a key for reading only: reads work."""
    REFUSES_LISTS = "refuses lists"
    """A proxy that cuts long answers: all else works."""


@dataclass
class SimulatedGateway:
    """Implements `echoroute.gateway.protocol.Gateway`."""

    now: Callable[[], float]
    owner: str
    fault: Fault = Fault.NONE
    writes: int = 0
    """Those that were made."""
    tried: list[tuple[float, ObjectRef]] = field(default_factory=list)
    """Those that were asked for, and when."""
    listed: list[float] = field(default_factory=list)
    """When full lists were asked for."""
    stuck: set[ObjectRef] = field(default_factory=set)
    """Objects of which each write is answered with a 500."""
    retry_after: float | None = None
    lenient: bool = False
    """Whether it takes by now what is below `REFUSED`: somebody has switched a plugin on."""
    objects: dict[ObjectRef, Stored] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    on_change: Callable[[Change], None] = lambda _: None
    """Looks at each change before it is made."""
    _index: int = 0

    def is_owned(self, ref: ObjectRef) -> bool:
        owner = owner_of({**self.objects[ref].body, "id": ref.id})
        return owner is not None and owner[0] == self.owner

    def write_past_us(self, ref: ObjectRef, body: JsonObject) -> None:
        """What somebody with a curl command does."""
        self._index += 1
        before = self.objects.get(ref)
        created = before.create_time if before else int((START + timedelta(seconds=self.now())).timestamp())
        self.objects[ref] = Stored(body, created, self._index)

    async def list(self) -> Mapping[ObjectRef, Stored]:
        self.listed.append(self.now())
        await self._answer()
        if self.fault is Fault.REFUSES_LISTS:
            raise GatewayUnavailable("the answer is no complete list")
        found = dict(self.objects)
        await self._answer()  # what it says is a little old when it arrives
        return found

    async def probe(self) -> str:
        await self._answer()
        return "APISIX/3.18.0-simulated"

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
            self.tried.append((self.now(), change.ref))
            await self._answer()
            if self.fault is Fault.REFUSES_WRITES or change.ref in self.stuck:
                raise GatewayUnavailable("HTTP 503", retry_after=self.retry_after)
            self._make(change)
            if self.fault is Fault.LOSES_ANSWERS:
                raise GatewayUnavailable("connection reset", outcome_unknown=True)
            if done is not None:
                done(change)

    def _make(self, change: Change) -> None:
        self.writes += 1
        self.on_change(change)
        if change.ref in self.objects and not self.is_owned(change.ref):
            self.breaches.append(f"{change}: the object is somebody else's")
        if isinstance(change, Put):
            if str(change.body.get("uri")).startswith(REFUSED) and not self.lenient:
                raise GatewayRejected('property "uri" validation failed')
            self.write_past_us(change.ref, dict(change.body))
        else:
            self.objects.pop(change.ref, None)

    async def _answer(self) -> None:
        await asyncio.sleep(0.003)
        if self.fault is Fault.DOWN:
            raise GatewayUnavailable("connection refused")
        if self.fault is Fault.UNAUTHORIZED:
            raise GatewayUnauthorized("HTTP 401")
