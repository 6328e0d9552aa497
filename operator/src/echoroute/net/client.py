"""One HTTP client for the Admin API and Consul: httpx requests and responses over aiohttp's connections.

Why not plain httpx: its own transport costs 1.1 ms of CPU a request, and 3.7 ms with 32 connections in its pool; over
aiohttp it is 0.35 ms. The transport is called directly, without `httpx.AsyncClient`, for 0.23 ms: cookies, redirects,
proxies from the environment and a log line for each request are nothing that these two APIs need.

What the transport does on its own (httpx-aiohttp 0.2 on aiohttp 3.14, seen at a raw server), and what is done about it:

- A PUT or DELETE whose connection closes before the answer, new or reused, is silently sent again, though the server
  may have done the first one. Here a write is sent once: `_send_writes_once` makes of it an error that is not repeated.
- A reset after sending is reported as `httpx.ConnectTimeout`, like a refused connection. Here the aiohttp error behind
  it (`__cause__`) decides whether the request may have reached the server.
- An answer that is not HTTP comes as an aiohttp exception, unmapped.
"""

import asyncio
import logging
import ssl
from typing import Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from echoroute.errors import SettingsError
from echoroute.net.fence import READS, Fence, FencedConnector
from echoroute.net.files import Fingerprint
from echoroute.net.tls import Tls

log = logging.getLogger(__name__)

# A TCP and TLS handshake inside a cluster takes milliseconds; a SYN is repeated after 1 s and after 3 s.
CONNECT_TIMEOUT: Final = 5.0

# Errors after which no byte of the request can have reached the server.
_NOT_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


class TransportFailed(Exception):
    """No usable HTTP answer. `maybe_sent`: the server may have acted on the request."""

    def __init__(self, reason: str, *, maybe_sent: bool) -> None:
        super().__init__(reason)
        self.maybe_sent = maybe_sent


class _ClosedUnanswered(aiohttp.ClientPayloadError):
    """The connection ended after the request was sent, and before an answer."""


class HttpClient:
    """Requests to one server, over at most `connections` connections.

    TLS files that change are read again: from the next request on, new connections use them. To be used from one event
    loop, and closed in it. Writes ask the `fence`, where there is one, and raise `NotLeading`.
    """

    def __init__(self, base_url: str, *, tls: Tls, connections: int, fence: Fence | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._tls = tls if base_url.startswith("https://") else None
        self._connections = connections
        self._fence = fence
        self._transport: AiohttpTransport | None = None
        self._retired: list[AiohttpTransport] = []
        self._context: ssl.SSLContext | None = None
        self._fingerprints: tuple[Fingerprint | None, ...] = ()
        if self._tls is not None:
            self._fingerprints = self._tls.fingerprints()
            self._context = self._tls.context()

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        timeout: float,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send one request and read the whole answer, whatever its status, within `timeout` seconds.

        `path` starts with a slash and may have a query. Raises `TransportFailed`.
        """
        extensions: dict[str, object] = {"timeout": {"connect": CONNECT_TIMEOUT}}
        if self._tls is not None and self._tls.server_name is not None:
            extensions["sni_hostname"] = self._tls.server_name
        request = httpx.Request(method, self._base_url + path, headers=headers, content=content, extensions=extensions)
        maybe_sent = method not in READS
        try:
            async with asyncio.timeout(timeout):
                response = await self._current_transport().handle_async_request(request)
                try:
                    await response.aread()
                finally:
                    await response.aclose()
        except TimeoutError:
            raise TransportFailed(f"no answer within {timeout:g} s", maybe_sent=maybe_sent) from None
        except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
            cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
            sent = maybe_sent and not isinstance(cause, _NOT_SENT)
            raise TransportFailed(_reason(cause), maybe_sent=sent) from error
        return response

    async def aclose(self) -> None:
        """Close all connections; requests in flight fail."""
        transports = [*self._retired, *([self._transport] if self._transport else [])]
        self._retired, self._transport = [], None
        for transport in transports:
            await transport.aclose()

    def _current_transport(self) -> AiohttpTransport:
        if self._tls is not None and (fingerprints := self._tls.fingerprints()) != self._fingerprints:
            self._fingerprints = fingerprints
            self._renew(self._tls)
        if self._transport is None:
            self._transport = AiohttpTransport(verify=False, client=self._session)
        return self._transport

    def _renew(self, tls: Tls) -> None:
        try:
            self._context = tls.context()
        except SettingsError as error:
            log.warning("%s; the files read before stay in use", error)
            return
        if self._transport is not None:
            # Requests in flight end on it, and its idle connections close by themselves; TLS files change rarely.
            self._retired.append(self._transport)
            self._transport = None

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=FencedConnector(self._fence, limit=self._connections, context=self._context),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_send_writes_once,),
        )


async def _send_writes_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Take from aiohttp the errors after which it repeats a request, unless nothing was sent or it was a read."""
    try:
        return await handler(request)
    except _NOT_SENT:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in READS:
            raise
        raise _ClosedUnanswered from error


def _reason(error: BaseException) -> str:
    """Say what happened in words of ours: texts of aiohttp can hold parts of the answer."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = f"the server's certificate is not accepted: {_certificate_problem(error)}"
        case aiohttp.ClientConnectorSSLError():
            reason = "the TLS handshake failed"
        case aiohttp.ClientConnectorDNSError():
            reason = f"the host name {error.host} cannot be resolved"
        case aiohttp.ClientConnectorError():
            reason = f"cannot connect: {error.os_error.strerror or 'refused'}"
        case aiohttp.ConnectionTimeoutError():
            reason = f"no connection within {CONNECT_TIMEOUT:g} s"
        case _ClosedUnanswered() | aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            reason = "the connection was closed before the answer"
        case aiohttp.ClientPayloadError():
            reason = "the connection was closed within the answer"
        case aiohttp.ClientResponseError():
            reason = "the answer is not HTTP"
        case _:
            reason = type(error).__name__
    return reason


def _certificate_problem(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else type(cause).__name__
