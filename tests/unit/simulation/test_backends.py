"""EchoRoutes of several objects: what is named is there before and after, and what is left over holds up nothing."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import pytest
from echoroute.core.changes import Change, Put
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.engine.writer.leftovers import WAIT
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from .gateway import Fault, named_by
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, OWNER, POLICY, Silent, World, ref_of

KEY = Key("shop", "cart")
KEYS = [KEY, Key("shop", "pay"), Key("lab", "cart")]
OTHERS = ObjectRef(Kind.ROUTE, "theirs")


def spec(*services: str, **fields: object) -> JsonObject:
    backends: list[JsonObject] = [{"service": name, "weight": 10} for name in services]
    return {"match": {"paths": ["/cart"]}, "backends": [*backends], **fields}  # type: ignore[dict-item]  # JSON


async def _world(*services: str) -> World:
    world = World.new()
    world.cluster.apply(KEY, spec(*services))
    world.start()
    await asyncio.sleep(3)
    return world


def upstreams(world: World) -> set[str]:
    return {ref.id for ref in world.gateway.objects if ref.kind is Kind.UPSTREAM}


async def _upstreams_come_first_and_go_last() -> None:
    world = await _world("a", "b", "c")
    assert [ref.kind for _, ref in world.gateway.tried] == [Kind.UPSTREAM, Kind.UPSTREAM, Kind.ROUTE]
    assert named_by(world.gateway.objects[ref_of(KEY)].body) == upstreams(world)
    assert world.ready(KEY) == "True/Ready"
    since, changed = len(world.gateway.tried), world.gateway.now()
    world.cluster.apply(KEY, spec("a", "d"))
    await asyncio.sleep(WAIT - 0.5)
    assert [ref.kind for _, ref in world.gateway.tried[since:]] == [Kind.UPSTREAM, Kind.ROUTE]
    assert world.ready(KEY) == "True/Ready", "what is left over holds up no status"
    await asyncio.sleep(WAIT)
    assert [ref.kind for _, ref in world.gateway.tried[since + 2 :]] == [Kind.UPSTREAM, Kind.UPSTREAM]
    assert all(at >= changed + WAIT for at, _ in world.gateway.tried[since + 2 :])
    assert named_by(world.gateway.objects[ref_of(KEY)].body) == upstreams(world)
    await world.stop()


async def _a_step_of_a_canary_is_one_write() -> None:
    world = await _world("a", "b")
    since = len(world.gateway.tried)
    for weight in (20, 30, 40):
        backends: list[JsonObject] = [{"service": "a", "weight": 100 - weight}, {"service": "b", "weight": weight}]
        world.cluster.apply(KEY, {**spec(), "backends": [*backends]})
        await asyncio.sleep(5)
    assert [ref.kind for _, ref in world.gateway.tried[since:]] == [Kind.ROUTE] * 3
    await world.stop()


async def _deleted() -> None:
    world = await _world("a", "b", "c")
    since = len(world.gateway.tried)
    world.cluster.delete(KEY)
    await asyncio.sleep(WAIT - 0.5)
    assert [ref.kind for _, ref in world.gateway.tried[since:]] == [Kind.ROUTE], "it does not serve any more"
    await asyncio.sleep(2 * WAIT)
    assert world.gateway.objects == {}
    await world.stop()


async def _deleted_while_the_operator_stops() -> None:
    """What is left over has nobody who explains it, and still goes, as any orphan does."""
    world = await _world("a", "b")
    world.cluster.delete(KEY)
    await asyncio.sleep(WAIT - 0.5)
    await world.stop()
    assert upstreams(world)
    world.start()
    await asyncio.sleep(4 * DRIFT_INTERVAL)
    assert world.gateway.objects == {}
    await world.stop()


async def _another_team_pins_one() -> None:
    world = await _world("a", "b", "c")
    pinned, other = sorted(upstreams(world))
    world.gateway.write_past_us(
        OTHERS, {"uri": "/theirs", "plugins": {"traffic-split": {"rules": [{"upstream_id": pinned}]}}}
    )
    world.cluster.apply(KEY, spec("a"))
    await asyncio.sleep(2 * WAIT)
    assert world.ready(KEY) == "True/Ready", "its removal holds nothing up"
    assert upstreams(world) == {pinned}, f"nor that of {other}"
    tried, patches = len(world.gateway.tried), world.cluster.patches
    await asyncio.sleep(20 * DRIFT_INTERVAL)
    assert len(world.gateway.tried) - tried < 40, "it is asked for again, and not all the time"
    assert world.cluster.patches == patches
    since = len(world.gateway.tried)
    world.cluster.apply(KEY, spec("a", websocket=True))
    await asyncio.sleep(0.1)
    assert [ref for _, ref in world.gateway.tried[since:]] == [ref_of(KEY)], "a change is written at once"
    del world.gateway.objects[OTHERS]
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert upstreams(world) == set()
    await world.stop()


async def _the_last_answer_is_lost() -> None:
    """Whether the Route names others now nobody knows: what it named stays until that is known."""
    world = await _world("a", "b")
    (before,) = upstreams(world)
    world.gateway.fault = Fault.LOSES_ANSWERS
    world.cluster.apply(KEY, spec("a", "c"))
    await asyncio.sleep(5)
    world.gateway.fault = Fault.NONE
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert named_by(world.gateway.objects[ref_of(KEY)].body) == upstreams(world)
    assert before not in upstreams(world)
    await world.stop()


async def _somebody_deletes_an_upstream() -> None:
    world = await _world("a", "b")
    (gone,) = upstreams(world)
    del world.gateway.objects[ObjectRef(Kind.UPSTREAM, gone)]
    since = len(world.gateway.tried)
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    assert [ref.id for _, ref in world.gateway.tried[since:]] == [gone], "it alone is written again"
    await world.stop()


async def _a_list_between_two_writes_lacks_an_upstream() -> None:
    """What is planned before a list names what the list lacks: it is planned anew, and written again first."""
    world = await _world("a", "b")
    (gone,) = upstreams(world)

    def look_at(change: Change) -> None:
        if isinstance(change, Put) and change.ref.kind is Kind.UPSTREAM and gone in upstreams(world):
            del world.gateway.objects[ObjectRef(Kind.UPSTREAM, gone)]
            world.writer.actual.replace(dict(world.gateway.objects), began=world.gateway.now())

    world.gateway.on_change, since = look_at, len(world.gateway.tried)
    world.cluster.apply(KEY, spec("a", "b", "c"))
    await asyncio.sleep(1)
    assert [ref.kind for _, ref in world.gateway.tried[since:]] == [Kind.UPSTREAM, Kind.UPSTREAM, Kind.ROUTE]
    assert world.gateway.breaches == []
    assert world.ready(KEY) == "True/Ready"
    await world.stop()


@pytest.mark.parametrize(
    "scenario",
    [
        _a_list_between_two_writes_lacks_an_upstream,
        _upstreams_come_first_and_go_last,
        _a_step_of_a_canary_is_one_write,
        _deleted,
        _deleted_while_the_operator_stops,
        _another_team_pins_one,
        _the_last_answer_is_lost,
        _somebody_deletes_an_upstream,
    ],
    ids=lambda scenario: scenario.__name__.strip("_"),
)
def test_several_objects(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    run_in_virtual_time(scenario())


def test_one_that_another_team_pins_is_told_in_the_log_and_by_a_metric(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, and again when it goes; its team can do nothing about it, so that it gets no Event."""
    events: list[str] = []
    monkeypatch.setattr(Silent, "operator", lambda self, severity, reason, message: events.append(reason))
    monkeypatch.setattr(Silent, "contested", lambda self, key: events.append(str(key)))

    async def play() -> None:
        world = await _world("a", "b")
        (pinned,) = upstreams(world)
        world.gateway.write_past_us(OTHERS, {"uri": "/theirs", "upstream_id": pinned})
        world.cluster.apply(KEY, spec("a"))
        await asyncio.sleep(WAIT + 1)
        assert REGISTRY.get_sample_value("echoroute_upstreams_in_use") == 0, "the gateway's own check lags by a moment"
        await asyncio.sleep(10 * DRIFT_INTERVAL)
        told = [one for one in caplog.records if "stays for now" in one.message]
        assert len(told) == 1
        assert str(KEY) in told[0].message
        assert f"route [{OTHERS.id}]" in told[0].message, "who is to let it go"
        assert REGISTRY.get_sample_value("echoroute_upstreams_in_use") == 1
        assert world.ready(KEY) == "True/Ready"
        del world.gateway.objects[OTHERS]
        await asyncio.sleep(20 * DRIFT_INTERVAL)
        assert REGISTRY.get_sample_value("echoroute_upstreams_in_use") == 0
        assert [one.levelname for one in caplog.records if "is left over no more" in one.message] == ["INFO"]
        await world.stop()

    with caplog.at_level(logging.INFO, logger="echoroute.engine.writer.leftovers"):
        run_in_virtual_time(play())
    assert events == []


@pytest.mark.parametrize("is_deleted", [False, True], ids=["edited", "deleted"])
@pytest.mark.parametrize("by_hand", [True, False], ids=["somebody removes it", "the term ends"])
def test_the_metric_counts_no_upstream_that_is_gone_or_that_is_not_ours_to_remove(
    by_hand: bool, is_deleted: bool
) -> None:
    async def play() -> None:
        world = await _world("a", "b")
        (pinned,) = upstreams(world)
        world.gateway.write_past_us(OTHERS, {"uri": "/theirs", "upstream_id": pinned})
        if is_deleted:
            world.cluster.delete(KEY)
        else:
            world.cluster.apply(KEY, spec("a"))
        await asyncio.sleep(20 * DRIFT_INTERVAL)
        assert REGISTRY.get_sample_value("echoroute_upstreams_in_use") == 1
        if by_hand:
            del world.gateway.objects[OTHERS], world.gateway.objects[ObjectRef(Kind.UPSTREAM, pinned)]
            await asyncio.sleep(11 * DRIFT_INTERVAL)
        else:
            await world.stop()
        assert REGISTRY.get_sample_value("echoroute_upstreams_in_use") == 0
        await world.stop()

    run_in_virtual_time(play())


_SPLITS = [("a",), ("a", "b"), ("b", "a"), ("a", "b", "c"), ("d", "c"), ("a", "d")]
_FAULTS = [Fault.DOWN, Fault.LOSES_ANSWERS, Fault.REFUSES_WRITES, Fault.REFUSES_LISTS, Fault.UNAUTHORIZED, Fault.NONE]
_steps = st.lists(
    st.tuples(st.just("apply"), st.sampled_from(KEYS), st.sampled_from(_SPLITS))
    | st.tuples(st.just("delete"), st.sampled_from(KEYS), st.just(()))
    | st.tuples(st.sampled_from(["restart", *_FAULTS]), st.just(KEY), st.just(())),
    max_size=12,
)
_waits = st.lists(st.sampled_from([0.0, 0.004, 0.3, 1.9, 2.5, 40.0]), min_size=12, max_size=12)


async def _step(world: World, what: str, key: Key, services: tuple[str, ...]) -> None:
    match what:
        case "apply":
            world.cluster.apply(key, {**spec(*services), "match": {"paths": [f"/{key}"]}})
        case "delete":
            world.cluster.delete(key)
        case "restart":
            await world.stop()
            world.start()
        case fault:
            world.gateway.fault = Fault(fault)


async def _played(steps: list[tuple[str, Key, tuple[str, ...]]], waits: list[float]) -> None:
    world = World.new()
    world.start()
    for step, wait in zip(steps, waits, strict=False):
        await _step(world, *step)
        await asyncio.sleep(wait)
    await world.heal()
    wanted: dict[ObjectRef, JsonObject] = {}
    for key in world.cluster.objects:
        bundle = evaluate(key, world.entry(key), owner=OWNER, policy=POLICY).bundle
        assert bundle is not None
        wanted |= bundle.objects
        assert world.ready(key) == "True/Ready"
    assert {ref: stored.body for ref, stored in world.gateway.objects.items()} == wanted
    assert world.gateway.breaches == []
    writes, patches = world.gateway.writes, world.cluster.patches
    await world.stop()
    world.start()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    assert (world.gateway.writes, world.cluster.patches) == (writes, patches), "a restart over what is as asked"
    await world.stop()


@given(steps=_steps, waits=_waits)
def test_whatever_happens_the_gateway_holds_exactly_the_bundles(
    steps: list[tuple[str, Key, tuple[str, ...]]], waits: list[float]
) -> None:
    """And no Route ever named an Upstream that was not there, nor was one deleted that a Route of ours names."""
    run_in_virtual_time(_played(steps, waits))
