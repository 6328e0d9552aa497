"""A follower of a real Consul, and what it tells."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from echoroute.api.selection import Service
from echoroute.consul.client import ConsulClient
from echoroute.consul.config import ConsulConfig, base_url
from echoroute.consul.follower import MOST_CONNECTIONS, Follower
from echoroute.core.instances import Instance, discovered
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls


@dataclass
class Heard:
    follower: Follower
    health: dict[str, tuple[int, int]]
    reachable: list[bool]
    failures: list[tuple[str, str]]
    """Each with the kind of its error."""
    by_service: dict[Service, tuple[int, int]] = field(default_factory=dict)
    followed: set[Service] = field(default_factory=set)

    def follow(self, services: set[Service], *, resolved: set[Service] | None = None) -> None:
        """Follow these and no others."""
        for service in self.followed - services:
            self.follower.forget(service)
        for service in services:
            self.follower.follow(service, resolved=service in (resolved or ()))
        self.followed = services

    def of(self, name: str, datacenter: str = "") -> tuple[int, int] | None:
        """Healthy and total of a service in a datacenter."""
        return self.by_service.get(Service(name, datacenter))

    async def until(self, condition: Callable[[], bool], timeout: float = 10) -> float:
        """Wait for it; the seconds that it took."""
        started = time.monotonic()
        async with asyncio.timeout(timeout):
            while not condition():  # noqa: ASYNC110 - any condition, checked from outside of the follower
                await asyncio.sleep(0.005)
        return time.monotonic() - started


@asynccontextmanager
async def following(url: str, services: set[str], token: str | None = None) -> AsyncIterator[Heard]:
    shown = Credential("CONSUL_HTTP_TOKEN", value=token) if token else None
    config = ConsulConfig(base_url=base_url(url, ssl=False), token=shown, tls=Tls())
    client = ConsulClient(config, connections=MOST_CONNECTIONS)
    health: dict[str, tuple[int, int]] = {}
    failures: list[tuple[str, str]] = []
    reachable: list[bool] = []
    by_service: dict[Service, tuple[int, int]] = {}

    def on_instances(service: Service, found: tuple[Instance, ...]) -> None:
        seen = discovered(service.name, found)
        health[service.name] = by_service[service] = (seen.healthy, seen.total)

    follower = Follower(
        client,
        on_instances=on_instances,
        on_failure=lambda service, error: failures.append((service.name, type(error).__name__)),
        on_reachable=reachable.append,
    )
    heard = Heard(follower, health, reachable, failures, by_service)
    heard.follow({Service(name) for name in services})
    running = asyncio.create_task(follower.run())
    try:
        yield heard
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])
        await client.aclose()
