"""Consul's HTTP API as services and tests use it. https://developer.hashicorp.com/consul/api-docs"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter

from devstack.errors import UnexpectedAnswer
from devstack.handles.answers import JsonObject, accepted

CheckStatus = Literal["passing", "warning", "critical"]


class Instance(BaseModel):
    """One instance of a service in the catalog; `status` is the worst of its checks and its node's."""

    id: str
    address: str
    port: int
    status: CheckStatus
    tags: list[str]
    meta: dict[str, str]


class _Service(BaseModel):
    ID: str
    Address: str
    Port: int
    Tags: list[str] | None
    Meta: dict[str, str] | None


class _Node(BaseModel):
    Address: str


class _Check(BaseModel):
    Status: CheckStatus


class _Entry(BaseModel):
    Node: _Node
    Service: _Service
    Checks: list[_Check]

    def instance(self) -> Instance:
        worst = max((check.Status for check in self.Checks), key=_BADNESS.index, default="passing")
        service = self.Service
        return Instance(
            id=service.ID,
            address=service.Address or self.Node.Address,
            port=service.Port,
            status=worst,
            tags=service.Tags or [],
            meta=service.Meta or {},
        )


_BADNESS: list[CheckStatus] = ["passing", "warning", "critical"]
_ENTRIES: TypeAdapter[list[_Entry]] = TypeAdapter(list[_Entry])


@dataclass(frozen=True, slots=True)
class ConsulApi:
    """Registrations go to the agent, as those of a service do."""

    url: str
    http: httpx.Client

    def register(
        self,
        name: str,
        port: int,
        *,
        instance_id: str | None = None,
        address: str = "127.0.0.1",
        tags: Sequence[str] = (),
        meta: Mapping[str, str] | None = None,
        weight: int = 1,
        health_path: str | None = None,
        status: CheckStatus | None = None,
    ) -> str:
        """Register an instance and return its id, by default `{name}-{address}-{port}`.

        With `health_path` Consul asks the instance itself every second (it never asks more often), and takes it for
        critical until it has answered; without, its health is what `status` (passing) and `set_status` say.
        """
        instance = instance_id or f"{name}-{address}-{port}"
        check: dict[str, JsonValue] = {"CheckID": f"service:{instance}", "Status": status or "critical"}
        if health_path is None:
            check |= {"TTL": "24h", "Status": status or "passing"}
        else:
            check |= {"HTTP": f"http://{address}:{port}{health_path}", "Interval": "1s", "Timeout": "2s"}
        body = {
            "ID": instance,
            "Name": name,
            "Address": address,
            "Port": port,
            "Tags": list(tags),
            "Meta": dict(meta or {}),
            "Weights": {"Passing": weight, "Warning": weight},
            "Check": check,
        }
        accepted(self.http.put("/v1/agent/service/register", json=body))
        return instance

    def deregister(self, instance: str) -> None:
        """An instance that is not there is fine."""
        answer = self.http.put(f"/v1/agent/service/deregister/{instance}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            accepted(answer)

    def set_status(self, instance: str, status: CheckStatus) -> None:
        """Of an instance that was registered without `health_path`."""
        accepted(self.http.put(f"/v1/agent/check/update/service:{instance}", json={"Status": status}))

    def registered(self) -> set[str]:
        """Ids of the instances that this agent holds."""
        answer = accepted(self.http.get("/v1/agent/services"))
        return set(TypeAdapter(JsonObject).validate_json(answer.content))

    def services(self) -> list[str]:
        """Names in the catalog."""
        answer = accepted(self.http.get("/v1/catalog/services"))
        return sorted(TypeAdapter(JsonObject).validate_json(answer.content))

    def instances(self, name: str) -> list[Instance]:
        """All instances, healthy or not."""
        answer = accepted(self.http.get(f"/v1/health/service/{name}"))
        return [entry.instance() for entry in _ENTRIES.validate_json(answer.content)]

    def wait_for_passing(self, name: str, count: int, timeout: float = 30) -> list[Instance]:
        """Wait until exactly `count` instances pass, and return them. Raises UnexpectedAnswer after the timeout."""
        deadline = time.monotonic() + timeout
        while True:
            instances = self.instances(name)
            passing = [instance for instance in instances if instance.status == "passing"]
            if len(passing) == count:
                return passing
            if time.monotonic() > deadline:
                seen = ", ".join(f"{instance.id} {instance.status}" for instance in instances) or "none"
                msg = f"service {name} did not get {count} passing instances in {timeout:g} s; there are: {seen}"
                raise UnexpectedAnswer(msg)
            time.sleep(0.05)
