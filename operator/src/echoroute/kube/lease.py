"""The standard Lease (coordination.k8s.io/v1) as the API server has it: who holds it, and for how long it says so."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pydantic import JsonValue

from echoroute.api.objects import EchoRouteObject
from echoroute.core.objects import JsonObject
from echoroute.errors import KubernetesError
from echoroute.kube.api import KubernetesApi, object_path
from echoroute.kube.echoroutes import FIELD_MANAGER
from echoroute.net.fence import LONGEST_LEASE

_API_VERSION = "coordination.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Lease:
    """One version of a Lease. Its times are for people: clocks of different machines are not compared."""

    holder: str
    """Empty where nobody holds it."""
    duration: float
    """Seconds after its last change for which the holder has it; 0 where it names none."""
    transitions: int
    version: int
    """Of one resource they compare as integers."""

    @classmethod
    def from_raw(cls, raw: JsonObject) -> "Lease":
        """What others have written may be anything: what is no value of its field counts as not there.

        client-go waits for as long as the Lease says. One edit by hand would then lock out every replica for years.
        """
        spec = raw.get("spec")
        spec = spec if isinstance(spec, dict) else {}
        return cls(
            holder=str(spec.get("holderIdentity") or ""),
            duration=min(float(_number(spec.get("leaseDurationSeconds"))), LONGEST_LEASE),
            transitions=_number(spec.get("leaseTransitions")),
            version=EchoRouteObject.from_raw(raw).resource_version,
        )


class Leases(Protocol):
    """The one Lease that an election is about. All methods may raise `KubernetesError`."""

    async def read(self) -> Lease | None:
        """None where it does not exist."""
        ...

    def watch(self, since: Lease | None) -> AsyncGenerator[Lease | None]:
        """Each version of it after what was read; None where it was deleted. It ends, or raises, sooner or later."""
        ...

    async def take(self, before: Lease | None, holder: str) -> Lease:
        """Make `holder` its holder; status 409 where it is not what it was `before` (404: where it is gone)."""
        ...

    async def renew(self, before: Lease) -> Lease:
        """Say that its holder is still there; status 409 or 404 as above."""
        ...

    async def release(self, before: Lease) -> Lease:
        """Say that nobody holds it; status 409 or 404 as above."""
        ...


class KubernetesLeases:
    """Implements `Leases`. An update names the version that it replaces, so that of two at once one fails."""

    def __init__(self, api: KubernetesApi, *, namespace: str, name: str, duration: float) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._duration = duration
        self._path = object_path(_API_VERSION, "leases", namespace, name)

    async def read(self) -> Lease | None:
        try:
            return Lease.from_raw(await self._api.get(self._path))
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    async def watch(self, since: Lease | None) -> AsyncGenerator[Lease | None]:
        # Its holder changes it every few seconds: silence is a connection that has died.
        query = {"fieldSelector": f"metadata.name={self._name}"}
        query |= {"resourceVersion": str(since.version)} if since else {}
        collection = object_path(_API_VERSION, "leases", self._namespace)
        async for kind, raw in self._api.watch(collection, query, silence=2 * self._duration):
            yield None if kind == "DELETED" else Lease.from_raw(raw)

    async def take(self, before: Lease | None, holder: str) -> Lease:
        now = _now()
        spec: JsonObject = {
            "holderIdentity": holder,
            "leaseDurationSeconds": round(self._duration),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": before.transitions + 1 if before else 0,
        }
        if before is not None:
            return await self._update(before, spec)
        metadata: JsonObject = {"name": self._name, "namespace": self._namespace}
        body: JsonObject = {"apiVersion": _API_VERSION, "kind": "Lease", "metadata": metadata, "spec": spec}
        return Lease.from_raw(await self._api.create(object_path(_API_VERSION, "leases", self._namespace), body))

    async def renew(self, before: Lease) -> Lease:
        return await self._update(before, {"renewTime": _now()})

    async def release(self, before: Lease) -> Lease:
        return await self._update(before, {"holderIdentity": "", "renewTime": _now()})

    async def _update(self, before: Lease, spec: JsonObject) -> Lease:
        body: JsonObject = {"metadata": {"resourceVersion": str(before.version)}, "spec": spec}
        return Lease.from_raw(await self._api.merge_patch(self._path, body, manager=FIELD_MANAGER))


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
