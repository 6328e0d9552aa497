"""The requests to the Kubernetes API that the operator makes besides kopf's watch, as JSON in and out."""

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

import aiohttp
import yaml
from kubernetes.aio import client, config
from pydantic import JsonValue

from echoroute.core.json import parse
from echoroute.core.objects import JsonObject
from echoroute.errors import KubernetesError, SettingsError

_LIST_PARTIAL = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MERGE_PATCH = "application/merge-patch+json"
_PAGE = 500
_TIMEOUT = 30.0
_IN_CLUSTER_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class KubernetesApi:
    """A connection to the API server, found by KUBECONFIG, the pod's account, or ~/.kube/config.

    Entering it raises `SettingsError` where none of them can be used.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._client: client.ApiClient | None = None

    async def __aenter__(self) -> Self:
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = self._connections
        # Otherwise aiohttp reads ~/.netrc, in a thread, for each request. A proxy comes with the kubeconfig.
        configuration.client_session_kwargs = {"trust_env": False}
        try:
            if in_cluster():
                config.load_incluster_config(client_configuration=configuration)
            else:
                await config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=configuration)
        except (config.ConfigException, yaml.YAMLError, OSError) as error:
            where = "the pod's service account" if in_cluster() else "the kubeconfig (KUBECONFIG or ~/.kube/config)"
            why = _first_line(error)
            raise SettingsError(
                f"{where} cannot be used: {why}. Without Kubernetes: echoroute run --from DIR"
            ) from None
        self._client = client.ApiClient(configuration)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def get(self, path: str) -> JsonObject:
        """Read one object. Raises `KubernetesError` (status 404 where it does not exist)."""
        return await self._request("GET", path)

    async def pages(self, path: str, *, metadata_only: bool = False) -> AsyncIterator[JsonObject]:
        """Read a list in pages of 500; all pages are of one version, which the first one's metadata names.

        Raises `KubernetesError`; status 410 where the list took so long that its version is gone.
        """
        token = ""
        while True:
            query = {"limit": str(_PAGE)} | ({"continue": token} if token else {})
            accept = _LIST_PARTIAL if metadata_only else "application/json"
            page = await self._request("GET", path, query=query, accept=accept)
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

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        accept: str = "application/json",
        content_type: str = "application/json",
    ) -> JsonObject:
        if self._client is None:
            raise RuntimeError("the connection is not open")
        headers = {"Accept": accept, "Content-Type": content_type}
        try:
            # The library refreshes the account's token here, once a minute.
            await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            url = f"{self._client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
            response = await self._client.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=_TIMEOUT
            )
            data = await response.read()
        except (TimeoutError, aiohttp.ClientError, ssl.SSLError, OSError, config.ConfigException) as error:
            raise KubernetesError(f"the Kubernetes API does not answer: {_cause(error)}", status=0) from error
        if response.status >= 300:
            raise KubernetesError(f"{method} {path}: {_message(data, response.status)}", status=response.status)
        answer = _parsed(data)
        if not isinstance(answer, dict):
            raise KubernetesError(
                f"{method} {path}: the answer is no JSON object; is this the Kubernetes API?", status=0
            )
        return answer


def in_cluster() -> bool:
    """Whether to use the pod's own account: KUBECONFIG, where it is set, says otherwise."""
    return "KUBECONFIG" not in os.environ and _IN_CLUSTER_TOKEN.exists()


def object_path(group_version: str, plural: str, namespace: str, name: str = "") -> str:
    """The path of an object, or of a collection where `name` is empty, or of all namespaces where both are."""
    root = f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}{scope}/{plural}" + (f"/{quote(name, safe='')}" if name else "")


def _parsed(data: bytes) -> JsonValue:
    try:
        return parse(data)
    except ValueError:
        return None


def _message(data: bytes, status: int) -> str:
    """What the API server says: the message of its Status object."""
    answer = _parsed(data)
    text = answer.get("message") if isinstance(answer, dict) else None
    return f"{text or 'no message'} (HTTP {status})"


def _first_line(error: BaseException) -> str:
    """What went wrong, without the lines of a file that YAML's errors show: they may hold a token."""
    return str(error).partition("\n")[0].rstrip(".")


def _cause(error: BaseException) -> str:
    return str(error) or type(error).__name__
