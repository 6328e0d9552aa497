"""How many queries are held at once, who has them, and that no service waits for ever for its turn."""

import asyncio

import pytest
from echoroute.api.selection import Service
from echoroute.consul import follower as module
from echoroute.consul.follower import HELD_QUERIES, HELD_STANDING_BY

from .services import names, services


async def test_no_more_queries_are_held_than_consul_allows_and_all_services_have_their_turn(
    small_consul, quick_turns, follower, heard
):
    everything = names(HELD_QUERIES + 80)
    follower.follow_exactly(services(*everything))
    await heard.until(lambda: heard.health.keys() == set(everything) and small_consul.held <= HELD_QUERIES)
    small_consul.most_held = 0  # it hears a little late of what was cut
    await small_consul.put("service-3", "passing")
    await small_consul.put("service-150", "passing", "critical")
    await heard.until(lambda: heard.health["service-3"] == (1, 1) and heard.health["service-150"] == (1, 2))
    asked = small_consul.asked.copy()
    await heard.until(lambda: all(small_consul.asked[service] > asked[service] for service in everything))
    assert small_consul.most_held <= HELD_QUERIES


async def test_turns_come_at_a_bounded_rate(small_consul, follower, heard):
    everything = names(400)
    follower.follow_exactly(services(*everything))
    await heard.until(lambda: heard.health.keys() == set(everything))
    before, began = len(small_consul.queries), asyncio.get_running_loop().time()
    await asyncio.sleep(2)
    made, seconds = len(small_consul.queries) - before, asyncio.get_running_loop().time() - began
    assert made <= seconds * module._TURNS_PER_SECOND + 5
    assert made >= 1, "and they do come"
    assert {wait for _, _, index, wait in small_consul.queries[before:] if index} == {"2s"}


async def test_growing_past_the_held_queries_does_not_wait_for_the_long_ones_to_end(small_consul, follower, heard):
    follower.follow_exactly(services(*names(HELD_QUERIES)))
    await heard.until(lambda: small_consul.held == HELD_QUERIES)
    assert {wait for _, _, index, wait in small_consul.queries if index} == {"60s"}
    follower.follow_exactly(services(*names(HELD_QUERIES + 1)))
    await heard.until(lambda: f"service-{HELD_QUERIES}" in heard.health, timeout=40)
    follower.follow_exactly(services(*names(3)))
    await heard.until(lambda: small_consul.held == 3)


@pytest.mark.parametrize("resolved", [False, True], ids=["any", "resolved"])
async def test_a_number_of_services_around_the_limit_does_not_cut_all_queries_each_time(
    small_consul, follower, heard, monkeypatch, resolved
):
    monkeypatch.setattr(module, "_ROOM_FOR", 1.0)
    loop, everything = asyncio.get_running_loop(), services(*names(HELD_QUERIES))
    for service in everything:
        follower.follow(service, resolved=resolved)
    if resolved:
        follower.follow(Service("takes-turns"))
    await heard.until(lambda: _held_long(small_consul) == set(names(HELD_QUERIES)))
    before, began = len(small_consul.queries), loop.time()
    for turn in range(25):
        one_more = Service(f"one-more-{turn}")
        follower.follow(one_more, resolved=resolved)
        await heard.until(lambda one_more=one_more: one_more.name in heard.health)
        follower.forget(one_more)
        await asyncio.sleep(0.01)
    made, seconds = len(small_consul.queries) - before, loop.time() - began
    assert made <= HELD_QUERIES + 2 * 25 + seconds * module._TURNS_PER_SECOND + 5, f"{made} queries in {seconds:.1f} s"
    await heard.until(lambda: _held_long(small_consul, before) == set(names(HELD_QUERIES)))


def _held_long(small_consul, since=0):
    """The services for which queries of a minute were made."""
    return {service for _, service, _, wait in small_consul.queries[since:] if wait == "60s"}


async def test_who_stands_by_holds_fewer_queries_and_misses_nothing(small_consul, follower, heard):
    everything = names(HELD_STANDING_BY + 10)
    follower.follow_exactly(services(*everything))
    await heard.until(lambda: small_consul.held == len(everything))
    for _ in range(2):
        follower.stand_by(standing_by=True)
        await heard.until(lambda: small_consul.held <= HELD_STANDING_BY)
        small_consul.most_held = 0
        await small_consul.put("service-3", "passing")
        await small_consul.put("service-25", "passing", "critical")
        await heard.until(lambda: heard.health["service-3"] == (1, 1) and heard.health["service-25"] == (1, 2))
        assert small_consul.most_held <= HELD_STANDING_BY
        follower.stand_by(standing_by=False)
        await heard.until(lambda: small_consul.held == len(everything))
        await small_consul.put("service-3")
        await heard.until(lambda: heard.health["service-3"] == (0, 0))
        await small_consul.put("service-25")
        await heard.until(lambda: heard.health["service-25"] == (0, 0))


async def test_no_slot_is_lost_when_queries_are_cut_before_they_began(client, small_consul, follower, heard):
    for round_ in range(30):
        follower.follow_exactly(services(*(f"round-{round_}-{n}" for n in range(HELD_QUERIES))))
        await asyncio.sleep(0.003 * (round_ % 4))
    follower.follow_exactly(services(*names(HELD_QUERIES)))
    await heard.until(lambda: small_consul.held == HELD_QUERIES)


async def test_services_that_flap_do_not_starve_the_calm(small_consul, quick_turns, follower, heard):
    calm = [f"calm-{number}" for number in range(150)]
    flapping = [f"flap-{number}" for number in range(60)]
    for service in (*calm, *flapping):
        await small_consul.put(service, "passing")
    follower.follow_exactly(services(*calm, *flapping))
    await heard.until(lambda: len(heard.health) == 210)
    small_consul.asked.clear()

    async def flap() -> None:
        turn = 0
        while True:
            turn += 1
            for service in flapping:
                await small_consul.put(service, *["passing"] * (1 + turn % 7))  # seldom as it was when asked last
            await asyncio.sleep(0.5)

    flaps = asyncio.create_task(flap())
    async with asyncio.timeout(120):
        # Once, for what they said first was news, too.
        while not all(small_consul.asked[service] > 1 for service in (*calm, *flapping)):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    flaps.cancel()
