"""A follower: what is followed is told once, and again when it changed; what calls back may change what is followed."""

import asyncio

import pytest
from echoroute.api.selection import Service
from echoroute.consul.follower import HELD_QUERIES

from .exact import ExactFollower
from .services import names, services


async def test_health_is_told_first_and_then_only_when_it_changed(small_consul, follower, heard):
    await small_consul.put("echo", "passing", "passing")
    follower.follow_exactly(services("echo", "missing"))
    await heard.until(lambda: heard.health == {"echo": (2, 2), "missing": (0, 0)})
    await small_consul.wake_all()  # something that does not count has changed
    await asyncio.sleep(0.1)
    await small_consul.put("echo", "passing", "critical")
    await heard.until(lambda: heard.health["echo"] == (1, 2))
    assert sorted(heard.calls) == [("echo", 1, 2), ("echo", 2, 2), ("missing", 0, 0)]
    assert heard.reachable == [True]


async def test_a_change_is_told_at_once(small_consul, follower, heard):
    await small_consul.put("echo", "passing")
    follower.follow_exactly(services("echo"))
    await heard.until(lambda: small_consul.held == 1)
    for n in range(2, 7):
        loop = asyncio.get_running_loop()
        started = loop.time()
        await small_consul.put("echo", *["passing"] * n)
        await heard.until(lambda n=n: heard.health["echo"] == (n, n))
        assert loop.time() - started < 0.5


async def test_what_is_no_longer_followed_frees_its_query_and_is_told_no_more(small_consul, follower, heard):
    follower.follow_exactly(services("a", "b"))
    await heard.until(lambda: small_consul.held == 2)
    follower.follow_exactly(services("b", "c"))
    await heard.until(lambda: "c" in heard.health and small_consul.held == 2)
    await small_consul.put("a", "passing")
    await small_consul.put("c", "passing")
    await heard.until(lambda: heard.health["c"] == (1, 1))
    assert heard.health["a"] == (0, 0)
    follower.follow_exactly(set())
    await heard.until(lambda: small_consul.held == 0)
    follower.follow_exactly(services("a"))
    await heard.until(lambda: heard.health["a"] == (1, 1))


async def test_a_service_that_wakes_without_news_is_asked_once_a_second(small_consul, follower, heard):
    follower.follow_exactly(services("missing"))
    await heard.until(lambda: small_consul.held == 1)
    asked = small_consul.asked["missing"]
    for _ in range(15):
        await small_consul.wake_all()
        await asyncio.sleep(0.1)
    assert small_consul.asked["missing"] - asked <= 3


async def test_what_a_callback_raises_ends_the_run_instead_of_being_lost(client, small_consul, heard):
    def on_instances(service, found):
        raise RuntimeError("a bug of the engine's")

    follower = ExactFollower(
        client, on_instances=on_instances, on_failure=heard.failed, on_reachable=lambda reachable: None
    )
    follower.follow_exactly(services("a"))
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as caught:
            await follower.run()
    assert caught.group_contains(RuntimeError, match="a bug")


async def test_a_callback_may_change_what_is_followed(client, small_consul, heard):
    everything = names(HELD_QUERIES + 20)

    def on_instances(service, found):
        heard.instances(service, found)
        # Shrinks past the threshold and grows again, from within an answer.
        follower.follow_exactly({service})
        follower.follow_exactly(services(*everything))

    follower = ExactFollower(
        client, on_instances=on_instances, on_failure=heard.failed, on_reachable=lambda reachable: None
    )
    follower.follow_exactly(services(*everything))
    running = asyncio.create_task(follower.run())
    await asyncio.sleep(0.5)
    follower.follow_exactly(services("last"))
    await heard.until(lambda: "last" in heard.health)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_a_service_that_flaps_is_asked_for_four_times_a_second(small_consul, follower, heard):
    follower.follow_exactly(services("flaps"), resolved=services("flaps"))
    await heard.until(lambda: small_consul.held == 1)
    await asyncio.sleep(0.3)
    small_consul.asked.clear()
    began = asyncio.get_running_loop().time()
    for turn in range(100):
        await small_consul.put("flaps", *["passing"] * (1 + turn % 7))
        await asyncio.sleep(0.02)
    seconds = asyncio.get_running_loop().time() - began
    # Once a second it is asked at once: an answer that says nothing new may be half of a change.
    assert small_consul.asked["flaps"] <= seconds * (4 + 1) + 3
    await heard.until(lambda: heard.health["flaps"] == (2, 2))


async def test_one_name_in_two_datacenters_is_two_services(small_consul, follower, heard):
    both = {Service("echo"), Service("echo", "dc2")}
    follower.follow_exactly(both)
    await heard.until(lambda: small_consul.held == 2)
    follower.follow_exactly({Service("echo", "dc2")})
    await heard.until(lambda: small_consul.held == 1)
