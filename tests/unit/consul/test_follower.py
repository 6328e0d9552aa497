"""How services are followed: what is told, how many queries are held, how fast they come, and what faults do."""

import asyncio
import logging

import pytest
from echoroute.consul import follower as module
from echoroute.consul import watch
from echoroute.consul.follower import HELD_QUERIES, HELD_STANDING_BY, Follower
from prometheus_client import REGISTRY


def names(count: int) -> set[str]:
    return {f"service-{n}" for n in range(count)}


async def test_health_is_told_first_and_then_only_when_it_changed(small_consul, follower, heard):
    await small_consul.put("echo", "passing", "passing")
    follower.follow({"echo", "missing"})
    await heard.until(lambda: heard.health == {"echo": (2, 2), "missing": (0, 0)})
    await small_consul.wake_all()  # something that does not count has changed
    await asyncio.sleep(0.1)
    await small_consul.put("echo", "passing", "critical")
    await heard.until(lambda: heard.health["echo"] == (1, 2))
    assert sorted(heard.calls) == [("echo", 1, 2), ("echo", 2, 2), ("missing", 0, 0)]
    assert heard.reachable == [True]


async def test_a_change_is_told_at_once(small_consul, follower, heard):
    await small_consul.put("echo", "passing")
    follower.follow({"echo"})
    await heard.until(lambda: small_consul.held == 1)
    for n in range(2, 7):
        loop = asyncio.get_running_loop()
        started = loop.time()
        await small_consul.put("echo", *["passing"] * n)
        await heard.until(lambda n=n: heard.health["echo"] == (n, n))
        assert loop.time() - started < 0.5


async def test_what_is_no_longer_followed_frees_its_query_and_is_told_no_more(small_consul, follower, heard):
    follower.follow({"a", "b"})
    await heard.until(lambda: small_consul.held == 2)
    follower.follow({"b", "c"})
    await heard.until(lambda: "c" in heard.health and small_consul.held == 2)
    await small_consul.put("a", "passing")
    await small_consul.put("c", "passing")
    await heard.until(lambda: heard.health["c"] == (1, 1))
    assert heard.health["a"] == (0, 0)
    follower.follow(set())
    await heard.until(lambda: small_consul.held == 0)
    follower.follow({"a"})
    await heard.until(lambda: heard.health["a"] == (1, 1))


async def test_a_service_that_wakes_without_news_is_asked_once_a_second(small_consul, follower, heard):
    follower.follow({"missing"})
    await heard.until(lambda: small_consul.held == 1)
    asked = small_consul.asked["missing"]
    for _ in range(15):
        await small_consul.wake_all()
        await asyncio.sleep(0.1)
    assert small_consul.asked["missing"] - asked <= 3


async def test_an_index_that_went_backwards_starts_over_without_an_index(small_consul, follower, heard):
    small_consul.index = 5000
    await small_consul.put("echo", "passing", "passing")
    follower.follow({"echo"})
    await heard.until(lambda: small_consul.held == 1)
    await small_consul.rewind("echo", 7)
    await heard.until(lambda: heard.health["echo"] == (1, 1))
    await heard.until(lambda: small_consul.held == 1)
    assert [index for _, service, index, _ in small_consul.queries if service == "echo"] == [0, 5001, 0, 7]


async def test_no_more_queries_are_held_than_consul_allows_and_all_services_have_their_turn(
    small_consul, follower, heard, monkeypatch
):
    monkeypatch.setattr(module, "_TURNS_PER_SECOND", 200)
    monkeypatch.setattr(module, "_SHORT_WAIT", 1)
    services = names(HELD_QUERIES + 80)
    follower.follow(services)
    await heard.until(lambda: heard.health.keys() == services)
    await small_consul.put("service-3", "passing")
    await small_consul.put("service-150", "passing", "critical")
    await heard.until(lambda: heard.health["service-3"] == (1, 1) and heard.health["service-150"] == (1, 2))
    asked = small_consul.asked.copy()
    await heard.until(lambda: all(small_consul.asked[service] > asked[service] for service in services))
    assert small_consul.most_held <= HELD_QUERIES


async def test_turns_come_at_a_bounded_rate(small_consul, follower, heard):
    services = names(400)
    follower.follow(services)
    await heard.until(lambda: heard.health.keys() == services)
    before, began = len(small_consul.queries), asyncio.get_running_loop().time()
    await asyncio.sleep(2)
    made, seconds = len(small_consul.queries) - before, asyncio.get_running_loop().time() - began
    assert made <= seconds * module._TURNS_PER_SECOND + 5
    assert made >= 1, "and they do come"
    assert {wait for _, _, index, wait in small_consul.queries[before:] if index} == {"2s"}


async def test_growing_past_the_held_queries_does_not_wait_for_the_long_ones_to_end(small_consul, follower, heard):
    follower.follow(names(HELD_QUERIES))
    await heard.until(lambda: small_consul.held == HELD_QUERIES)
    assert {wait for _, _, index, wait in small_consul.queries if index} == {"60s"}
    follower.follow(names(HELD_QUERIES + 1))
    await heard.until(lambda: f"service-{HELD_QUERIES}" in heard.health, timeout=40)
    follower.follow(names(3))
    await heard.until(lambda: small_consul.held == 3)


async def test_who_stands_by_holds_fewer_queries_and_misses_nothing(small_consul, follower, heard):
    services = names(HELD_STANDING_BY + 10)
    follower.follow(services)
    await heard.until(lambda: small_consul.held == len(services))
    for _ in range(2):
        follower.stand_by(standing_by=True)
        await heard.until(lambda: small_consul.held <= HELD_STANDING_BY)
        small_consul.most_held = 0
        await small_consul.put("service-3", "passing")
        await small_consul.put("service-25", "passing", "critical")
        await heard.until(lambda: heard.health["service-3"] == (1, 1) and heard.health["service-25"] == (1, 2))
        assert small_consul.most_held <= HELD_STANDING_BY
        follower.stand_by(standing_by=False)
        await heard.until(lambda: small_consul.held == len(services))
        await small_consul.put("service-3")
        await heard.until(lambda: heard.health["service-3"] == (0, 0))
        await small_consul.put("service-25")
        await heard.until(lambda: heard.health["service-25"] == (0, 0))


async def test_while_consul_is_away_one_request_asks_for_all_and_one_line_is_logged(
    small_consul, follower, heard, caplog, monkeypatch
):
    caplog.set_level(logging.INFO, "echoroute")
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.2)
    services = names(50)
    for service in services:
        await small_consul.put(service, "passing")
    follower.follow(services)
    await heard.until(lambda: small_consul.held == 50)
    caplog.clear()
    small_consul.fail["*"] = 500
    await small_consul.wake_all()  # ends the held queries well; the ones after it fail
    await heard.until(lambda: heard.reachable == [True, False])
    before = len(small_consul.queries)
    await asyncio.sleep(1)
    assert {service for _, service, _, _ in small_consul.queries[before:]} == {"consul"}
    assert 4 <= len(small_consul.queries) - before <= 12
    assert REGISTRY.get_sample_value("echoroute_consul_up") == 0
    assert len(caplog.records) == 1
    assert "HTTP 500" in caplog.text

    await small_consul.put("service-7", "critical")
    del small_consul.fail["*"]
    await heard.until(lambda: heard.health["service-7"] == (0, 1))
    assert heard.reachable == [True, False, True]
    assert REGISTRY.get_sample_value("echoroute_consul_up") == 1
    await heard.until(lambda: small_consul.held == 50)
    assert len(heard.calls) == 51  # what stayed as it was is not told again


async def test_after_an_outage_services_between_their_turns_are_asked_anew_too(
    small_consul, follower, heard, monkeypatch
):
    """Consul may have come back empty, with indexes that take days to reach the ones from before."""
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.1)
    services = names(HELD_QUERIES + 50)
    follower.follow(services)
    await heard.until(lambda: heard.health.keys() == services)
    small_consul.fail["*"] = 500
    await small_consul.wake_all()
    await heard.until(lambda: heard.reachable == [True, False])
    before = len(small_consul.queries)
    small_consul.fail.clear()
    await heard.until(lambda: services <= {service for _, service, _, _ in small_consul.queries[before:]})
    first = {service: index for _, service, index, _ in reversed(small_consul.queries[before:])}
    assert {first[service] for service in services} == {0}


async def test_one_service_that_fails_does_not_stop_the_others(small_consul, follower, heard, caplog, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.3)
    small_consul.fail["bad"] = 500
    follower.follow({"bad", "good"})
    await heard.until(lambda: "good" in heard.health)
    await small_consul.put("good", "passing")
    await heard.until(lambda: heard.health["good"] == (1, 1))
    assert heard.reachable == [True]
    assert "bad" not in heard.health
    await heard.until(lambda: small_consul.asked["bad"] >= 3)
    assert caplog.text.count("Consul answers, but") == 1, "told once, however often it is tried"
    del small_consul.fail["bad"]
    await heard.until(lambda: heard.health.get("bad") == (0, 0))
    small_consul.fail["bad"] = 500
    await small_consul.wake_all()
    await heard.until(lambda: caplog.text.count("Consul answers, but") == 2)


async def test_consul_away_at_the_start_is_told_and_everything_comes_once_it_answers(
    small_consul, client, heard, monkeypatch
):
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.1)
    small_consul.leader = False
    follower = Follower(
        client,
        on_instances=heard.instances,
        on_failure=heard.failed,
        on_reachable=heard.reachable.append,
    )
    follower.follow({"a", "b"})  # before it runs
    running = asyncio.create_task(follower.run())
    await heard.until(lambda: heard.reachable == [False])
    assert heard.health == {}
    small_consul.leader = True
    await heard.until(lambda: heard.health.keys() == {"a", "b"})
    assert heard.reachable == [False, True]
    running.cancel()
    await asyncio.wait([running])


async def test_what_a_callback_raises_ends_the_run_instead_of_being_lost(client, small_consul, heard):
    def on_instances(service, found):
        raise RuntimeError("a bug of the engine's")

    follower = Follower(client, on_instances=on_instances, on_failure=heard.failed, on_reachable=lambda reachable: None)
    follower.follow({"a"})
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as caught:
            await follower.run()
    assert caught.group_contains(RuntimeError, match="a bug")


async def test_a_callback_may_change_what_is_followed(client, small_consul, heard):
    services = names(HELD_QUERIES + 20)

    def on_instances(service, found):
        heard.instances(service, found)
        # Shrinks past the threshold and grows again, from within an answer.
        follower.follow({service})
        follower.follow(services)

    follower = Follower(client, on_instances=on_instances, on_failure=heard.failed, on_reachable=lambda reachable: None)
    follower.follow(services)
    running = asyncio.create_task(follower.run())
    await asyncio.sleep(0.5)
    follower.follow({"last"})
    await heard.until(lambda: "last" in heard.health)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


async def test_no_slot_is_lost_when_queries_are_cut_before_they_began(client, small_consul, follower, heard):
    for round_ in range(30):
        follower.follow({f"round-{round_}-{n}" for n in range(HELD_QUERIES)})
        await asyncio.sleep(0.003 * (round_ % 4))
    follower.follow(names(HELD_QUERIES))
    await heard.until(lambda: small_consul.held == HELD_QUERIES)


async def test_services_that_flap_do_not_starve_the_calm(small_consul, follower, heard, monkeypatch):
    monkeypatch.setattr(module, "_TURNS_PER_SECOND", 100)
    calm = [f"calm-{number}" for number in range(150)]
    flapping = [f"flap-{number}" for number in range(60)]
    for service in (*calm, *flapping):
        await small_consul.put(service, "passing")
    follower.follow({*calm, *flapping})
    await heard.until(lambda: len(heard.health) == 210)
    small_consul.asked.clear()

    async def flap() -> None:
        turn = 0
        while True:
            turn += 1
            for service in flapping:
                await small_consul.put(service, *["passing"] * (1 + turn % 7))  # seldom as it was when asked last
            await asyncio.sleep(0.05)

    flaps = asyncio.create_task(flap())
    async with asyncio.timeout(40):
        # Once, for what they said first was news, too.
        while not all(small_consul.asked[service] > 1 for service in (*calm, *flapping)):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
    flaps.cancel()


async def test_after_an_outage_each_service_has_one_query_whichever_turn_it_waited_for(client):
    def tell(*_: object) -> None: ...

    follower = Follower(client, on_instances=tell, on_failure=tell, on_reachable=tell)
    follower.follow(names(30))
    watches = [one for one, _ in iter(follower._next, (None, 0.0)) if one]
    for number, one in enumerate(watches):
        one.index = number % 3
        follower._queue(one, had_news=number % 2 == 0)
    follower._start_over()
    assert [one for one, _ in iter(follower._next, (None, 0.0))] == watches


async def test_a_query_that_fails_pauses_no_other(small_consul, follower, heard):
    """Nor does the wait for the probe that finds out whether Consul is away."""
    small_consul.fail["bad"] = 500
    follower.follow({"good"})
    await heard.until(lambda: small_consul.held == 1)
    small_consul.probe_delay = 3600
    follower.follow({"good", "bad", "later"})
    await heard.until(lambda: heard.failures == [("bad", False)] and heard.health.keys() == {"good", "later"})
    for number in range(1, 4):
        await small_consul.put("good", *["passing"] * number)
        await heard.until(lambda number=number: heard.health["good"] == (number, number), timeout=5)
    assert heard.reachable == [True]


async def test_what_the_token_may_not_read_is_no_empty_service(small_consul, follower, heard, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_BACKOFF", 0.1)
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.3)
    await small_consul.put("secret", "passing")
    follower.follow({"secret"})
    await heard.until(lambda: heard.health == {"secret": (1, 1)})
    small_consul.hidden.add("secret")
    await small_consul.wake_all()
    await heard.until(lambda: ("secret", True) in heard.failures)
    assert heard.health == {"secret": (1, 1)}, "what was known stays"
    assert heard.reachable == [True]
    small_consul.hidden.clear()
    await small_consul.put("secret", "passing", "passing")
    await heard.until(lambda: heard.health == {"secret": (2, 2)})


async def test_an_empty_answer_in_another_history_is_believed_once_it_has_held(
    small_consul, follower, heard, monkeypatch
):
    monkeypatch.setattr(watch, "DOUBT", 1.0)
    small_consul.index = 5000
    await small_consul.put("gone", "passing")
    await small_consul.put("back", "passing")
    follower.follow({"gone", "back"})
    await heard.until(lambda: small_consul.held == 2)
    await small_consul.rewind("gone", 7)
    await small_consul.rewind("back", 7)
    await heard.until(lambda: small_consul.held == 2)
    await asyncio.sleep(0.3)
    assert heard.health == {"gone": (1, 1), "back": (1, 1)}, "a Consul that lost its data asks its agents first"
    await small_consul.put("back", "passing", "passing")
    await heard.until(lambda: heard.health["back"] == (2, 2))
    await heard.until(lambda: heard.health["gone"] == (0, 0), timeout=10)
    await asyncio.sleep(1)
    assert heard.health["back"] == (2, 2)


async def test_an_empty_answer_in_the_same_history_is_true_at_once(small_consul, follower, heard):
    await small_consul.put("echo", "passing")
    follower.follow({"echo"})
    await heard.until(lambda: small_consul.held == 1)
    await small_consul.put("echo")
    await heard.until(lambda: heard.health["echo"] == (0, 0), timeout=5)


async def test_after_an_outage_an_empty_consul_is_doubted_too(small_consul, follower, heard, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_BACKOFF", 0.1)
    monkeypatch.setattr(watch, "DOUBT", 1.0)
    small_consul.index = 5000
    await small_consul.put("echo", "passing")
    follower.follow({"echo"})
    await heard.until(lambda: small_consul.held == 1)
    small_consul.fail["*"] = 500
    await small_consul.wake_all()
    await heard.until(lambda: heard.reachable == [True, False])
    await small_consul.rewind("echo", 7)
    small_consul.fail.clear()
    await heard.until(lambda: small_consul.held == 1)
    assert heard.health["echo"] == (1, 1)
    await heard.until(lambda: heard.health["echo"] == (0, 0), timeout=10)
