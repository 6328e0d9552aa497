"""Events on their way from kopf's thread: one that fails stops no other, and nothing of an object gets into a log."""

import asyncio
import logging
import threading

import pytest
from echoroute.core.objects import JsonObject
from echoroute.kube.watch import Inbox


def _event(name: str) -> JsonObject:
    return {"metadata": {"namespace": "shop", "name": name}, "spec": {"plugins": {"csrf": {"key": "S3CRET-VALUE"}}}}


async def test_an_event_that_is_not_taken_is_named_and_its_values_are_not(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    taken: list[object] = []
    done = asyncio.Event()

    def deliver(raw: JsonObject, deleted: bool) -> None:
        if raw == _event("bad"):
            raise ValueError(f"cannot take {raw}")
        taken.append((raw, deleted))
        if deleted:
            done.set()

    inbox = Inbox(loop, deliver)

    def kopf() -> None:
        for name, deleted in (("a", False), ("bad", False), ("b", False), ("a", True)):
            inbox.put(_event(name), deleted)

    with caplog.at_level(logging.DEBUG):
        thread = threading.Thread(target=kopf)
        thread.start()
        await asyncio.wait_for(done.wait(), 5)
        thread.join()
    assert taken == [(_event("a"), False), (_event("b"), False), (_event("a"), True)], "in their order"
    [line] = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "shop/bad" in line
    assert "ValueError" in line
    assert "S3CRET" not in caplog.text


async def test_a_flood_of_events_lets_the_loop_do_its_other_work() -> None:
    taken = turns = 0

    def deliver(raw: JsonObject, deleted: bool) -> None:
        nonlocal taken
        taken += 1
        if taken < 100:
            inbox.put(raw, deleted)  # the next one is there before this one is done

    inbox = Inbox(asyncio.get_running_loop(), deliver)
    inbox.put(_event("a"), False)
    while taken < 100:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 50


def test_an_event_after_the_engines_loop_has_ended_raises_nothing() -> None:
    """kopf would log it with a traceback, at each end of the process that comes amid events."""
    loop = asyncio.new_event_loop()
    inbox = Inbox(loop, lambda raw, deleted: None)
    loop.close()
    inbox.put(_event("late"), False)
