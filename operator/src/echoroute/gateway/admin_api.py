"""The gateway protocol over APISIX's Admin API: one request for each object.

Documentation: https://apisix.apache.org/docs/apisix/admin-api/
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic_core import to_json

from echoroute.core.changes import Change, Put, Stored
from echoroute.core.objects import Kind, ObjectRef
from echoroute.errors import GatewayUnavailable, SettingsError
from echoroute.gateway import answers, metrics
from echoroute.gateway.pace import Pace
from echoroute.net.client import HttpClient, TransportFailed
from echoroute.net.credential import Credential
from echoroute.net.fence import Fence
from echoroute.net.tls import Tls

log = logging.getLogger(__name__)

# A write takes APISIX 1 to 70 ms; 10 s are a gateway that waits for its etcd.
_TIMEOUT: Final = 10.0
# An unpaged list reads everything: 0.1 s for 2,000 routes, and the worker that answers also serves users.
_LIST_TIMEOUT: Final = 60.0
# Connections beside those for writes, so that a list and a probe get through while writes hang.
_FOR_READS: Final = 2

_URL_SETTING: Final = "ECHOROUTE_APISIX_ADMIN_URL"
_DEFAULT_PATH: Final = "/apisix/admin"
_ID: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
# The probe asks for it: an id that nobody has, since ids of ours begin with an owner and a dot.
_PROBE: Final = ObjectRef(Kind.ROUTE, "echoroute-probe")


class AdminApi:
    """Implements `echoroute.gateway.protocol.Gateway`.

    `url` is where the Admin API listens; its path, where it has none, is `/apisix/admin`. At most `concurrency` writes
    are under way at once, and at most `max_writes_per_second` are begun in a second, evenly. One full list at a time.
    The key is sent as `X-API-KEY`, and is never part of a message. Behind a closed `fence` writes raise `NotLeading`.
    `on_server` is called with what the gateway calls itself, as `probe` gives it, at each probe and list.

    Raises `SettingsError` when `url` is none.
    """

    def __init__(
        self,
        url: str,
        key: Credential,
        *,
        tls: Tls,
        concurrency: int,
        max_writes_per_second: float | None,
        fence: Fence | None = None,
        on_server: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._http = HttpClient(_base_url(url), tls=tls, connections=concurrency + _FOR_READS, fence=fence)
        self._key = key
        self._on_server = on_server
        self._slots = asyncio.Semaphore(concurrency)
        self._pace = Pace(max_writes_per_second)
        self._listing = asyncio.Lock()
        self._unreadable: list[str] = []

    async def list(self) -> Mapping[ObjectRef, Stored]:
        """Read all objects of all kinds, with one unpaged GET for each kind: a page costs the gateway as much."""
        found: dict[ObjectRef, Stored] = {}
        unreadable: list[str] = []
        async with self._listing:
            for kind in Kind:
                response = await self._request("GET", kind, f"/{kind}", timeout=_LIST_TIMEOUT)
                self._on_server(_server(response))
                if answers.is_absent(response):
                    continue  # etcd has no directory for the kind: it was replaced by an empty one
                answers.check_read(response, f"GET {kind}", key=self._key.setting)
                objects, odd = answers.listed(response, kind)
                found.update(objects)
                unreadable += odd
        self._tell_unreadable(unreadable)
        return found

    def _tell_unreadable(self, names: Sequence[str]) -> None:
        metrics.unreadable_objects.set(len(names))
        if names and list(names) != self._unreadable:
            log.warning("%d gateway objects cannot be read and are passed over: %s", len(names), ", ".join(names[:5]))
        self._unreadable = list(names)

    async def read(self, ref: ObjectRef) -> Stored | None:
        """Read one object; None where it does not exist."""
        response = await self._request("GET", ref.kind, _path(ref), timeout=_TIMEOUT)
        if answers.is_absent(response):
            return None
        what = f"GET {ref}"
        answers.check_read(response, what, key=self._key.setting)
        found = answers.stored(answers.json_of(response, what), ref.kind)
        if found is None:
            raise GatewayUnavailable(
                f"{what}: an object without key or modifiedIndex; is this APISIX's Admin API (v3)?"
            )
        return found[1]

    async def apply(
        self,
        changes: Sequence[Change],
        *,
        before: Callable[[Change], None] | None = None,
        done: Callable[[Change], None] | None = None,
    ) -> None:
        """Make the changes in order; see `Gateway.apply`."""
        for change in changes:
            async with self._slots:
                await self._pace.turn()
                if before is not None:
                    before(change)
                await self._write(change)
            if done is not None:
                done(change)

    async def probe(self) -> str:
        """Read an object that does not exist, which shows that the API, its etcd and the key work."""
        response = await self._request("GET", _PROBE.kind, _path(_PROBE), timeout=_TIMEOUT)
        if not answers.is_absent(response):
            answers.check_read(response, f"GET {_PROBE} (the probe)", key=self._key.setting)
        server = _server(response)
        self._on_server(server)
        return server

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _write(self, change: Change) -> None:
        content = to_json(change.body) if isinstance(change, Put) else None
        method = "DELETE" if content is None else "PUT"
        response = await self._request(method, change.ref.kind, _path(change.ref), content=content, timeout=_TIMEOUT)
        # What a PUT answers is not what is stored (encrypted fields), so it is not even parsed.
        answers.check_change(response, change, key=self._key.setting)

    async def _request(
        self, method: str, kind: Kind, path: str, *, content: bytes | None = None, timeout: float
    ) -> httpx.Response:
        key = self._key.value()
        response = await self._send(method, kind, path, key=key, content=content, timeout=timeout)
        if response.status_code in (401, 403) and (fresh := self._key.reread()) != key:
            response = await self._send(method, kind, path, key=fresh, content=content, timeout=timeout)
        return response

    async def _send(
        self, method: str, kind: Kind, path: str, *, key: str, content: bytes | None, timeout: float
    ) -> httpx.Response:
        headers = {"x-api-key": key, "accept-encoding": "identity", "user-agent": "echoroute"}
        if content is not None:
            headers["content-type"] = "application/json"
        code = "error"
        started = time.perf_counter()
        try:
            response = await self._http.request(method, path, headers=headers, content=content, timeout=timeout)
            code = str(response.status_code)
        except TransportFailed as failed:
            raise GatewayUnavailable(f"{method} {path[1:]}: {failed}", outcome_unknown=failed.maybe_sent) from failed
        finally:
            metrics.requests_total.labels(method, kind, code).inc()
            metrics.request_duration_seconds.labels(method, kind).observe(time.perf_counter() - started)
        return response


def _server(response: httpx.Response) -> str:
    return str(response.headers.get("server", ""))


def _path(ref: ObjectRef) -> str:
    if not _ID.fullmatch(ref.id) or ref.id in {".", ".."}:
        raise ValueError(f"{ref}: not an id that APISIX takes (1 to 64 of a-z A-Z 0-9 - _ .)")
    return f"/{ref.kind}/{ref.id}"


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise SettingsError(f"{_URL_SETTING} must look like http://apisix-admin:9180")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{_URL_SETTING} must not hold a user or password: URLs are logged")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or _DEFAULT_PATH}"
