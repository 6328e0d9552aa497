"""A client of Consul's HTTP API, for the one thing that the operator asks: the health of a service.

Documentation: https://developer.hashicorp.com/consul/api-docs/features/blocking
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import JsonValue
from pydantic_core import from_json

from echoroute.api.selection import Service
from echoroute.consul import metrics
from echoroute.consul.answers import instances
from echoroute.consul.config import ConsulConfig
from echoroute.core.instances import Instance
from echoroute.errors import ConsulAccessDenied, ConsulError, UnknownDatacenter
from echoroute.net.client import HttpClient, TransportFailed

# An answer that does not block takes Consul a few milliseconds.
_TIMEOUT: Final = 10.0

_NO_PATH: Final = "No path to datacenter"  # with a 500

_EMPTY_LIST: Final = 8  # bytes: "[]", and white space around it


OLDEST_SUPPORTED: Final = (1, 15)


@dataclass(frozen=True, slots=True)
class Answer:
    """The instances of a service, None if they are as before by the index, and the index to wait behind."""

    instances: tuple[Instance, ...] | None
    index: int
    streamed: bool = False
    """Whether the agent answered from a stream of changes: then it does not tell that something was left out."""


class ConsulClient:
    """Asks one agent or server, with *stale* reads: any server may answer, also when the leader is busy.

    A token file is read again when it changes and after a 403. The token is never part of a message.
    """

    def __init__(self, config: ConsulConfig, *, connections: int) -> None:
        self._url = config.base_url
        self._token = config.token
        self._http = HttpClient(config.base_url, tls=config.tls, connections=connections)

    async def health(self, service: Service, *, index: int = 0, wait: float = 0.0, stale: bool = True) -> Answer:
        """Ask for the health of `service`; with an `index`, wait up to `wait` seconds until it differs from then.

        Without `stale` the leader is asked.
        A service that Consul does not know has no instances. It may also wake, unchanged, on changes of other services.
        Raises `ConsulError`; `ConsulAccessDenied` also where Consul leaves out what the token may not read: it answers
        with a shorter or an empty list then, which says nothing of the service. `UnknownDatacenter`, where it has no
        way to the service's datacenter.
        """
        # Consul adds up to a sixteenth of the wait, so that not all queries end at once.
        timeout = _TIMEOUT + wait * 17 / 16
        query = ("stale&" if stale else "") + (f"index={index}&wait={wait:g}s" if index else "")
        query += f"&dc={quote(service.datacenter, safe='')}" if service.datacenter else ""
        response = await self._get(f"/v1/health/service/{quote(service.name, safe='')}?{query}", timeout)
        # An index below 1 would not block: the next query would be a busy loop.
        new_index = max(1, _index(response))
        if response.headers.get("x-consul-results-filtered-by-acls") == "true":
            raise ConsulAccessDenied(
                f"Consul at {self._url}: the token may not read all of service {service}; "
                "it needs service:read for it and node:read for its nodes"
            )
        streamed = _is_streamed(response)
        # Most answers are those of a wait that ended: they need not be read. But a stream of which the token may read
        # nothing any more is empty, at the index that it had.
        unread = new_index == index and not (streamed and len(response.content) < _EMPTY_LIST)
        return Answer(None if unread else instances(self._json(response)), new_index, streamed)

    async def probe(self) -> str:
        """Find out with one cheap request whether Consul answers, has a leader and takes the token.

        Returns the version of a Consul server (`1.19.2`), or '' where the token must not see it. Raises `ConsulError`.
        """
        response = await self._get("/v1/health/service/consul?stale&passing", _TIMEOUT)
        match self._json(response):
            case [{"Service": {"Meta": {"version": str(version)}}}, *_]:
                return version
            case _:
                return ""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _get(self, path: str, timeout: float) -> httpx.Response:
        token = self._token.value() if self._token else None
        response = await self._send(path, token, timeout)
        if response.status_code == 403 and self._token and (fresh := self._token.reread()) != token:
            token = fresh
            response = await self._send(path, token, timeout)
        if response.status_code != 200:
            raise self._refused(response, token)
        if "x-consul-index" not in response.headers:
            raise ConsulError(f"Consul at {self._url}: an answer without X-Consul-Index; is this Consul?")
        if _is_leaderless(response):
            raise ConsulError(f"Consul at {self._url}: it has no leader, so what it says may be old")
        return response

    async def _send(self, path: str, token: str | None, timeout: float) -> httpx.Response:
        headers = {"accept-encoding": "identity", "user-agent": "echoroute"}
        if token is not None:
            headers["x-consul-token"] = token
        code = "error"
        try:
            response = await self._http.request("GET", path, headers=headers, timeout=timeout)
            code = str(response.status_code)
        except TransportFailed as failed:
            raise ConsulError(f"Consul at {self._url}: {failed}") from failed
        finally:
            metrics.requests_total.labels(code).inc()
        return response

    def _json(self, response: httpx.Response) -> JsonValue:
        try:
            answer: JsonValue = from_json(response.content, cache_strings="keys")
        except ValueError:
            raise ConsulError(f"Consul at {self._url}: the answer is no JSON; is this Consul?") from None
        return answer

    def _refused(self, response: httpx.Response, token: str | None) -> ConsulError:
        text = " ".join(response.text.split())[:200] if b"<" not in response.content[:64] else ""
        if token:
            text = text.replace(token, "***")
        setting = self._token.setting if self._token else "CONSUL_HTTP_TOKEN"
        hint = f"; check {setting}" if response.status_code in (401, 403) else ""
        kind = ConsulAccessDenied if response.status_code == 403 else ConsulError
        if _NO_PATH in text:
            kind = UnknownDatacenter
        return kind(f"Consul at {self._url}: HTTP {response.status_code}{': ' if text else ''}{text}{hint}")


def _index(response: httpx.Response) -> int:
    value = response.headers["x-consul-index"]
    return int(value) if value.isdigit() else 0


def _is_leaderless(response: httpx.Response) -> bool:
    # From a stream an agent says 'false' whether there is a leader or not.
    return not _is_streamed(response) and response.headers.get("x-consul-knownleader") == "false"


def _is_streamed(response: httpx.Response) -> bool:
    # Since 1.10 an agent answers blocking queries from a stream that it holds (use_streaming_backend).
    return bool(response.headers.get("x-consul-query-backend") == "streaming")


def is_supported(version: str) -> bool:
    """Tell whether the operator is meant for this version of Consul (`1.19.2`); one that is not told may be."""
    numbers = version.split(".")[:2]
    return not all(number.isdigit() for number in numbers) or tuple(map(int, numbers)) >= OLDEST_SUPPORTED
