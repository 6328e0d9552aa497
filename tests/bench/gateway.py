"""The gateway that is measured with: the stand-in of the stack, or a real APISIX that the environment names."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
from devstack.handles.answers import JsonObject, accepted, as_object
from devstack.stack import Stack

_KINDS = ("routes", "upstreams")
_GLANCE = 0.005
"""Seconds between two looks at one object."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Objects are looked at one by one: a millisecond each in APISIX, and a list of 2,000 takes a tenth of a second."""

    name: str
    admin_url: str
    url: str
    consul_url: str
    key_file: Path
    pid: int | None
    """Of the stand-in, whose CPU time is known; None of a real APISIX."""
    http: httpx.Client

    @property
    def headers(self) -> dict[str, str]:
        return {"X-API-KEY": self.key_file.read_text().strip()}

    def get(self, route: str) -> JsonObject | None:
        """One route with its indexes; None when there is none."""
        answer = self.http.get(f"{self.admin_url}/apisix/admin/routes/{route}", headers=self.headers)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return as_object(accepted(answer).content, route)

    def versions(self) -> dict[str, int]:
        """The modifiedIndex of each object: a write, also an identical one, changes it."""
        found: dict[str, int] = {}
        for kind in _KINDS:
            answer = self.http.get(f"{self.admin_url}/apisix/admin/{kind}", headers=self.headers, timeout=60)
            entries = as_object(accepted(answer).content, kind)["list"]
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict):
                    found[str(entry["key"])] = int(str(entry["modifiedIndex"]))
        return found

    def wait_for_one(self, route: str, timeout: float = 60) -> float:
        """Wait until a route is there; when that was, by the monotonic clock."""
        deadline = time.monotonic() + timeout
        while self.get(route) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"route {route} is not there after {timeout:g} s")
            time.sleep(_GLANCE)
        return time.monotonic()

    def wait_for(self, routes: Sequence[str], *, present: bool = True, timeout: float = 600) -> float:
        """Wait until all routes are there (or gone); when that was, by the monotonic clock.

        The last one is looked at until it is; then a list tells of those that came (or went) out of order.
        """
        deadline = time.monotonic() + timeout
        open_ = list(routes[-1:])
        while True:
            while open_:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"route {open_[-1]} is not {'there' if present else 'gone'} after {timeout:g} s")
                if (self.get(open_[-1]) is not None) is present:
                    open_.pop()
                else:
                    time.sleep(_GLANCE)
            moment = time.monotonic()
            held = {key.rpartition("/")[2] for key in self.versions()}
            open_ = [route for route in routes if (route in held) is not present]
            if not open_:
                return moment

    def clear(self) -> None:
        """Delete all objects, eight at once, routes first."""
        keys = [key.removeprefix("/apisix") for key in self.versions()]
        headers = self.headers

        def delete(key: str) -> None:
            accepted(self.http.delete(f"{self.admin_url}/apisix/admin{key}?force=true", headers=headers))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(delete, keys))


def gateway_of(stack: Stack) -> Gateway:
    """The one that APISIX_ADMIN_URL names, or the stack's stand-in. Raises SystemExit where a real one is not empty."""
    limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
    client = httpx.Client(trust_env=False, timeout=30, limits=limits)
    url = os.environ.get("APISIX_ADMIN_URL", "")
    if not url:
        own = stack.gateway
        return Gateway("the stand-in", own.admin_url, own.url, stack.consul.url, own.admin_key_file, own.pid, client)
    key_file = stack.directory / "apisix-admin-key"
    key_file.touch(mode=0o600)
    key_file.write_text(os.environ["APISIX_ADMIN_KEY"])
    admin_url = url.rstrip("/").removesuffix("/apisix/admin")
    consul = os.environ.get("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500")
    found = Gateway("APISIX", admin_url, os.environ["APISIX_GATEWAY_URL"].rstrip("/"), consul, key_file, None, client)
    if found.versions():
        raise SystemExit(f"{url} has routes or upstreams: the bench needs an APISIX of its own, and empties it")
    server = client.get(f"{admin_url}/apisix/admin/routes", headers=found.headers).headers.get("server", "APISIX")
    return Gateway(server, admin_url, found.url, consul, key_file, None, client)
