"""A client of Consul's HTTP API, for the one thing that the operator asks: the health of a service.

Documentation: https://developer.hashicorp.com/consul/api-docs/features/blocking
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx
from pydantic import JsonValue
from pydantic_core import from_json

from echoroute.consul import metrics
from echoroute.consul.config import ConsulConfig
from echoroute.consul.health import ServiceHealth, service_health
from echoroute.core.addresses import Networks
from echoroute.errors import ConsulError
from echoroute.net.client import HttpClient, TransportFailed

# An answer that does not block takes Consul a few milliseconds.
_TIMEOUT: Final = 10.0


OLDEST_SUPPORTED: Final = (1, 15)


@dataclass(frozen=True, slots=True)
class Answer:
    """The health of a service, None if it is as before by its index, and the index to wait behind (at least 1)."""

    health: ServiceHealth | None
    index: int


class ConsulClient:
    """Asks one agent or server, with *stale* reads: any server may answer, also when the leader is busy.

    `forbidden` are the addresses that `ServiceHealth.forbidden` tells of. A token file is read again when it changes
    and after a 403. The token is never part of a message.
    """

    def __init__(self, config: ConsulConfig, *, connections: int, forbidden: Networks = ()) -> None:
        self._forbidden = forbidden
        self._url = config.base_url
        self._token = config.token
        self._http = HttpClient(config.base_url, tls=config.tls, connections=connections)

    async def health(self, service: str, *, index: int = 0, wait: int = 0) -> Answer:
        """Ask for the health of `service`; with an `index`, wait up to `wait` seconds until it differs from then.

        A service that Consul does not know has no instances. It may also wake, unchanged, on changes of other services.
        Raises `ConsulError`.
        """
        # Consul adds up to a sixteenth of the wait, so that not all queries end at once.
        timeout = _TIMEOUT + wait * 17 / 16
        blocking = f"&index={index}&wait={wait}s" if index else ""
        response = await self._get(f"/v1/health/service/{quote(service, safe='')}?stale{blocking}", timeout)
        # An index below 1 would not block: the next query would be a busy loop.
        new_index = max(1, _index(response))
        # Most answers are those of a wait that ended: they need not be read.
        return Answer(None if new_index == index else service_health(self._json(response), self._forbidden), new_index)

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
        hint = "; check CONSUL_HTTP_TOKEN" if response.status_code in (401, 403) else ""
        return ConsulError(f"Consul at {self._url}: HTTP {response.status_code}{': ' if text else ''}{text}{hint}")


def _index(response: httpx.Response) -> int:
    value = response.headers["x-consul-index"]
    return int(value) if value.isdigit() else 0


def _is_leaderless(response: httpx.Response) -> bool:
    # Since 1.10 an agent answers blocking queries from a stream that it holds (use_streaming_backend), and then says
    # 'false' whether there is a leader or not.
    streamed = response.headers.get("x-consul-query-backend") == "streaming"
    return not streamed and response.headers.get("x-consul-knownleader") == "false"


def is_supported(version: str) -> bool:
    """Tell whether the operator is meant for this version of Consul (`1.19.2`); one that is not told may be."""
    numbers = version.split(".")[:2]
    return not all(number.isdigit() for number in numbers) or tuple(map(int, numbers)) >= OLDEST_SUPPORTED
