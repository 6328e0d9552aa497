"""Two replicas, with whatever happens to them: one writes at a time, and in the end all is as it was asked for."""

import asyncio
from collections.abc import Callable, Coroutine

from echoroute.core.objects import Key
from hypothesis import given
from hypothesis import strategies as st

from ..kube.leases import DURATION
from .gateway import Fault
from .replica import KEPT, Both
from .virtual_time import run_in_virtual_time
from .world import DENIED, DRIFT_INTERVAL, GOOD, INVALID, OTHER, SHARED, ref_of

KEYS = [Key("shop", "cart"), Key("shop", "pay"), Key("lab", "cart"), Key("lab", "pay")]
_SPECS = st.sampled_from([GOOD, OTHER, SHARED, INVALID, DENIED])
_KEYS = st.sampled_from(KEYS)
_NUMBERS = st.integers(0, 1)

Step = Callable[[Both], Coroutine[object, object, None]]


def _apply(key: Key, kind: str) -> Step:
    async def step(both: Both) -> None:
        both.apply(key, kind)

    return step


def _delete(key: Key) -> Step:
    async def step(both: Both) -> None:
        both.delete(key)

    return step


def _freeze(number: int) -> Step:
    async def step(both: Both) -> None:
        both.replicas[number].freeze()

    return step


def _thaw(number: int) -> Step:
    async def step(both: Both) -> None:
        both.replicas[number].thaw()

    return step


def _restart(number: int, release: bool) -> Step:
    async def step(both: Both) -> None:
        await both.replicas[number].end(release=release)
        both.start()

    return step


def _cut(number: int) -> Step:
    async def step(both: Both) -> None:
        both.replicas[number].lease.cut = True

    return step


def _gateway(fault: Fault) -> Step:
    async def step(both: Both) -> None:
        both.gateway.fault = fault

    return step


async def _lose(both: Both) -> None:
    both.gateway.objects.clear()


_CHANGES = st.builds(_apply, _KEYS, _SPECS) | st.builds(_delete, _KEYS)
_MISHAPS = (
    st.builds(_freeze, _NUMBERS)
    | st.builds(_thaw, _NUMBERS)
    | st.builds(_restart, _NUMBERS, st.booleans())
    | st.builds(_cut, _NUMBERS)
    | st.builds(_gateway, st.sampled_from([Fault.NONE, Fault.DOWN, Fault.LOSES_ANSWERS, Fault.REFUSES_WRITES]))
    | st.just(_lose)
)
_PAUSES = st.sampled_from([0.0, 0.01, 0.1, 1.0, 5.0, DURATION, 2 * DRIFT_INTERVAL])
_STEPS = st.lists(st.tuples(_CHANGES | _MISHAPS, _PAUSES), max_size=20)


@given(_STEPS)
def test_one_writes_at_a_time_and_in_the_end_all_is_as_it_was_asked_for(steps: list[tuple[Step, float]]) -> None:
    async def play() -> None:
        both = Both.new()
        both.start()
        both.start()
        for step, pause in steps:
            await step(both)
            await asyncio.sleep(pause)
        await both.settle()
        assert sum(replica.leads for replica in both.replicas) == 1
        await _fails_over_for_nothing(both)

    run_in_virtual_time(play())


async def _fails_over_for_nothing(both: Both) -> None:
    writes, patches = both.gateway.writes, both.cluster.patches
    [leader] = [replica for replica in both.replicas if replica.leads]
    await leader.end(release=False)
    both.start()
    await asyncio.sleep(DURATION + 2 * DRIFT_INTERVAL)
    assert sum(replica.leads for replica in both.replicas) == 1
    assert (both.gateway.writes, both.cluster.patches) == (writes, patches)
    for replica in list(both.replicas):
        await replica.end(release=True)


@given(_STEPS)
def test_two_leaders_for_a_moment_take_nothing_away_from_each_other(steps: list[tuple[Step, float]]) -> None:
    async def play() -> None:
        both = Both.new(elected=False)
        both.start()
        both.start()
        for step, pause in steps:
            await step(both)
            await asyncio.sleep(pause)
        await both.replicas[0].end(release=True)
        await both.settle()
        for replica in list(both.replicas):
            await replica.end(release=True)

    run_in_virtual_time(play())


def test_a_frozen_leader_wakes_up_in_the_middle_of_its_writes() -> None:
    """Each of its writes had passed all but the fence; the other one has done their work meanwhile."""

    async def play() -> None:
        both = Both.new()
        leader, other = both.start(), both.start()
        await asyncio.sleep(10.0)
        if not leader.leads:
            leader, other = other, leader
        for key in KEYS:
            both.apply(key, GOOD)
        await asyncio.sleep(0.01)
        assert leader.freezer.connecting == len(KEYS)
        leader.freeze()
        written = both.gateway.writes
        await asyncio.sleep(2 * DURATION)
        assert other.leads
        assert all(ref_of(key) in both.gateway.objects for key in [*KEYS, *KEPT])
        assert both.gateway.writes == written + len(KEYS)
        leader.thaw()
        await asyncio.sleep(DURATION)
        assert both.gateway.writes == written + len(KEYS), "it has sent none of those that it was about to send"
        assert leader.engine.writer is None
        await both.settle()
        for replica in list(both.replicas):
            await replica.end(release=True)

    run_in_virtual_time(play())
