"""What fails, hangs, is unknown or not to be read delays no other service, and is no empty one."""

from echoroute.api.selection import Service
from echoroute.consul import client as client_module
from echoroute.consul import presence
from echoroute.consul.follower import HELD_QUERIES

from .services import names, services


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
