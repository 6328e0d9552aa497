"""What is not wanted any more may lag behind: it holds up no write, no status and no other EchoRoute."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from echoroute.core.changes import Change, Delete
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.ownership import labels
from echoroute.core.seen import Seen
from echoroute.core.source import Origin
from echoroute.errors import SourceError

from .virtual_time import run_in_virtual_time
from .world import DENIED, DRIFT_INTERVAL, GOOD, INVALID, KEYS, OTHER, OWNER, SPECS, World, ref_of

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


@pytest.mark.parametrize("kind", [INVALID, DENIED])
def test_a_permit_that_was_not_needed_is_none_for_another_reason(kind: str) -> None:
    """A removal waits for a read of the CRD, and somebody makes it by hand; much later the CRD is being deleted."""

    async def play() -> None:
        world = World.new()
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        world.start()
        await asyncio.sleep(2)
        stored = world.gateway.objects[ref_of(KEY)]
        world.cluster.hides_crd = True
        world.cluster.apply(KEY, SPECS[kind](KEY))
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        stray = ObjectRef(Kind.UPSTREAM, f"{ref_of(KEY).id}.stray") if kind == INVALID else ref_of(KEY)
        world.gateway.write_past_us(stray, {**stored.body, "labels": labels(OWNER, KEY)})
        await asyncio.sleep(DRIFT_INTERVAL + 5)
        del world.gateway.objects[stray]
        await asyncio.sleep(DRIFT_INTERVAL)
        world.cluster.hides_crd = False
        await asyncio.sleep(3 * DRIFT_INTERVAL)
        assert world.cluster.crd is not None
        world.cluster.crd = replace(world.cluster.crd, deleting=True)
        closed = {"serverless-pre-function": {"phase": "access"}}
        world.gateway.write_past_us(ref_of(KEY), {**stored.body, "plugins": closed})
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        assert ref_of(KEY) in world.gateway.objects, "nothing is deleted while the CRD goes"
        await world.stop()

    run_in_virtual_time(play())


def test_a_deletion_that_waits_for_its_turn_looks_again_whether_the_echoroute_was_named_anew() -> None:
    """There is a ceiling on writes; the watch is lost, and what a list names is not read yet."""

    async def play() -> None:
        world = World.new()
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        world.start()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        apply, read = world.gateway.apply, world.cluster.read

        async def apply_late(
            changes: Sequence[Change],
            *,
            before: Callable[[Change], None] | None = None,
            done: Callable[[Change], None] | None = None,
        ) -> None:
            await asyncio.sleep(8 if any(isinstance(change, Delete) for change in changes) else 0)
            await apply(changes, before=before, done=done)

        async def read_late(key: Key) -> Seen | None:
            await asyncio.sleep(15)
            return await read(key)

        world.gateway.apply, world.cluster.read = apply_late, read_late  # type: ignore[method-assign]
        world.cluster.delete(KEY)
        await asyncio.sleep(2.5)
        world.cluster.watchable(False)
        world.cluster.apply(KEY, SPECS[GOOD](KEY))
        for _ in range(25):
            await asyncio.sleep(1)
            assert ref_of(KEY) in world.gateway.objects
        await world.stop()

    run_in_virtual_time(play())
