"""While Consul is away one request asks for all; once it is back each service is asked anew."""

import asyncio
import logging

from echoroute.consul import presence
from echoroute.consul.follower import HELD_QUERIES
from prometheus_client import REGISTRY

from .exact import ExactFollower
from .services import names, services


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
