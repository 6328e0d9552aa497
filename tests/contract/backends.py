"""The nodes behind the gateway: each answers with its name and with how it was reached."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import quote

import httpx
from aiohttp import WSMsgType, web
from devstack.ports import pick_ports

from .recorded import Registration

NAMES = ("inst1", "inst2", "inst3")
SERVICES = {"dp-echo": ("inst1", "inst2"), "dp-c": ("inst3",)}
SIXTH = "inst6"
"""A node at the port of the first, and at the IPv6 address."""
_HOST, _HOST6 = "127.0.0.1", "::1"
_MIB = 1024 * 1024
_NOT_TOLD = {"accept", "accept-encoding", "user-agent", "connection"}


class Backends(NamedTuple):
    """The addresses of the nodes by name, and one where nobody listens."""

    addresses: dict[str, str]
    dead: str


class _Node:
    """One node. `?sleep=` seconds and `?code=` change its answer; `?early=` does not wait for the body.

    `?large=` is an answer of so many MiB; `?written=` says how much of the last such one has been written.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._written = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "large" in request.query:
            return await self._large(request)
        if "written" in request.query:
            return web.json_response(self._written)
        body = "" if "early" in request.query else (await request.read()).decode("utf8", "replace")
        await asyncio.sleep(float(request.query.get("sleep", "0") or 0))
        if request.path == "/hello":
            return web.json_response({"message": "hello world", "version": int(self._name[-1])})
        told = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_TOLD}
        found = {
            "instance": self._name,
            "method": request.method,
            "path": request.raw_path,
            "host": request.headers.get("Host"),
            "headers": told,
            "body": body[:200],
        }
        status = int(request.query.get("code", "200") or 200)
        return web.json_response(found, status=status, headers={"X-Node": self._name})

    async def _large(self, request: web.Request) -> web.StreamResponse:
        self._written = 0
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(int(request.query["large"])):
            await response.write(bytes(_MIB))
            self._written += 1
        return response

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(f"{self._name}:{message.data}")
        return socket

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/ws", self.websocket)
        application.router.add_route("*", "/{path:.*}", self.answer)
        return application


async def _serve(ports: dict[str, int], started: threading.Event, stop: asyncio.Event) -> None:
    runners = []
    sites = [(name, _HOST, port) for name, port in ports.items()]
    for name, host, port in (*sites, (SIXTH, _HOST6, ports[NAMES[0]])):
        runner = web.AppRunner(_Node(name).application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        runners.append(runner)
    started.set()
    await stop.wait()
    for runner in runners:
        await runner.cleanup()


@contextmanager
def backends() -> Iterator[Backends]:
    """The nodes, in a thread of their own."""
    *own, dead = pick_ports(len(NAMES) + 1)
    ports = dict(zip(NAMES, own, strict=True))
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(ports, started, stop),), name="backends")
    thread.start()
    try:
        if not started.wait(10):
            msg = f"the nodes did not start on the ports {own}"
            raise TimeoutError(msg)
        yield Backends({name: f"{_HOST}:{port}" for name, port in ports.items()}, f"{_HOST}:{dead}")
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def registered(consul_url: str, nodes: Backends) -> Iterator[None]:
    """The nodes as instances of the recorded services."""
    instances = []
    for service, names in SERVICES.items():
        for name in names:
            host, port = nodes.addresses[name].split(":")
            instances.append(Registration(ID=f"{service}-{name}", Name=service, Address=host, Port=int(port)))
    with in_consul(consul_url, instances):
        yield


@contextmanager
def in_consul(consul_url: str, instances: Iterable[Registration]) -> Iterator[None]:
    """These instances in Consul, each with a check that passes."""
    ids = []
    with httpx.Client(base_url=consul_url, trust_env=False, timeout=10) as consul:
        try:
            for instance in instances:
                body = instance.model_dump(exclude_none=True) | {"Check": {"TTL": "24h", "Status": "passing"}}
                consul.put("/v1/agent/service/register", json=body).raise_for_status()
                ids.append(instance.id)
            yield
        finally:
            for instance_id in ids:
                consul.put(f"/v1/agent/service/deregister/{quote(instance_id, safe='')}").raise_for_status()
