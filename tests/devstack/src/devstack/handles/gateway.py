"""The gateway from its three sides: Admin API, data plane, and the stand-in's control port."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter

from devstack.errors import UnexpectedAnswer
from devstack.handles.answers import JsonObject, accepted, as_object, at

Kind = Literal["routes", "upstreams"]


class Write(BaseModel):
    """A line of the stand-in's log of writes. `time` is seconds since the epoch."""

    seq: int
    method: str
    kind: str
    id: str
    status: int


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

    def stats(self) -> JsonObject:
        """Counts of Admin API requests since the last `reset_stats`."""
        return as_object(accepted(self.http.get(f"{self.control_url}/stats")).content, "/stats")

    def reset_stats(self) -> None:
        accepted(self.http.post(f"{self.control_url}/reset-stats"))

    def writes(self, since: int = 0) -> list[Write]:
        """Writes with a `seq` above `since`, in order."""
        answer = accepted(self.http.get(f"{self.control_url}/writes", params={"since": since}))
        return _WRITES.validate_json(answer.content)

    def wipe(self) -> None:
        """Lose all objects, as an etcd that was set up anew."""
        accepted(self.http.post(f"{self.control_url}/wipe"))

    def set_faults(self, faults: dict[str, JsonValue]) -> None:
        """Misbehave from now on; see tests/devstack/gateway for what it can do."""
        accepted(self.http.post(f"{self.control_url}/faults", json=faults))

    def clear_faults(self) -> None:
        accepted(self.http.delete(f"{self.control_url}/faults"))


def _value(answer: httpx.Response) -> JsonObject:
    value = at(as_object(answer.content, str(answer.request.url)), "value")
    if not isinstance(value, dict):
        msg = f"{answer.request.method} {answer.request.url} was answered without a value: {answer.text[:200]}"
        raise UnexpectedAnswer(msg)
    return value
