"""The gateway from its three sides: Admin API, data plane, and the stand-in's control port."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from pydantic import BaseModel, TypeAdapter

from devstack.errors import UnexpectedAnswer
from devstack.handles.answers import JsonObject, accepted, as_object, at

Kind = Literal["routes", "upstreams"]


class Write(BaseModel):
    """A request that would change something, accepted or not.

    `time` is in seconds since the epoch; status 0 says that the connection was cut.
    """

    seq: int
    time: float
    method: str
    kind: str
    id: str
    status: int


class Stats(BaseModel):
    """Counts of Admin API requests since the last `reset_stats`."""

    requests: dict[str, dict[str, dict[str, int]]]
    """By kind, method and status."""
    reads: int
    writes: int
    seq: int
    """Of the last write; it goes on over a reset."""
    proxied: int
    """Requests of clients that went through the gateway."""
    objects: dict[Kind, int]


class Fault(BaseModel):
    """How the stand-in shall misbehave; tests/devstack/gateway/README.md says what each action does and takes."""

    action: Literal["status", "delay", "drop_before", "drop_after", "refuse", "admin_key", "lag", "lag_check"]
    status: int | None = None
    message: str | None = None
    delay_ms: int | None = None
    key: str | None = None
    count: int | None = None
    """How many requests meet it; None: all."""
    writes: bool | None = None
    methods: Sequence[str] | None = None
    kind: Kind | None = None
    id_contains: str | None = None


_WRITES: TypeAdapter[list[Write]] = TypeAdapter(list[Write])


@dataclass(frozen=True, slots=True)
class GatewayApi:
    """Objects are as the Admin API has them. https://apisix.apache.org/docs/apisix/admin-api/"""

    admin_url: str
    url: str
    control_url: str
    admin_key_file: Path
    http: httpx.Client

    def admin(self, method: str, path: str, body: JsonObject | None = None, key: str | None = None) -> httpx.Response:
        """A request as it is, `admin("PUT", "/routes/1", {...})`; the key is the stack's own unless given."""
        key = self.admin_key_file.read_text() if key is None else key
        url = f"{self.admin_url}/apisix/admin{path}"
        return self.http.request(method, url, headers={"X-API-KEY": key}, json=body)

    def put(self, kind: Kind, object_id: str, value: JsonObject) -> JsonObject:
        """Create or replace; the object as stored. Raises UnexpectedAnswer when it is refused."""
        return _value(accepted(self.admin("PUT", f"/{kind}/{object_id}", value)))

    def get(self, kind: Kind, object_id: str) -> JsonObject | None:
        """None when there is no such object."""
        answer = self.admin("GET", f"/{kind}/{object_id}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else _value(accepted(answer))

    def list_all(self, kind: Kind) -> list[JsonObject]:
        answer = as_object(accepted(self.admin("GET", f"/{kind}")).content, kind)
        entries = at(answer, "list")
        values = [at(entry, "value") for entry in entries] if isinstance(entries, list) else []
        return [value for value in values if isinstance(value, dict)]

    def delete(self, kind: Kind, object_id: str, *, force: bool = False) -> None:
        """An object that is not there is fine; one that is in use raises UnexpectedAnswer unless `force`."""
        answer = self.admin("DELETE", f"/{kind}/{object_id}{'?force=true' if force else ''}")
        if answer.status_code != httpx.codes.NOT_FOUND:
            accepted(answer)

    def request(
        self, path: str, method: str = "GET", *, host: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A client's request through the gateway."""
        all_headers = (headers or {}) | ({} if host is None else {"Host": host})
        return self.http.request(method, f"{self.url}{path}", headers=all_headers)

    def wait_for(self, path: str, status: int, *, host: str | None = None, timeout: float = 10) -> httpx.Response:
        """Ask until the answer has this status. Raises UnexpectedAnswer, with the last one, after the timeout."""
        deadline = time.monotonic() + timeout
        while True:
            answer = self.request(path, host=host)
            if answer.status_code == status:
                return answer
            if time.monotonic() > deadline:
                msg = f"{path} was not answered {status} in {timeout:g} s but {answer.status_code}: {answer.text[:200]}"
                raise UnexpectedAnswer(msg)
            time.sleep(0.05)

    def stats(self) -> Stats:
        return Stats.model_validate_json(accepted(self.http.get(f"{self.control_url}/stats")).content)

    def reset_stats(self) -> None:
        accepted(self.http.post(f"{self.control_url}/reset-stats"))

    def writes(self, since: int = 0) -> list[Write]:
        """Writes since the last reset with a `seq` above `since`, in order."""
        answer = accepted(self.http.get(f"{self.control_url}/writes", params={"since": since}))
        return _WRITES.validate_json(answer.content)

    def wipe(self, *, directories: bool = False) -> None:
        """Lose all objects; with `directories` as when an empty etcd takes the old one's place, until the next wipe."""
        accepted(self.http.post(f"{self.control_url}/wipe", params={"directories": "true"} if directories else None))

    def add_fault(self, fault: Fault) -> None:
        """Misbehave from now on, beside the faults that there are."""
        accepted(self.http.post(f"{self.control_url}/faults", json=fault.model_dump(exclude_none=True)))

    def clear_faults(self) -> None:
        accepted(self.http.delete(f"{self.control_url}/faults"))

    def seed_request_ids(self, seed: int) -> None:
        """Let the values of `$request_id` follow from the seed from now on."""
        accepted(self.http.post(f"{self.control_url}/request-ids", json={"seed": seed}))


def _value(answer: httpx.Response) -> JsonObject:
    value = at(as_object(answer.content, str(answer.request.url)), "value")
    if not isinstance(value, dict):
        msg = f"{answer.request.method} {answer.request.url} was answered without a value: {answer.text[:200]}"
        raise UnexpectedAnswer(msg)
    return value
