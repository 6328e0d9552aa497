"""How services are followed: what is told, how many queries are held, how fast they come, and what faults do."""

import asyncio
import logging
import time

import pytest
from echoroute.api.selection import Service
from echoroute.consul import client as client_module
from echoroute.consul import follower as module
from echoroute.consul import presence, watch
from echoroute.consul.follower import HELD_QUERIES, HELD_STANDING_BY
from prometheus_client import REGISTRY

from .exact import ExactFollower


def services(*names: str) -> set[Service]:
    return {Service(name) for name in names}


def names(count: int) -> list[str]:
    return [f"service-{n}" for n in range(count)]


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


async def test_an_index_that_went_backwards_starts_over_without_an_index(small_consul, follower, heard):
    small_consul.index = 5000
    await small_consul.put("echo", "passing", "passing")
    follower.follow_exactly(services("echo"))
    await heard.until(lambda: small_consul.held == 1)
    await small_consul.rewind("echo", 7)
    await heard.until(lambda: heard.health["echo"] == (1, 1))
    await heard.until(lambda: small_consul.held == 1)
    assert [index for _, service, index, _ in small_consul.queries if service == "echo"] == [0, 5001, 0, 7]


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


async def test_while_consul_is_away_one_request_asks_for_all_and_one_line_is_logged(
    small_consul, follower, heard, caplog, monkeypatch
):
    caplog.set_level(logging.INFO, "echoroute")
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.2)
    everything = names(50)
    for service in everything:
        await small_consul.put(service, "passing")
    follower.follow_exactly(services(*everything))
    await heard.until(lambda: small_consul.held == 50)
    caplog.clear()
    small_consul.fail["*"] = 500
    await small_consul.wake_all()  # ends the held queries well; the ones after it fail
    await heard.until(lambda: heard.reachable == [True, False])
    await asyncio.sleep(1)  # what was on its way arrives
    before = len(small_consul.queries)
    await asyncio.sleep(1)
    assert {service for _, service, _, _ in small_consul.queries[before:]} == {"consul"}
    assert len(small_consul.queries) - before <= 12
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
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.1)
    everything = names(HELD_QUERIES + 50)
    follower.follow_exactly(services(*everything))
    await heard.until(lambda: heard.health.keys() == set(everything))
    small_consul.fail["*"] = 500
    await small_consul.wake_all()
    await heard.until(lambda: heard.reachable == [True, False])
    before = len(small_consul.queries)
    small_consul.fail.clear()
    await heard.until(
        lambda: set(everything) <= {service for _, service, index, _ in small_consul.queries[before:] if index == 0}
    )


async def test_one_service_that_fails_does_not_stop_the_others(small_consul, follower, heard, caplog, monkeypatch):
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.3)
    small_consul.fail["bad"] = 500
    follower.follow_exactly(services("bad", "good"))
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
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.1)
    small_consul.leader = False
    follower = ExactFollower(
        client,
        on_instances=heard.instances,
        on_failure=heard.failed,
        on_reachable=heard.reachable.append,
    )
    follower.follow_exactly(services("a", "b"))  # before it runs
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


async def test_after_an_outage_each_service_has_one_query_whichever_it_waited_for(
    small_consul, follower, heard, monkeypatch
):
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.1)
    everything = names(HELD_QUERIES + 30)
    follower.follow_exactly(services(*everything), resolved=services(*everything[:50]))
    await heard.until(lambda: heard.health.keys() == set(everything))
    for away in range(1, 4):
        small_consul.fail["*"] = 500
        await small_consul.wake_all()
        await heard.until(lambda away=away: heard.reachable.count(False) == away)
        small_consul.fail.clear()
        asked = small_consul.asked.copy()
        await heard.until(lambda asked=asked: all(small_consul.asked[one] > asked[one] for one in everything))
    await heard.until(lambda: max(small_consul.at_once.values()) == 1)  # it hears a little late of what was cut
    small_consul.most_at_once.clear()
    await asyncio.sleep(1)
    assert set(small_consul.most_at_once.values()) == {1}


async def test_a_query_that_fails_pauses_no_other(small_consul, follower, heard):
    """Nor does the wait for the probe that finds out whether Consul is away."""
    small_consul.fail["bad"] = 500
    follower.follow_exactly(services("good"))
    await heard.until(lambda: small_consul.held == 1)
    small_consul.probe_delay = 3600
    follower.follow_exactly(services("good", "bad", "later"))
    await heard.until(lambda: heard.failures == [("bad", "ConsulError")] and heard.health.keys() == {"good", "later"})
    for number in range(1, 4):
        await small_consul.put("good", *["passing"] * number)
        await heard.until(lambda number=number: heard.health["good"] == (number, number))
    assert heard.reachable == [True]


async def test_what_the_token_may_not_read_is_no_empty_service(small_consul, follower, heard, monkeypatch):
    monkeypatch.setattr(presence, "_FIRST_BACKOFF", 0.1)
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.3)
    await small_consul.put("secret", "passing")
    follower.follow_exactly(services("secret"))
    await heard.until(lambda: heard.health == {"secret": (1, 1)})
    small_consul.hidden.add("secret")
    await small_consul.wake_all()
    await heard.until(lambda: ("secret", "ConsulAccessDenied") in heard.failures)
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
    follower.follow_exactly(services("gone", "back"))
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
    follower.follow_exactly(services("echo"))
    await heard.until(lambda: small_consul.held == 1)
    await small_consul.put("echo")
    await heard.until(lambda: heard.health["echo"] == (0, 0), timeout=5)


async def test_after_an_outage_an_empty_consul_is_doubted_too(small_consul, follower, heard, monkeypatch):
    monkeypatch.setattr(presence, "_LONGEST_BACKOFF", 0.1)
    monkeypatch.setattr(watch, "DOUBT", 1.0)
    small_consul.index = 5000
    await small_consul.put("echo", "passing")
    follower.follow_exactly(services("echo"))
    await heard.until(lambda: small_consul.held == 1)
    small_consul.fail["*"] = 500
    await small_consul.wake_all()
    await heard.until(lambda: heard.reachable == [True, False])
    await small_consul.rewind("echo", 7)
    began = time.monotonic()
    small_consul.fail.clear()
    await heard.until(lambda: heard.health["echo"] == (0, 0), timeout=10)
    assert time.monotonic() - began >= watch.DOUBT


async def test_what_the_operator_resolves_has_the_held_queries(small_consul, follower, heard):
    resolved, others = [f"resolved-{n}" for n in range(60)], [f"other-{n}" for n in range(100)]
    follower.follow_exactly(services(*resolved, *others), resolved=services(*resolved))
    await heard.until(lambda: len(heard.health) == 160)
    await heard.until(lambda: {one for _, one, _, wait in small_consul.queries if wait == "60s"} >= set(resolved))
    asked = small_consul.asked.copy()
    small_consul.most_held = 0  # it hears a little late of what was cut
    for number, service in enumerate(resolved[::6]):
        await small_consul.put(service, *["passing"] * (1 + number % 3))
        await heard.until(lambda service=service, number=number: heard.health[service] == (1 + number % 3,) * 2)
    await heard.until(lambda: all(small_consul.asked[one] > asked[one] for one in others))
    assert all(small_consul.asked[one] <= asked[one] + 1 for one in resolved), "each in the query that it has"
    assert REGISTRY.get_sample_value("echoroute_consul_lap_seconds", {"resolve": "Operator"}) == 0
    assert 1 < REGISTRY.get_sample_value("echoroute_consul_lap_seconds", {"resolve": "Gateway"}) < 60
    assert small_consul.most_held <= HELD_QUERIES
    follower.follow_exactly(services(*resolved), resolved=services(*resolved))
    await heard.until(lambda: REGISTRY.get_sample_value("echoroute_consul_lap_seconds", {"resolve": "Gateway"}) == 0)


async def test_where_all_queries_are_held_the_others_have_their_turn_without_waiting(small_consul, follower, heard):
    resolved, others = [f"resolved-{n}" for n in range(HELD_QUERIES)], [f"other-{n}" for n in range(40)]
    follower.follow_exactly(services(*resolved, *others), resolved=services(*resolved))
    await heard.until(lambda: len(heard.health) == len(resolved) + len(others))
    await heard.until(lambda: {one for _, one, _, wait in small_consul.queries if wait == "60s"} >= set(resolved))
    asked = small_consul.asked.copy()
    before = len(small_consul.queries)
    await heard.until(lambda: all(small_consul.asked[one] > asked[one] + 1 for one in others))
    assert {wait for _, one, index, wait in small_consul.queries[before:] if index and one in others} == {"0.001s"}
    assert all(small_consul.asked[one] == asked[one] for one in resolved), "none was cut for it"


async def test_with_more_resolved_ones_than_queries_all_take_turns_and_those_more_often(
    small_consul, quick_turns, follower, heard
):
    resolved, others = [f"resolved-{n}" for n in range(100)], [f"other-{n}" for n in range(50)]
    follower.follow_exactly(services(*resolved, *others), resolved=services(*resolved))
    await heard.until(lambda: len(heard.health) == 150 and small_consul.held <= HELD_QUERIES)
    small_consul.most_held = 0  # it hears a little late of what was cut
    await heard.until(lambda: all(small_consul.asked[one] > 2 for one in (*resolved, *others)))
    assert sum(small_consul.asked[one] for one in resolved) > sum(small_consul.asked[one] for one in others)
    assert small_consul.most_held <= HELD_QUERIES
    await small_consul.put("resolved-77", "passing")
    await heard.until(lambda: heard.health["resolved-77"] == (1, 1))


async def test_who_resolves_a_service_may_change(small_consul, follower, heard):
    everything = names(HELD_QUERIES + 20)
    follower.follow_exactly(services(*everything))
    await heard.until(lambda: len(heard.health) == len(everything))
    follower.follow_exactly(services(*everything), resolved=services("service-7"))
    await heard.until(lambda: any(one == "service-7" and wait == "60s" for _, one, _, wait in small_consul.queries))
    follower.follow_exactly(services(*everything))
    before = len(small_consul.queries)
    await heard.until(lambda: any(one == "service-7" for _, one, _, _ in small_consul.queries[before:]))


async def test_unknown_datacenters_and_denied_services_take_nothing_from_the_others(small_consul, follower, heard):
    small_consul.unknown.add("nowhere")
    unknown = {Service(f"unknown-{n}", "nowhere") for n in range(100)}
    denied = {f"denied-{n}" for n in range(20)}
    small_consul.fail.update(dict.fromkeys(denied, 403))
    well = names(HELD_QUERIES)
    wanted = unknown | services(*denied, *well)
    follower.follow_exactly(wanted, resolved=wanted)
    await heard.until(lambda: heard.health.keys() == set(well))
    await heard.until(lambda: len({one for one, _ in heard.failures}) == 120)
    assert {kind for one, kind in heard.failures if one.startswith("unknown")} == {"UnknownDatacenter"}
    assert {kind for one, kind in heard.failures if one.startswith("denied")} == {"ConsulAccessDenied"}
    await heard.until(lambda: {one for _, one, _, wait in small_consul.queries if wait == "60s"} == set(well))
    for service in well[::20]:
        await small_consul.put(service, "passing")
        await heard.until(lambda service=service: heard.health[service] == (1, 1))
    assert heard.reachable == [True]
    small_consul.unknown.clear()
    await heard.until(lambda: len(heard.health) == len(well) + 100)


async def test_a_datacenter_that_hangs_delays_its_own_services_alone(small_consul, follower, heard, monkeypatch):
    monkeypatch.setattr(client_module, "_TIMEOUT", 300)
    small_consul.hanging.add("far")
    hanging = {Service(f"hanging-{n}", "far") for n in range(60)}
    follower.follow_exactly(hanging | services("near"), resolved=hanging)
    await heard.until(lambda: "near" in heard.health)
    near = services(*names(100))
    follower.follow_exactly(hanging | near | {Service("other", "dc3")}, resolved=hanging | near)
    await heard.until(lambda: heard.health.keys() >= {"other", *names(100)})
    assert heard.failures == [], "none of the others has waited for one that hangs to end"


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
