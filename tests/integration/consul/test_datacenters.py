"""Two datacenters that are joined: services of both are followed through one Consul."""

import asyncio

from devstack.handles.consul import ConsulApi
from devstack.parts.consul import Consul
from echoroute.api.selection import Service

from .following import Heard, following


async def test_a_service_of_another_datacenter_is_followed_as_those_of_ones_own(
    consul: ConsulApi, second_datacenter: Consul
) -> None:
    far = second_datacenter.api
    consul.register("near", 9101)
    instance = far.register("far", 9102)
    async with following(consul.url, {"near", "far"}) as heard:
        heard.follow({Service("near"), Service("far"), Service("far", "dc2")})
        await heard.until(lambda: heard.of("near") == (1, 1) and heard.of("far", "dc2") == (1, 1))
        assert heard.of("far") == (0, 0), "it is another service here"
        far.set_status(instance, "critical")
        took = await heard.until(lambda: heard.of("far", "dc2") == (0, 1))
        assert took < 5, "promised is 1 s"
        far.deregister(instance)
        await heard.until(lambda: heard.of("far", "dc2") == (0, 0))


async def test_an_unknown_datacenter_delays_nobody(consul: ConsulApi) -> None:
    async with following(consul.url, {"near"}) as heard:
        unknown = {Service(f"far-{number}", "nowhere") for number in range(100)}
        heard.follow({Service("near"), *unknown}, resolved={Service("near"), *unknown})
        await heard.until(lambda: len({name for name, _ in heard.failures}) == 100, timeout=30)
        assert {kind for _, kind in heard.failures} == {"UnknownDatacenter"}
        for number in range(1, 4):
            consul.register("near", 9110 + number)
            took = await heard.until(lambda number=number: heard.of("near") == (number, number))
            assert took < 5, "promised is 1 s"
        assert heard.reachable == [True]


async def test_a_datacenter_that_goes_away_and_comes_back_changes_no_nodes(
    consul: ConsulApi, second_datacenter: Consul
) -> None:
    far = second_datacenter
    instance = far.api.register("stays", 9121)
    consul.register("near", 9122)
    async with following(consul.url, {"near"}) as heard:
        heard.follow({Service("near"), Service("stays", "dc2")})
        await heard.until(lambda: heard.of("stays", "dc2") == (1, 1))
        await asyncio.to_thread(far.stop)
        consul.register("near", 9123)
        assert await heard.until(lambda: heard.of("near") == (2, 2)) < 5
        await _hears_of_failure(heard)
        assert heard.of("stays", "dc2") == (1, 1), "an error changes nothing"
        assert heard.reachable == [True]
        await asyncio.to_thread(far.start)
        far.api.set_status(instance, "passing")  # an agent that restarts takes all for critical until it is told
        far.api.register("stays", 9124)
        await heard.until(lambda: heard.of("stays", "dc2") == (2, 2), timeout=90)


async def _hears_of_failure(heard: Heard) -> None:
    await heard.until(lambda: any(name == "stays" for name, _ in heard.failures), timeout=60)
