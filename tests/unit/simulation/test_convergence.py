"""Invariants 1, 2, 3, 4 and 9 of the engine: whatever happens, once it stops the gateway holds what was asked for.

The whole engine runs against a cluster and a gateway in memory, in virtual time. Hypothesis makes up what users, other
writers and faults do; `--hypothesis-profile=wide` looks further. With faults only the end can be judged; without them
also how soon it comes, with how many writes and in which order.
"""

import asyncio
from collections.abc import Callable

from echoroute.core.changes import Change, Delete
from echoroute.core.objects import Key
from hypothesis import example, given
from hypothesis import strategies as st

from .ended import check
from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import (
    DRIFT_INTERVAL,
    GOOD,
    KEYS,
    OTHER,
    REFUSED_BY_GATEWAY,
    SHARED,
    SOON,
    SPECS,
    World,
    ref_of,
)

Step = Callable[[World, dict[Key, str]], None]


def applies(key: Key, kind: str) -> Step:
    def step(world: World, asked: dict[Key, str]) -> None:
        world.cluster.apply(key, SPECS[kind](key))
        asked[key] = kind

    return step


def deletes(key: Key) -> Step:
    def step(world: World, asked: dict[Key, str]) -> None:
        world.cluster.delete(key)
        asked.pop(key, None)

    return step


def edits_by_hand(key: Key, *, delete: bool) -> Step:
    def step(world: World, _: dict[Key, str]) -> None:
        ref = ref_of(key)
        if ref in world.gateway.objects and world.gateway.is_owned(ref):
            if delete:
                del world.gateway.objects[ref]
            else:
                world.gateway.write_past_us(ref, {**world.gateway.objects[ref].body, "priority": 7})

    return step


def wipes(world: World, _: dict[Key, str]) -> None:
    for ref in [ref for ref in world.gateway.objects if world.gateway.is_owned(ref)]:
        del world.gateway.objects[ref]


def removes_crd(world: World, asked: dict[Key, str]) -> None:
    world.cluster.remove_crd()
    asked.clear()


def faults(fault: Fault) -> Step:
    return lambda world, _: setattr(world.gateway, "fault", fault)


def sets(name: str, value: object) -> Step:
    return lambda world, _: setattr(world.cluster, name, value)


_keys = st.sampled_from(KEYS)
_steps: st.SearchStrategy[Step | str] = st.one_of(
    st.builds(applies, _keys, st.sampled_from(list(SPECS))),
    st.builds(applies, _keys, st.just(GOOD)),
    st.builds(deletes, _keys),
    st.builds(edits_by_hand, _keys, delete=st.booleans()),
    st.just(wipes),
    st.just(removes_crd),
    st.builds(faults, st.sampled_from(Fault)),
    st.builds(sets, st.sampled_from(["down", "losing_events"]), st.booleans()),
    st.builds(sets, st.just("event_delay"), st.sampled_from([0.0, 2.0])),
    st.just("restart"),
)
_pauses = st.sampled_from([0.0, 0.004, 0.3, 5.0, 40.0])


async def play(steps: list[tuple[Step | str, float]], squatted: set[Key]) -> None:
    world = World.new()
    for key in squatted:
        world.gateway.write_past_us(ref_of(key), {"uri": "/theirs"})
    asked: dict[Key, str] = {}
    world.start()
    for step, pause in steps:
        if isinstance(step, str):
            await world.stop()
            world.start()
        else:
            step(world, asked)
        # Times have whole seconds: a CRD that comes again within one cannot be told from the one before.
        await asyncio.sleep(max(pause, 1.0) if step is removes_crd else pause)
    await world.heal()
    check(world, asked, squatted)
    await world.stop()
    world.gateway.writes = world.cluster.patches = 0
    world.start()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    await world.stop()
    rejected = sum(kind is REFUSED_BY_GATEWAY for key, kind in asked.items() if key not in squatted)
    # What was in doubt while the operator ran may be none by the clocks alone.
    assert world.gateway.writes <= rejected + len(world.cluster.swept), "only what was rejected is asked for again"
    assert world.cluster.patches == 0, "a restart over what is unchanged patches no status"
    check(world, asked, squatted)


@given(
    steps=st.lists(st.tuples(_steps, _pauses), max_size=25),
    squatted=st.sets(_keys, max_size=1),
)
@example(steps=[(applies(KEYS[0], GOOD), 0.3), (deletes(KEYS[0]), 0.0), (applies(KEYS[0], OTHER), 0.0)], squatted=set())
def test_whatever_happens_the_gateway_ends_as_asked(steps: list[tuple[Step | str, float]], squatted: set[Key]) -> None:
    run_in_virtual_time(play(steps, squatted))


async def play_calmly(steps: list[Step]) -> None:
    world = World.new()
    asked: dict[Key, str] = {}
    world.start()
    await asyncio.sleep(1.0)
    world.gateway.on_change = lambda change: refuse_two_of_a_kind(world, change)
    for step in steps:
        writes, patches = world.gateway.writes, world.cluster.patches
        step(world, asked)
        await asyncio.sleep(SOON)
        check(world, asked, set())
        changed = len(KEYS)  # a change of one can make winners of losers and losers of winners
        assert world.gateway.writes - writes <= changed
        assert world.cluster.patches - patches <= changed, "one patch tells all"
    writes, patches = world.gateway.writes, world.cluster.patches
    await asyncio.sleep(5 * DRIFT_INTERVAL)
    assert (world.gateway.writes, world.cluster.patches) == (writes, patches), "rounds over what is as asked do nothing"
    await world.stop()


def refuse_two_of_a_kind(world: World, change: Change) -> None:
    """Two routes for one path would answer by chance; one whose EchoRoute is gone is about to go."""
    if isinstance(change, Delete):
        return
    for ref, other in world.gateway.objects.items():
        there = any(ref_of(key) == ref for key in world.cluster.objects)
        if ref != change.ref and there and other.body["uri"] == change.body["uri"]:
            world.gateway.breaches.append(f"{change.ref} was written while {ref} is there, with the same path")


@given(
    steps=st.lists(
        st.builds(applies, _keys, st.sampled_from(list(SPECS)))
        | st.builds(applies, _keys, st.just(SHARED))
        | st.builds(deletes, _keys),
        max_size=12,
    )
)
def test_without_faults_each_change_is_done_soon_and_with_no_write_too_many(steps: list[Step]) -> None:
    run_in_virtual_time(play_calmly(steps))
