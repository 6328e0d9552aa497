"""Somebody edits the Route of an EchoRoute whose newest spec the gateway does not come to hold: what it serves counts.

No write of it comes to tell, so that a list has to; a restart must not find another verdict.
"""

import asyncio

import pytest
from echoroute.core.objects import JsonObject, Key

from .resolving import Consul, spec
from .test_kept import condition
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, INVALID, REFUSED_BY_GATEWAY, SHARED, SPECS, World, ref_of

A, B = Key("lab", "a"), Key("shop", "b")

NOT_FOLLOWED: dict[str, JsonObject] = {
    "invalid": SPECS[INVALID](A),
    "rejected": SPECS[REFUSED_BY_GATEWAY](A),
    "waits for Consul": spec(A),
}


@pytest.mark.parametrize("why", NOT_FOLLOWED)
def test_a_hand_edit_gives_up_what_served(why: str) -> None:
    async def play() -> None:
        world = World.new()
        world.follower = Consul()
        world.start()
        for key in (A, B):
            world.cluster.apply(key, SPECS[SHARED](key))
            await asyncio.sleep(2)
        world.cluster.apply(A, NOT_FOLLOWED[why])
        await asyncio.sleep(DRIFT_INTERVAL)
        assert condition(world, A, "Programmed")[0] == "False"
        assert condition(world, B, "Accepted")[1] == "Conflicted", "A serves on"

        body = world.gateway.objects[ref_of(A)].body
        world.gateway.write_past_us(ref_of(A), {**body, "uri": "/by-hand"})
        await asyncio.sleep(DRIFT_INTERVAL + 2)
        assert world.gateway.objects[ref_of(B)].body["uri"] == "/shared"
        assert world.gateway.objects[ref_of(A)].body["uri"] == "/by-hand", "hands off"
        assert condition(world, B, "Programmed")[0] == "True"

        await world.stop()
        world.cluster.patches = world.gateway.writes = 0
        world.start()
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        tries = 1 if why == "rejected" else 0
        assert (world.gateway.writes, world.cluster.patches) == (tries, 0)
        await world.stop()

    run_in_virtual_time(play())
