"""The requests to the Kubernetes API that the operator makes besides kopf's watch, as JSON in and out."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.rest import RESTClientObject, RESTResponse
from pydantic import JsonValue

from echoroute.core.json import parse
from echoroute.core.objects import JsonObject
from echoroute.errors import KubernetesError
from echoroute.kube.account import Account
from echoroute.kube.metadata import metadata_list
from echoroute.net.fence import Fence, FencedConnector

_LIST_PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MERGE_PATCH = "application/merge-patch+json"
_PAGE = 500
"""Objects that a page of a list has at most, as for kubectl."""
_PAGE_SIZE = 4_000_000
"""Bytes that it has at most. One object may have a megabyte or more, whoever wrote it, and a page is held whole."""
_TIMEOUT = 30.0


class _TooLarge(Exception):
    """An answer has more bytes than it may have."""


class _Rest(RESTClientObject):
    """The library's connections, behind a fence."""

    def __init__(self, configuration: client.Configuration, fence: Fence | None) -> None:
        super().__init__(configuration)
        self._fence = fence

    def _create_connector(self) -> aiohttp.TCPConnector:
        return FencedConnector(self._fence, limit=self.maxsize, context=self.ssl_context)


class KubernetesApi:
    """Connections to the API server, with an account's address and credentials.

    Requests that change something ask the `fence`, where there is one, and raise `NotLeading`.
    """

    def __init__(self, account: Account, connections: int, *, fence: Fence | None = None) -> None:
        self._account = account
        self._connections = connections
        self._fence = fence
        self._generation = 0
        self._rest: RESTClientObject | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rest is not None:
            await self._rest.close()

    async def get(self, path: str) -> JsonObject:
        """Read one object. Raises `KubernetesError` (status 404 where it does not exist)."""
        return await self._request("GET", path)

    async def pages(self, path: str, *, metadata_only: bool = False) -> AsyncIterator[JsonObject]:
        """Read a list in pages; all pages are of one version, which the first one's metadata names.

        A page that is too large is given up, and asked for again with a tenth of the objects; then pages grow again.

        Raises `KubernetesError`; status 410 where the list took so long that its version is gone.
        """
        accept = _LIST_PARTIAL if metadata_only else "application/json"
        read = metadata_list if metadata_only else parse
        token, limit = "", _PAGE
        while True:
            query = {"limit": str(limit)} | ({"continue": token} if token else {})
            at_most = _PAGE_SIZE if limit > 1 else None
            try:
                page = await self._request("GET", path, query=query, accept=accept, read=read, at_most=at_most)
            except _TooLarge:
                limit = max(1, limit // 10)
                continue
            limit = min(_PAGE, 2 * limit)
            yield page
            metadata = page.get("metadata")
            token = str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""
            if not token:
                return

    async def merge_patch(self, path: str, body: JsonObject, *, manager: str) -> JsonObject:
        """Merge `body` into an object (RFC 7396) and give what it became."""
        query = {"fieldManager": manager}
        return await self._request("PATCH", path, query=query, body=body, content_type=_MERGE_PATCH)

    async def create(self, path: str, body: JsonObject) -> JsonObject:
        return await self._request("POST", path, body=body)

    async def watch(
        self, path: str, query: Mapping[str, str], *, silence: float
    ) -> AsyncGenerator[tuple[str, JsonObject]]:
        """Follow changes: the type of each event, and its object. It ends when the server ends it.

        Raises `KubernetesError`, also where nothing came for `silence` seconds: a connection may die without a word.
        """
        timeout = aiohttp.ClientTimeout(total=None, connect=_TIMEOUT, sock_read=silence)
        with _trouble():
            answer = (await self._send("GET", path, query={**query, "watch": "1"}, timeout=timeout)).response
        try:
            with _trouble():
                if answer.status >= 300:
                    raise _refused("GET", path, answer.status, _parsed(await answer.read()))
                async for line in answer.content:
                    event = _parsed(line)
                    subject = event.get("object") if isinstance(event, dict) else None
                    if not isinstance(event, dict) or not isinstance(subject, dict):
                        raise KubernetesError(f"GET {path}: an event is no JSON object", status=0)
                    if event.get("type") == "ERROR":
                        code = subject.get("code")
                        raise _refused("GET", path, code if isinstance(code, int) else 0, subject)
                    yield str(event.get("type")), subject
        finally:
            answer.close()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        accept: str = "application/json",
        content_type: str = "application/json",
        read: Callable[[bytes], JsonValue] = parse,
        at_most: int | None = None,
    ) -> JsonObject:
        headers = {"Accept": accept, "Content-Type": content_type}
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        with _trouble():
            response = await self._send(method, path, query=query, body=body, headers=headers, timeout=timeout)
            data = await _data(response, at_most)
        answer = _parsed(data, read)
        if response.status >= 300:
            raise _refused(method, path, response.status, answer)
        if not isinstance(answer, dict):
            raise KubernetesError(
                f"{method} {path}: the answer is no JSON object; is this the Kubernetes API?", status=0
            )
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,
        query: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RESTResponse:
        await self._account.renew()
        certified = self._account.generation
        response, shown = await self._try(method, path, timeout=timeout, query=query, body=body, headers=headers)
        if response.status == HTTPStatus.UNAUTHORIZED:
            await self._account.renew(refused=shown)
            if (self._account.authorization, self._account.generation) != (shown, certified):
                response.response.release()
                response, _ = await self._try(method, path, timeout=timeout, query=query, body=body, headers=headers)
        return response

    async def _try(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout,
        query: Mapping[str, str] | None,
        body: JsonObject | None,
        headers: Mapping[str, str] | None,
    ) -> tuple[RESTResponse, str]:
        """Send a request; its answer, and the authorization that it showed."""
        rest, shown = await self._connected(), self._account.authorization
        sent = {**(headers or {}), **({"Authorization": shown} if shown else {})}
        url = f"{self._account.host}{path}" + (f"?{urlencode(query)}" if query else "")
        response: RESTResponse = await rest.request(method, url, headers=sent, body=body, _request_timeout=timeout)
        return response, shown

    async def _connected(self) -> RESTClientObject:
        """The connections; new ones where the address or a certificate has changed."""
        if self._rest is None or self._generation != self._account.generation:
            before, self._generation = self._rest, self._account.generation
            configuration = self._account.configuration
            configuration.connection_pool_maxsize = self._connections
            # Otherwise aiohttp reads ~/.netrc, in a thread, for each request. A proxy comes with the kubeconfig.
            configuration.client_session_kwargs = {"trust_env": False}
            self._rest = _Rest(configuration, self._fence)
            if before is not None:
                await before.close()
        return self._rest


@contextmanager
def _trouble() -> Iterator[None]:
    """Make of what the libraries raise an error of ours."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, ssl.SSLError, OSError, config.ConfigException) as error:
        raise KubernetesError(f"the Kubernetes API does not answer: {_cause(error)}", status=0) from error


def object_path(group_version: str, plural: str, namespace: str, name: str = "") -> str:
    """The path of an object, or of a collection where `name` is empty, or of all namespaces where both are."""
    root = f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}{scope}/{plural}" + (f"/{quote(name, safe='')}" if name else "")


async def _data(response: RESTResponse, at_most: int | None) -> bytes:
    """The bytes of an answer. Raises `_TooLarge` as soon as there are more than `at_most`."""
    if at_most is None:
        return bytes(await response.read())
    data = bytearray()
    async for part in response.response.content.iter_any():
        data += part
        if len(data) > at_most:
            response.response.close()
            raise _TooLarge
    return bytes(data)


def _parsed(data: bytes, read: Callable[[bytes], JsonValue] = parse) -> JsonValue:
    try:
        return read(data)
    except ValueError:
        return None


def _refused(method: str, path: str, status: int, answer: JsonValue) -> KubernetesError:
    """What the API server says: the message of its Status object."""
    text = answer.get("message") if isinstance(answer, dict) else None
    return KubernetesError(f"{method} {path}: {text or 'no message'} (HTTP {status})", status=status)


def _cause(error: BaseException) -> str:
    return str(error) or type(error).__name__
