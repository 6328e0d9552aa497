"""What is kept: an EchoRoute that cannot be used leaves in the gateway what is there, and says what that is."""

import asyncio
from dataclasses import replace

import pytest
from echoroute.api.objects import EchoRouteObject
from echoroute.api.spec import EchoRouteSpec
from echoroute.core import evaluate
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import labels
from echoroute.core.translate import translate

from .gateway import Fault
from .virtual_time import run_in_virtual_time
from .world import DENIED, DRIFT_INTERVAL, GOOD, INVALID, KEYS, OWNER, REFUSED_BY_GATEWAY, SOON, SPECS, World, ref_of

KEY = KEYS[0]


def condition(world: World, key: Key, type_: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition; empty where there is none."""
    conditions = EchoRouteObject.from_raw(world.cluster.objects[key]).status["conditions"]
    assert isinstance(conditions, list)
    found = [item for item in conditions if isinstance(item, dict) and item["type"] == type_]
    return (str(found[0]["status"]), str(found[0]["reason"]), str(found[0]["message"])) if found else ("", "", "")


def programmed(world: World) -> str:
    """The message of the condition Programmed."""
    return condition(world, KEY, "Programmed")[2]


async def _kept(kind: str = INVALID) -> World:
    world = World.new()
    world.cluster.apply(KEY, SPECS[GOOD](KEY))
    world.start()
    await asyncio.sleep(2.0)
    world.cluster.apply(KEY, SPECS[kind](KEY))
    await asyncio.sleep(3.0)
    return world


def test_the_status_says_whether_the_last_good_generation_is_there() -> None:
    async def play() -> None:
        world = await _kept()
        assert programmed(world) == "the last good generation stays in the gateway"
        gone = world.gateway.objects.pop(ref_of(KEY))
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert programmed(world) == "nothing serves: the gateway holds nothing of this EchoRoute"
        assert ref_of(KEY) not in world.gateway.objects, "hands off"
        world.gateway.write_past_us(ref_of(KEY), gone.body)
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert programmed(world) == "the last good generation stays in the gateway"
        await world.stop()

    run_in_virtual_time(play())


@pytest.mark.parametrize("restarts", [False, True])
def test_what_policy_refuses_by_now_is_withdrawn_though_the_spec_cannot_be_judged(*, restarts: bool) -> None:
    """The platform team has closed a plugin, or the operator is a newer version."""

    async def play() -> None:
        world = await _kept()
        body = world.gateway.objects[ref_of(KEY)].body
        closed: JsonObject = {"serverless-pre-function": {"phase": "access"}}
        await world.stop()
        world.gateway.write_past_us(ref_of(KEY), {**body, "plugins": {"traffic-split": {"rules": []}}})
        world.start()
        await asyncio.sleep(DRIFT_INTERVAL)
        assert programmed(world) == "the last good generation stays in the gateway"
        if restarts:
            await world.stop()
        world.gateway.write_past_us(ref_of(KEY), {**body, "plugins": closed})
        if restarts:
            world.start()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert ref_of(KEY) not in world.gateway.objects
        assert programmed(world) == "nothing serves: the gateway holds nothing of this EchoRoute"
        assert condition(world, KEY, "Accepted")[1] == "Invalid"
        told = condition(world, KEY, "Accepted")[2]
        assert "what served until now is withdrawn: spec.plugins.serverless-pre-function: is a closed plugin" in told
        await world.stop()

    run_in_virtual_time(play())


UPSTREAM = ObjectRef(Kind.UPSTREAM, f"{ref_of(KEY).id}.blue")


def _keeps_an_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each EchoRoute also asks for an Upstream of which nobody knows what is to be in it."""

    def translated(key: Key, spec: EchoRouteSpec, *, owner: str) -> Bundle:
        bundle = translate(key, spec, owner=owner)
        return replace(bundle, kept={ObjectRef(Kind.UPSTREAM, f"{bundle.route_id}.blue"): "the instances of 'blue'"})

    monkeypatch.setattr(evaluate, "translate", translated)


def test_one_object_of_a_bundle_may_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        _keeps_an_upstream(monkeypatch)
        world = World.new()
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        world.start()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        assert world.gateway.objects == {}, "no Route before the Upstream that it may name"
        assert world.ready(KEY) == "False/RefsNotResolved"
        assert "Consul has not told the instances of 'blue' yet" in programmed(world)
        world.gateway.write_past_us(UPSTREAM, {"nodes": [], "labels": labels(OWNER, KEY)})
        await asyncio.sleep(DRIFT_INTERVAL + 1)
        assert world.ready(KEY) == "True/Ready", "it is there, as after a restart, whatever is in it"
        for body in ({"nodes": {"10.0.0.1:80": 1}}, {"nodes": {}}):
            world.gateway.write_past_us(UPSTREAM, {**body, "labels": labels(OWNER, KEY)})
            writes = world.gateway.writes
            await asyncio.sleep(2 * DRIFT_INTERVAL)
            assert world.gateway.writes == writes, "hands off"
        world.cluster.delete(KEY)
        await asyncio.sleep(3)
        assert world.gateway.objects == {}
        await world.stop()

    run_in_virtual_time(play())


CLOSED: JsonObject = {"serverless-pre-function": {"phase": "access"}}
WITHDRAWN = "; what served until now is withdrawn: spec.plugins.serverless-pre-function: is a closed plugin"


def _close_a_plugin(world: World) -> None:
    """What the gateway holds of the key has a plugin that policy refuses."""
    body: JsonObject = {"uri": f"/{KEY}", "labels": labels(OWNER, KEY), "plugins": CLOSED}
    world.gateway.write_past_us(ref_of(KEY), body)


@pytest.mark.parametrize("restarts", [False, True])
def test_what_policy_refuses_by_now_is_withdrawn_though_the_gateway_rejects_what_would_replace_it(
    *, restarts: bool
) -> None:
    async def play() -> None:
        world = await _kept(REFUSED_BY_GATEWAY)
        assert (world.ready(KEY), ref_of(KEY) in world.gateway.objects) == ("False/GatewayRejected", True)
        world.gateway.tried.clear()
        if restarts:
            await world.stop()
        _close_a_plugin(world)
        if restarts:
            world.start()
        await asyncio.sleep(SOON if restarts else DRIFT_INTERVAL + SOON)
        assert ref_of(KEY) not in world.gateway.objects
        assert len(world.gateway.tried) == 1 + restarts, "the withdrawal is no reason to ask for the rejected one again"
        assert world.ready(KEY) == "False/GatewayRejected"
        if restarts:
            assert WITHDRAWN in programmed(world)
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        await asyncio.sleep(SOON)
        assert world.ready(KEY) == "True/Ready"
        assert ref_of(KEY) in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())


def test_what_policy_refuses_by_now_does_not_wait_for_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        _keeps_an_upstream(monkeypatch)
        world = World.new()
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        _close_a_plugin(world)
        world.start()
        await asyncio.sleep(SOON)
        assert world.gateway.objects == {}
        assert world.ready(KEY) == "False/RefsNotResolved"
        assert WITHDRAWN in programmed(world)
        world.gateway.write_past_us(UPSTREAM, {"nodes": [], "labels": labels(OWNER, KEY)})
        await asyncio.sleep(DRIFT_INTERVAL + SOON)
        assert world.ready(KEY) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())


def test_a_restart_does_not_say_it_again_in_other_words() -> None:
    async def play() -> None:
        for kind, there in ((INVALID, True), (INVALID, False), (DENIED, False)):
            world = await _kept(kind)
            if not there:
                world.gateway.objects.clear()
                await asyncio.sleep(DRIFT_INTERVAL + 1)
            await world.stop()
            patches = world.cluster.patches
            world.gateway.fault = Fault.DOWN
            world.start()
            await asyncio.sleep(DRIFT_INTERVAL)
            world.gateway.fault = Fault.NONE
            await asyncio.sleep(2 * DRIFT_INTERVAL)
            assert world.cluster.patches == patches, f"{kind}, in the gateway: {there}"
            await world.stop()

    run_in_virtual_time(play())
