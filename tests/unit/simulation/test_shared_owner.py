"""Two operators with one owner id: what may be the other's is held, and said, not deleted."""

import asyncio

import pytest
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import Key

from .gateway import SimulatedGateway
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, GOOD, OWNER, POLICY, SPECS, World, ref_of

OURS, THEIRS = Key("shop", "cart"), Key("lab", "pay")


def _written_by_the_other(world: World, gateway: SimulatedGateway) -> None:
    """What an operator with our owner id writes for its EchoRoute."""
    world.cluster.apply(THEIRS, SPECS[GOOD](THEIRS))
    bundle = evaluate(THEIRS, world.entry(THEIRS), owner=OWNER, policy=POLICY).bundle
    assert bundle is not None
    gateway.write_past_us(ref_of(THEIRS), dict(bundle.objects[ref_of(THEIRS)]))


@pytest.mark.parametrize(
    ("owner_given", "namespaces", "class_", "held", "why"),
    [
        (True, {"shop"}, "apisix", True, "its namespace is not ours: what is asked for there, nobody here knows"),
        (True, set(), "internal", True, "its EchoRoute is there, and another operator's"),
        (False, set(), "internal", False, "nobody else has a derived owner id: it is what an earlier life of it left"),
    ],
)
def test_what_may_be_anothers_is_held(
    owner_given: bool, namespaces: set[str], class_: str, held: bool, why: str
) -> None:
    async def play() -> None:
        world = World.new()
        world.owner_given, world.namespaces = owner_given, frozenset(namespaces)
        world.cluster.apply(OURS, SPECS[GOOD](OURS))
        _written_by_the_other(world, world.gateway)
        if class_ == "apisix":
            del world.cluster.objects[THEIRS]  # not in our lists
        else:
            world.cluster.apply(THEIRS, {**SPECS[GOOD](THEIRS), "gatewayClass": class_})
        world.start()
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        assert world.engine is not None
        assert (ref_of(THEIRS) in world.gateway.objects) is held, why
        assert ("lab/pay" in str(world.writer.rounds.held)) is held
        assert world.ready(OURS) == "True/Ready", "writes go on"
        await world.stop()

    run_in_virtual_time(play())
