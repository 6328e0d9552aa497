"""A Consul that lost its data: its index starts over, and that a service is empty is believed once it has held."""

import asyncio
import time

from echoroute.consul import presence, watch

from .services import services


async def test_an_index_that_went_backwards_starts_over_without_an_index(small_consul, follower, heard):
    small_consul.index = 5000
    await small_consul.put("echo", "passing", "passing")
    follower.follow_exactly(services("echo"))
    await heard.until(lambda: small_consul.held == 1)
    await small_consul.rewind("echo", 7)
    await heard.until(lambda: heard.health["echo"] == (1, 1))
    await heard.until(lambda: small_consul.held == 1)
    assert [index for _, service, index, _ in small_consul.queries if service == "echo"] == [0, 5001, 0, 7]


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
