"""A small Consul over real sockets, for what a real one does not do on demand: counts, rates, faults, odd answers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from echoroute.api.selection import Service
from echoroute.consul import follower as follower_module
from echoroute.consul.client import ConsulClient
from echoroute.consul.config import ConsulConfig
from echoroute.core.instances import Instance, discovered
from echoroute.errors import ConsulError
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls

from .exact import ExactFollower


@dataclass
class SmallConsul:
    """Blocking queries by service; `fail` maps a service (or '*') to the status that it is answered with.

    Of the services in `hidden` our token may read nothing. Datacenters in `unknown` have no path; those in `hanging`
    answer nothing at all.
    """

    port: int = 0
    index: int = 10
    leader: bool = True
    tokens: set[str] | None = None
    services: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    fail: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    probe_delay: float = 0.0
    changed: dict[str, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    queries: list[tuple[float, str, int, str]] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    """Queries under way, by service."""
    most_at_once: Counter[str] = field(default_factory=Counter)
    held: int = 0
    most_held: int = 0
    _wake: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def put(self, service: str, *statuses: str) -> None:
        """Instances of these statuses are all that the service has from now on."""
        self.index += 1
        self.changed[service] = self.index
        self.services[service] = [
            {
                "Node": {"Address": "10.0.0.1"},
                "Service": {"Address": f"10.0.1.{n}", "Port": 80},
                "Checks": [{"Status": status}],
            }
            for n, status in enumerate(statuses)
        ]
        async with self._wake:
            self._wake.notify_all()

    async def rewind(self, service: str, index: int) -> None:
        """As after a restore: the service has one of its instances less, at a lower index."""
        self.index = index
        self.services[service] = self.services[service][1:]
        self.changed[service] = index
        async with self._wake:
            self._wake.notify_all()

    async def wake_all(self) -> None:
        """Let all held queries return, with the index moved and nothing changed."""
        self.index += 1
        for service in self.asked:
            self.changed[service] = self.index
        async with self._wake:
            self._wake.notify_all()

    async def answer(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        self.at_once[service] += 1
        self.most_at_once[service] = max(self.most_at_once[service], self.at_once[service])
        try:
            return await self._answer(request, service)
        finally:
            self.at_once[service] -= 1

    async def _answer(self, request: web.Request, service: str) -> web.Response:
        index = int(request.query.get("index", "0"))
        wait = request.query.get("wait", "")
        assert "stale" in request.query or not index, "the leader is asked only to be sure"
        self.asked[service] += 1
        self.queries.append((asyncio.get_running_loop().time(), service, index, wait))
        if service == "consul":
            await asyncio.sleep(self.probe_delay)
        if self.tokens is not None and request.headers.get("X-Consul-Token") not in self.tokens:
            return web.Response(status=403, text="ACL not found")
        if status := self.fail.get(service) or self.fail.get("*"):
            return web.Response(status=status, text="rpc error:\n  not now")
        datacenter = request.query.get("dc", "")
        if datacenter in self.unknown:
            return web.Response(status=500, text="rpc error making call: No path to datacenter")
        if datacenter in self.hanging:
            await asyncio.sleep(3600)
        if index:
            await self._hold(service, index, float(wait.removesuffix("s")))
        headers = {
            "X-Consul-Index": str(self.changed.get(service, self.index)),
            # As Consul does since 1.10: what is answered from a stream does not know of a leader.
            "X-Consul-KnownLeader": str(self.leader and not index).lower(),
            "X-Consul-Query-Backend": "streaming" if index else "blocking-query",
        }
        if service in self.hidden:
            # As Consul does: a stream leaves out what the token may not read without a word.
            told = {} if index else {"X-Consul-Results-Filtered-By-ACLs": "true"}
            return web.json_response([], headers=headers | told)
        return web.json_response(self.services.get(service, []), headers=headers)

    async def _hold(self, service: str, index: int, wait: float) -> None:
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        try:
            async with asyncio.timeout(wait), self._wake:
                await self._wake.wait_for(lambda: self.changed.get(service, index) != index)
        except TimeoutError:
            pass
        finally:
            self.held -= 1


@dataclass
class Heard:
    """What a follower told, and a way to wait for it."""

    health: dict[str, tuple[int, int]] = field(default_factory=dict)
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    reachable: list[bool] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Each with the kind of its error."""

    def instances(self, service: Service, found: tuple[Instance, ...]) -> None:
        seen = discovered(service.name, found)
        self.health[service.name] = (seen.healthy, seen.total)
        self.calls.append((service.name, seen.healthy, seen.total))

    def failed(self, service: Service, error: ConsulError) -> None:
        self.failures.append((service.name, type(error).__name__))

    async def until(self, condition: Callable[[], bool], timeout: float = 90) -> None:
        async with asyncio.timeout(timeout):
            while not condition():  # noqa: ASYNC110 - any condition, checked from outside of the follower
                await asyncio.sleep(0.005)


@pytest.fixture
async def small_consul() -> AsyncIterator[SmallConsul]:
    consul = SmallConsul()
    app = web.Application()
    app.router.add_get("/v1/health/service/{service}", consul.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    consul.port = runner.addresses[0][1]
    yield consul
    await runner.cleanup()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., ConsulClient]]:
    made: list[ConsulClient] = []

    def connect(port: int, token: Credential | None = None) -> ConsulClient:
        config = ConsulConfig(base_url=f"http://127.0.0.1:{port}", token=token, tls=Tls())
        made.append(ConsulClient(config, connections=101))
        return made[-1]

    yield connect
    for client in made:
        await client.aclose()


@pytest.fixture
def client(small_consul: SmallConsul, connect: Callable[..., ConsulClient]) -> ConsulClient:
    return connect(small_consul.port)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def quick_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a follower that is made after it: turns come five times as fast."""
    monkeypatch.setattr(follower_module, "_TURNS_PER_SECOND", 200)


@pytest.fixture
async def follower(client: ConsulClient, heard: Heard) -> AsyncIterator[ExactFollower]:
    follower = ExactFollower(
        client, on_instances=heard.instances, on_failure=heard.failed, on_reachable=heard.reachable.append
    )
    running = asyncio.create_task(follower.run())
    yield follower
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled(), running.exception()
