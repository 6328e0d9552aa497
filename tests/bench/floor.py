"""The floor: a bare script that makes the same requests with the same libraries and concurrency, and no logic.

httpx requests over aiohttp's connections for the Admin API, the client of `kubernetes.aio` for statuses, eight at once.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import aiohttp
import httpx
from devstack.handles.answers import JsonObject
from httpx_aiohttp import AiohttpTransport
from kubernetes.aio import client, config
from pydantic_core import to_json

from .gateway import Gateway
from .workload import COLLECTION, name_of, objects_of, route_id

_CONCURRENCY = 8


async def _timed(jobs: Iterable[Callable[[], Awaitable[None]]]) -> float:
    """Seconds that all jobs take."""
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await job()

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(_CONCURRENCY):
            tasks.create_task(work())
    return time.monotonic() - began


async def _admin(gateway: Gateway, method: str, requests: Sequence[tuple[str, bytes | None]]) -> float:
    headers = gateway.headers | {"content-type": "application/json", "accept-encoding": "identity"}
    connector = aiohttp.TCPConnector(limit=_CONCURRENCY)
    transport = AiohttpTransport(verify=False, client=lambda: aiohttp.ClientSession(connector=connector))

    async def send(path: str, content: bytes | None) -> None:
        url = f"{gateway.admin_url}/apisix/admin{path}"
        answer = await transport.handle_async_request(httpx.Request(method, url, headers=headers, content=content))
        await answer.aread()
        if answer.status_code not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")

    try:
        return await _timed(partial(send, path, content) for path, content in requests)
    finally:
        await transport.aclose()


def puts(gateway: Gateway, number: int) -> float:
    """Seconds for the PUTs of that many EchoRoutes."""
    bodies = [(ref, body) for n in range(number) for ref, body in objects_of(name_of(n)).items()]
    return asyncio.run(_admin(gateway, "PUT", [(f"/{ref.kind}/{ref.id}", to_json(body)) for ref, body in bodies]))


def deletes(gateway: Gateway, number: int) -> float:
    """Seconds for the DELETEs of what `puts` has made."""
    return asyncio.run(_admin(gateway, "DELETE", [(f"/routes/{route_id(name_of(n))}", None) for n in range(number)]))


async def _patches(kubeconfig: Path, number: int) -> float:
    configuration = client.Configuration()
    configuration.connection_pool_maxsize = 2 * _CONCURRENCY
    configuration.client_session_kwargs = {"trust_env": False}
    await config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        headers: dict[str, str] = {"Accept": "application/json", "Content-Type": "application/merge-patch+json"}
        await api.update_params_for_auth(headers, [], ["BearerToken"], "", "PATCH", None)

        async def patch(name: str) -> None:
            url = f"{configuration.host}{COLLECTION}/{name}/status?fieldManager=floor"
            answer = await api.rest_client.request("PATCH", url, headers=headers, body={"status": _status(name)})
            json.loads(await answer.read())
            if answer.status != 200:
                raise RuntimeError(f"PATCH {name}: {answer.status}")

        return await _timed(partial(patch, name_of(n)) for n in range(number))


def patches(kubeconfig: Path, number: int) -> float:
    """Seconds for the status patches of that many EchoRoutes, of the size that the operator's have."""
    return asyncio.run(_patches(kubeconfig, number))


def _status(name: str) -> JsonObject:
    conditions: list[JsonObject] = [
        {
            "type": type_,
            "status": "True",
            "reason": type_,
            "message": "a message of the length that messages have",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for type_ in ("Accepted", "ResolvedRefs", "Programmed", "Ready")
    ]
    return {"observedGeneration": 1, "routeId": route_id(name), "conditions": list(conditions)}
