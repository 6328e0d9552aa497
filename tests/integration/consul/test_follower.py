"""The follower at a real Consul: registrations, checks, and Consul itself coming and going."""

import asyncio

import pytest
from devstack.handles.consul import ConsulApi
from devstack.pytest_plugin import FreshStack
from echoroute.consul.client import ConsulClient
from echoroute.consul.config import ConsulConfig, base_url
from echoroute.net.tls import Tls

from .following import following


async def test_instances_come_fail_recover_and_leave(consul: ConsulApi, caplog: pytest.LogCaptureFixture) -> None:
    first = consul.register("life", 9001)
    async with following(consul.url, {"life", "never-registered"}) as heard:
        await heard.until(lambda: heard.health.keys() == {"life", "never-registered"})
        assert heard.health == {"life": (1, 1), "never-registered": (0, 0)}

        second = consul.register("life", 9002, status="critical")
        await heard.until(lambda: heard.health["life"] == (1, 2))
        consul.set_status(second, "passing")
        took = await heard.until(lambda: heard.health["life"] == (2, 2))
        assert took < 0.5, "a change of a held query is known at once"
        consul.set_status(first, "warning")
        await heard.until(lambda: heard.health["life"] == (1, 2))
        consul.deregister(first)
        await heard.until(lambda: heard.health["life"] == (1, 1))
        consul.deregister(second)
        await heard.until(lambda: heard.health["life"] == (0, 0))
        consul.register("life", 9003)
        await heard.until(lambda: heard.health["life"] == (1, 1))
        assert heard.reachable == [True]
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == [], "no query has failed"


async def test_counts_are_those_that_the_gateway_discovers(consul: ConsulApi) -> None:
    consul.register("mixed", 9011)
    consul.register("mixed", 9012, status="warning")
    consul.register("mixed", 9013, status="critical")
    consul.register("mixed", 9011, instance_id="the-same-endpoint-again")
    async with following(consul.url, {"mixed"}) as heard:
        await heard.until(lambda: "mixed" in heard.health)
        passing = {(i.address, i.port) for i in consul.instances("mixed") if i.status == "passing"}
        assert heard.health["mixed"] == (len(passing), 3) == (1, 3)


async def test_more_services_than_held_queries_within_consuls_limit_of_connections(consul: ConsulApi) -> None:
    """Consul refuses a client's 201st connection with 429; its defaults are on."""
    services = {f"many-{n}" for n in range(300)}
    async with following(consul.url, services) as heard:
        took = await heard.until(lambda: heard.health.keys() == services)
        assert took < 5
        consul.register("many-7", 9021)
        await heard.until(lambda: heard.health["many-7"] == (1, 1), timeout=12)
        assert heard.reachable == [True]


async def test_consul_away_and_back_empty(fresh_stack: FreshStack) -> None:
    part = fresh_stack().consul
    part.api.register("echo", 9031)
    async with following(part.url, {"echo", "other"}) as heard:
        await heard.until(lambda: heard.health.get("echo") == (1, 1))
        await asyncio.to_thread(part.stop)
        await heard.until(lambda: heard.reachable == [True, False])
        await asyncio.sleep(1)
        assert heard.health["echo"] == (1, 1), "while it is away, what is known stays"

        await asyncio.to_thread(part.wipe)
        await asyncio.to_thread(part.start)
        await heard.until(lambda: heard.reachable == [True, False, True])
        await asyncio.sleep(2)
        assert heard.health["echo"] == (1, 1), "an empty Consul is not believed at once"
        # Its index is far behind the one from before; changes must be seen all the same.
        part.api.register("echo", 9032)
        part.api.register("echo", 9033)
        took = await heard.until(lambda: heard.health["echo"] == (2, 2))
        assert took < 2


async def test_consul_that_is_not_there_at_the_start(fresh_stack: FreshStack) -> None:
    part = fresh_stack().consul
    await asyncio.to_thread(part.stop)
    async with following(part.url, {"echo"}) as heard:
        await heard.until(lambda: heard.reachable == [False])
        await asyncio.to_thread(part.start)
        await heard.until(lambda: heard.health == {"echo": (0, 0)})
        assert heard.reachable == [False, True]


@pytest.mark.parametrize("url", ["{}", "127.0.0.1:{}"])
async def test_the_version_is_told(consul: ConsulApi, url: str) -> None:
    address = url.format(consul.url if url == "{}" else consul.url.rsplit(":", 1)[1])
    client = ConsulClient(ConsulConfig(base_url=base_url(address, ssl=False), token=None, tls=Tls()), connections=1)
    assert (await client.probe()).startswith("1.")
    await client.aclose()
