"""A queue of keys by priority: one key is in the hands of one worker at most, and is never queued twice.

Within a priority namespaces take turns, so that a flood in one of them delays another's change by one turn, and not by
the flood. A less urgent priority has a share of the turns, so that a flood of what is more urgent delays it, and does
not keep it away.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum

from echoroute.core.objects import Key

PASSED_OVER = 7
"""Turns in a row in which a priority may be passed over while it waits; one of the next two is its own.

So what is less urgent costs the more urgent at most one turn in eight for each such priority. A change that finds no
other change before it waits for at most one turn of each.
"""


class Priority(IntEnum):
    """Why a key is dirty, most urgent first. The less urgent wait, but not for ever (`PASSED_OVER`)."""

    CHANGE = 0
    RETRY = 1
    BULK = 2


@dataclass(frozen=True, slots=True)
class Item:
    """A key that a worker has taken, with the priority that it had."""

    key: Key
    priority: Priority


class _Turns:
    """Keys of one priority: namespaces in turn, and the keys of one in the order in which they came."""

    def __init__(self) -> None:
        self._namespaces: OrderedDict[str, OrderedDict[Key, None]] = OrderedDict()
        self.passed_over = 0
        """In how many turns in a row others were taken while keys waited here."""

    def __bool__(self) -> bool:
        return bool(self._namespaces)

    def add(self, key: Key) -> None:
        self._namespaces.setdefault(key.namespace, OrderedDict())[key] = None

    def remove(self, key: Key) -> None:
        keys = self._namespaces[key.namespace]
        del keys[key]
        if not keys:
            del self._namespaces[key.namespace]

    def pop(self) -> Key:
        namespace, keys = next(iter(self._namespaces.items()))
        key, _ = keys.popitem(last=False)
        if keys:
            self._namespaces.move_to_end(namespace)
        else:
            del self._namespaces[namespace]
        return key


class WorkQueue:
    """`add` marks a key as dirty, `get` takes one, `done` gives it back; a key added meanwhile comes again.

    `add_after` adds it later; of several such times the earliest counts, and an `add` does not take it away.
    """

    def __init__(self) -> None:
        self._waiting = {priority: _Turns() for priority in Priority}
        self._queued: dict[Key, Priority] = {}
        self._taken: set[Key] = set()
        self._again: dict[Key, Priority] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """How many keys wait or are being worked on; those that wait for their time do not count."""
        return len(self._queued) + len(self._taken)

    def busy(self, key: Key) -> bool:
        """Whether the key waits, is being worked on, or waits for its time."""
        return self.due_in(key) < float("inf")

    def due_in(self, key: Key) -> float:
        """In how many seconds the key has its turn: 0 if it waits or is being worked on, infinite if it is idle."""
        if key in self._queued or key in self._taken:
            return 0.0
        timer = self._timers.get(key)
        return timer.when() - asyncio.get_running_loop().time() if timer else float("inf")

    def add(self, key: Key, priority: Priority) -> None:
        self._idle.clear()
        if key in self._taken:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        queued = self._queued.get(key)
        if queued is not None:
            if queued <= priority:
                return
            self._waiting[queued].remove(key)
        self._queued[key] = priority
        self._waiting[priority].add(key)
        self._wake.set()

    def add_after(self, key: Key, priority: Priority, delay: float) -> None:
        """Add the key in `delay` seconds."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + delay:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(delay, self._due, key, priority)

    def _due(self, key: Key, priority: Priority) -> None:
        self._timers.pop(key, None)
        self.add(key, priority)

    async def get(self) -> Item:
        """Take a key of the priority and the namespace whose turn it is; waits where there is none."""
        # Workers that never have to wait for anything would keep everything else in the loop from running.
        await asyncio.sleep(0)
        while True:
            if self._queued:
                priority = self._next()
                key = self._waiting[priority].pop()
                del self._queued[key]
                self._taken.add(key)
                return Item(key, priority)
            self._wake.clear()
            await self._wake.wait()

    def _next(self) -> Priority:
        """The most urgent priority of which a key waits, unless another one was passed over for too long."""
        waiting = [priority for priority, turns in self._waiting.items() if turns]
        longest = max(waiting, key=lambda priority: self._waiting[priority].passed_over)
        chosen = longest if self._waiting[longest].passed_over >= PASSED_OVER else waiting[0]
        for priority, turns in self._waiting.items():
            turns.passed_over = turns.passed_over + 1 if turns and priority is not chosen else 0
        return chosen

    def done(self, key: Key) -> None:
        """Give back a key that was taken."""
        self._taken.discard(key)
        priority = self._again.pop(key, None)
        if priority is not None:
            self.add(key, priority)
        elif not len(self):
            self._idle.set()

    async def idle(self) -> None:
        """Return when no key waits or is being worked on."""
        await self._idle.wait()
