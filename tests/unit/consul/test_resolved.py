"""Services that the operator resolves: theirs are the held queries, and the others take turns."""

from echoroute.consul.follower import HELD_QUERIES
from prometheus_client import REGISTRY

from .services import names, services


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
