"""What is not wanted any more may lag behind: it holds up no write, no status and no other EchoRoute."""

import asyncio

from echoroute.core.objects import Kind, ObjectRef
from echoroute.core.ownership import labels
from echoroute.core.source import Origin
from echoroute.errors import SourceError

from .virtual_time import run_in_virtual_time
from .world import GOOD, KEYS, OTHER, OWNER, SPECS, World, ref_of

KEY = KEYS[0]


def test_a_write_waits_for_no_permit_to_delete() -> None:
    async def play() -> None:
        world = World.new()
        left_over = ObjectRef(Kind.UPSTREAM, f"{OWNER}.{KEY.namespace}.{KEY.name}.old")
        world.gateway.write_past_us(left_over, {"nodes": {}, "labels": labels(OWNER, KEY)})
        read, allowed = world.cluster.read_origin, asyncio.Event()

        async def read_if_allowed() -> Origin | None:
            if not allowed.is_set():
                raise SourceError("forbidden", status=403)
            return await read()

        world.cluster.read_origin = read_if_allowed  # type: ignore[method-assign,assignment]
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        world.start()
        await asyncio.sleep(3)
        world.cluster.apply(KEY, SPECS[OTHER](KEY))
        await asyncio.sleep(3)
        assert "enable_websocket" in world.gateway.objects[ref_of(KEY)].body
        assert world.ready(KEY) == "True/Ready"
        assert left_over in world.gateway.objects
        allowed.set()
        await asyncio.sleep(60)
        assert left_over not in world.gateway.objects, "and it goes as soon as it may"
        assert world.ready(KEY) == "True/Ready"
        await world.stop()

    run_in_virtual_time(play())
