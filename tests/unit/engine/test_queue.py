"""The queue: by priority, one worker per key, nothing lost that came while a key was in work."""

import asyncio
import random
from collections import Counter
from itertools import count

import pytest
from echoroute.core.objects import Key
from echoroute.engine.queue import PASSED_OVER, Item, Priority, WorkQueue

A, B, C = (Key("shop", name) for name in "abc")


async def take(queue: WorkQueue) -> Item:
    return await asyncio.wait_for(queue.get(), 1.0)


async def nothing_to_take(queue: WorkQueue) -> bool:
    waiting = asyncio.ensure_future(queue.get())
    for _ in range(3):
        await asyncio.sleep(0)
    if waiting.done():
        return False
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return True


async def test_most_urgent_first_then_first_come() -> None:
    queue = WorkQueue()
    for key, priority in ((A, Priority.BULK), (B, Priority.BULK), (C, Priority.CHANGE)):
        queue.add(key, priority)
    assert [await take(queue) for _ in range(3)] == [
        Item(C, Priority.CHANGE),
        Item(A, Priority.BULK),
        Item(B, Priority.BULK),
    ]


async def test_namespaces_take_turns_whatever_one_of_them_has_queued() -> None:
    queue = WorkQueue()
    for number in range(1_000):
        queue.add(Key("flood", f"r{number}"), Priority.CHANGE)
    ours, theirs = Key("lab", "ours"), Key("shop", "theirs")
    queue.add(ours, Priority.CHANGE)
    queue.add(theirs, Priority.CHANGE)
    first = [(await take(queue)).key for _ in range(5)]
    assert first == [Key("flood", "r0"), ours, theirs, Key("flood", "r1"), Key("flood", "r2")]


def waits_at_most(others: int) -> int:
    """How many turns others have before the only key of a priority, beside so many priorities that never end."""
    return PASSED_OVER + max(others - 1, 0)


@pytest.mark.parametrize("taken", range(2 * (PASSED_OVER + 1)))
@pytest.mark.parametrize("waiting", [(Priority.BULK,), (Priority.RETRY,), (Priority.RETRY, Priority.BULK)])
async def test_a_change_beside_a_bulk_is_next_or_next_but_one(waiting: tuple[Priority, ...], taken: int) -> None:
    queue = WorkQueue()
    for number in range(10_000):
        queue.add(Key("flood", f"r{number}"), waiting[number % len(waiting)])
    for _ in range(taken):
        await take(queue)
    queue.add(A, Priority.CHANGE)
    assert Item(A, Priority.CHANGE) in [await take(queue) for _ in range(2 if len(waiting) > 1 else 1)]


@pytest.mark.parametrize(
    ("endless", "turns"),
    [
        ((Priority.CHANGE,), (800, 0, 0)),
        ((Priority.BULK,), (0, 0, 800)),
        ((Priority.CHANGE, Priority.RETRY), (700, 100, 0)),
        ((Priority.CHANGE, Priority.BULK), (700, 0, 100)),
        ((Priority.RETRY, Priority.BULK), (0, 700, 100)),
        ((Priority.CHANGE, Priority.RETRY, Priority.BULK), (600, 100, 100)),
    ],
)
async def test_each_priority_has_its_share_of_the_turns(endless: tuple[Priority, ...], turns: tuple[int, ...]) -> None:
    queue, numbers = WorkQueue(), count()
    for priority in endless:
        queue.add(Key("flood", f"r{next(numbers)}"), priority)
    had = Counter[Priority]()
    for _ in range(800):
        item = await take(queue)
        had[item.priority] += 1
        queue.done(item.key)
        queue.add(Key("flood", f"r{next(numbers)}"), item.priority)
    assert [had[priority] for priority in Priority] == pytest.approx(turns, abs=2)


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("seed", range(20))
async def test_nothing_waits_for_ever_whatever_else_comes(priority: Priority, seed: int) -> None:
    chance, queue, numbers = random.Random(seed), WorkQueue(), count()  # noqa: S311 - a schedule, not a secret
    weights = [chance.random() for _ in Priority]
    waited = None
    for _ in range(500):
        for other in chance.choices(list(Priority), weights, k=chance.randrange(4)):
            if other is not priority:
                queue.add(Key("flood", f"r{next(numbers)}"), other)
        if waited is None and chance.random() < 0.2:
            queue.add(A, priority)
            waited = 0
        if not len(queue):
            continue
        item = await take(queue)
        queue.done(item.key)
        if item.key == A:
            waited = None
        elif waited is not None:
            waited += 1
            assert waited <= waits_at_most(others=len(Priority) - 1)
            assert waited <= 1 or priority is not Priority.CHANGE, "what is most urgent waits for one turn"


async def test_what_was_raised_leaves_no_claim_to_the_next_turn() -> None:
    queue = WorkQueue()
    queue.add(A, Priority.BULK)
    for number in range(2 * PASSED_OVER):
        queue.add(Key("flood", f"r{number}"), Priority.CHANGE)
    for _ in range(PASSED_OVER):
        assert (await take(queue)).priority is Priority.CHANGE
    queue.add(A, Priority.CHANGE)
    await take(queue)
    queue.add(B, Priority.BULK)
    assert {(await take(queue)).priority for _ in range(PASSED_OVER - 1)} == {Priority.CHANGE}


async def test_a_key_is_queued_once_at_its_highest_priority() -> None:
    queue = WorkQueue()
    queue.add(B, Priority.RETRY)
    for priority in (Priority.BULK, Priority.CHANGE, Priority.RETRY):
        queue.add(A, priority)
    assert len(queue) == 2
    assert await take(queue) == Item(A, Priority.CHANGE), "raised past b"
    assert await take(queue) == Item(B, Priority.RETRY)
    queue.done(A)
    queue.done(B)
    assert await nothing_to_take(queue), "the entries that were overtaken are no work"


async def test_a_key_in_work_is_not_given_to_a_second_worker_and_comes_again() -> None:
    queue = WorkQueue()
    queue.add(A, Priority.BULK)
    await take(queue)
    queue.add(A, Priority.BULK)
    queue.add(A, Priority.CHANGE)
    assert await nothing_to_take(queue)
    assert queue.busy(A)
    assert queue.due_in(A) == 0.0
    queue.done(A)
    assert await take(queue) == Item(A, Priority.CHANGE)
    queue.done(A)
    assert not queue.busy(A)
    assert await nothing_to_take(queue)


async def test_a_waiting_worker_is_woken_and_a_cancelled_one_takes_nothing_along() -> None:
    queue = WorkQueue()
    first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    first.cancel()
    queue.add(A, Priority.CHANGE)
    assert await asyncio.wait_for(second, 1.0) == Item(A, Priority.CHANGE)


async def test_of_several_times_the_earliest_counts() -> None:
    queue = WorkQueue()
    loop = asyncio.get_running_loop()
    queue.add_after(A, Priority.RETRY, 60.0)
    queue.add_after(A, Priority.CHANGE, 0.01)
    queue.add_after(A, Priority.BULK, 60.0)
    assert (len(queue), queue.busy(A)) == (0, True)
    assert 0.0 < queue.due_in(A) <= 0.01
    began = loop.time()
    assert await take(queue) == Item(A, Priority.CHANGE)
    assert loop.time() - began >= 0.009
    queue.done(A)
    assert not queue.busy(A), "and the others are gone"


async def test_an_add_does_not_take_the_later_time_away() -> None:
    queue = WorkQueue()
    queue.add_after(A, Priority.RETRY, 0.01)
    queue.add(A, Priority.CHANGE)
    assert (await take(queue)).priority is Priority.CHANGE
    queue.done(A)
    assert (await take(queue)).priority is Priority.RETRY


async def test_idle_means_nothing_queued_and_nothing_in_work() -> None:
    queue = WorkQueue()
    await asyncio.wait_for(queue.idle(), 1.0)
    queue.add(A, Priority.BULK)
    idle = asyncio.ensure_future(queue.idle())
    await take(queue)
    queue.add(A, Priority.BULK)
    queue.done(A)
    await asyncio.sleep(0)
    assert not idle.done(), "it came again"
    await take(queue)
    queue.done(A)
    await asyncio.wait_for(idle, 1.0)
    queue.add_after(B, Priority.RETRY, 60.0)
    await asyncio.wait_for(queue.idle(), 1.0)


async def test_many_workers_never_hold_one_key_twice_and_the_last_state_is_seen() -> None:
    queue = WorkQueue()
    keys = [Key("shop", str(number)) for number in range(5)]
    newest, seen = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    held: set[Key] = set()

    async def work() -> None:
        while True:
            key = (await queue.get()).key
            assert key not in held
            held.add(key)
            state = newest[key]
            await asyncio.sleep(0)
            seen[key] = state
            held.discard(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    for step in range(200):
        key = keys[step * 7 % 5]
        newest[key] = step
        queue.add(key, Priority(step % 3))
        if step % 3 == 0:
            await asyncio.sleep(0)
    await asyncio.wait_for(queue.idle(), 5.0)
    assert seen == newest
    assert not any(worker.done() for worker in workers)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
