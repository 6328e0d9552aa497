"""A gateway in memory with the faults that an Admin API has; it refuses what a test calls a breach of an invariant."""

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import httpx
from echoroute.core.changes import Change, Put, Stored
from echoroute.core.objects import JsonObject, Kind, ObjectRef
from echoroute.core.ownership import owner_of
from echoroute.errors import GatewayDeferred, GatewayRejected, GatewayUnauthorized, GatewayUnavailable
from echoroute.gateway.answers import listed

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
    LOSES_ITEMS = "loses items"
    """A list lacks one of its objects, of which it has the number."""


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
    lag: float = 0.0
    """Each answer comes up to so many seconds late."""
    nested: bool = False
    """Somebody else's route is nested deeper than any parser goes."""
    objects: dict[ObjectRef, Stored] = field(default_factory=dict)
    went_back: bool = False
    wiped: bool = False
    """Whether its etcd has lost everything once."""
    breaches: list[str] = field(default_factory=list)
    on_change: Callable[[Change], None] = lambda _: None
    """Looks at each change before it is made."""
    is_told: Callable[[ObjectRef], bool] = lambda _: True
    """Whether the operator could know that an object is somebody else's."""
    _index: int = 0
    _backup: tuple[dict[ObjectRef, Stored], int] | None = None

    def is_owned(self, ref: ObjectRef) -> bool:
        owner = owner_of({**self.objects[ref].body, "id": ref.id})
        return owner is not None and owner[0] == self.owner

    def write_past_us(self, ref: ObjectRef, body: JsonObject) -> None:
        """What somebody with a curl command does."""
        self._index += 1
        before = self.objects.get(ref)
        created = before.create_time if before else int((START + timedelta(seconds=self.now())).timestamp())
        self.objects[ref] = Stored(body, created, self._index)

    def wipe(self) -> None:
        """Its etcd begins anew, with nothing."""
        self.wiped = True
        self.objects.clear()

    def back_up(self) -> None:
        self._backup = (dict(self.objects), self._index)

    def restore(self) -> None:
        """Its etcd goes back to the backup: indexes come again for other contents."""
        assert self._backup is not None
        self.went_back = True
        objects, self._index = self._backup
        self.objects = dict(objects)

    async def list(self) -> Mapping[ObjectRef, Stored]:
        self.listed.append(self.now())
        await self._answer()
        if self.fault is Fault.REFUSES_LISTS:
            raise GatewayUnavailable("the answer is no complete list")
        found = dict(self.objects)
        if self.nested or self.fault is Fault.LOSES_ITEMS:
            found = _over_the_wire(found, nested=self.nested, cut=self.fault is Fault.LOSES_ITEMS)
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
        if change.ref in self.objects and not self.is_owned(change.ref) and self.is_told(change.ref):
            self.breaches.append(f"{change}: the object is somebody else's")
        if isinstance(change, Put):
            missing = named_by(change.body) - {ref.id for ref in self.objects if ref.kind is Kind.UPSTREAM}
            if missing:
                self.breaches.append(f"{change}: names {missing}, which is not there: each request would be a 500")
            if str(change.body.get("uri")).startswith(REFUSED) and not self.lenient:
                raise GatewayRejected('property "uri" validation failed')
            self.write_past_us(change.ref, dict(change.body))
        else:
            self._check_in_use(change.ref)
            self.objects.pop(change.ref, None)

    def _check_in_use(self, ref: ObjectRef) -> None:
        """Raises `GatewayDeferred` for an Upstream that a Route names, or has named a moment ago."""
        if ref.kind is not Kind.UPSTREAM:
            return
        for other, stored in self.objects.items():
            if ref.id in named_by(stored.body):
                if self.is_owned(other):
                    self.breaches.append(f"DELETE {ref}: {other} of ours names it")
                raise GatewayDeferred(f"DELETE {ref}: plugin in route [{other.id}] is still using it now")

    async def _answer(self) -> None:
        await asyncio.sleep(0.003 + random.uniform(0.0, self.lag))  # noqa: S311 - a schedule, not a secret
        if self.fault is Fault.DOWN:
            raise GatewayUnavailable("connection refused")
        if self.fault is Fault.UNAUTHORIZED:
            raise GatewayUnauthorized("HTTP 401")


def named_by(body: JsonObject) -> set[str]:
    """The ids of the Upstreams that a Route names."""
    if "nodes" in body:
        return set()  # an Upstream
    return set(re.findall(r'"upstream_id": "([^"]*)"', json.dumps(body)))


_DEEP = "[" * 1_500 + "]" * 1_500
NESTED = ObjectRef(Kind.ROUTE, "theirs-and-nested")


def _over_the_wire(found: Mapping[ObjectRef, Stored], *, nested: bool, cut: bool) -> dict[ObjectRef, Stored]:
    """The list as an answer's text, read by the client's own reader. Raises `GatewayUnavailable` where it is cut."""
    objects: dict[ObjectRef, Stored] = {}
    for kind in Kind:
        items = [json.dumps(_item(ref, stored)) for ref, stored in found.items() if ref.kind is kind]
        if nested and kind is Kind.ROUTE:
            deep = _item(NESTED, Stored({"uri": "/nested", "plugins": {"echo": {"body": "DEEP"}}}, 0, 1))
            items.append(json.dumps(deep).replace('"DEEP"', _DEEP))
        total = len(items) + (cut and kind is Kind.ROUTE)
        content = f'{{"total": {total}, "list": [{", ".join(items)}]}}'
        objects |= listed(httpx.Response(200, content=content.encode()), kind)[0]
    return objects


def _item(ref: ObjectRef, stored: Stored) -> JsonObject:
    value: JsonObject = {**stored.body, "id": ref.id, "create_time": stored.create_time}
    return {"key": f"/apisix/routes/{ref.id}", "modifiedIndex": stored.modified_index, "value": value}
