"""How many queries are made at a time and in a second: lanes, each with a line of watches that wait for their query.

A query that waits for news holds a connection, and there are fewer of these than services may be in use. A query that
does not wait is for a service that has not answered yet, or whose last query failed; it holds up none that waits.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from echoroute.api.selection import Resolver
from echoroute.consul import metrics
from echoroute.consul.watch import Watch

Start = Callable[[Watch], asyncio.Task[None]]

# Queries are sent so many at a time: waking up for each one would double what they cost.
_BUNCH: Final = 5


class Line(Protocol):
    """Watches that wait for their query. The same one may be in it twice; the lane passes over what is not its own."""

    def add(self, watch: Watch, *, had_news: bool) -> None: ...

    def next(self) -> Watch | None: ...

    def gone(self, watch: Watch) -> None:
        """The query of a watch that was taken from the line has ended."""
        ...


class Lane:
    """Starts the queries of a line: at most `limit` at a time, and `per_second` of them (0: as many as there are)."""

    def __init__(self, line: Line, *, limit: int, per_second: int = 0, wait: float = 0.0) -> None:
        self.wait = wait
        """Seconds for which a query waits for news, where it waits."""
        self.limit = limit
        """Queries under way above it end in their own time."""
        self._line = line
        self._pause = 1 / per_second if per_second else 0.0
        self._under_way = 0
        self._wake = asyncio.Event()

    def add(self, watch: Watch, *, had_news: bool = False) -> None:
        """The watch waits here, and nowhere else, for its next query."""
        watch.lane = self
        self._line.add(watch, had_news=had_news)
        self._wake.set()

    async def run(self, answering: asyncio.Event, start: Start) -> None:
        """Start queries until cancelled; none while `answering` is not set."""
        started = 0
        while True:
            await answering.wait()
            watch = self._next() if self._under_way < self.limit else None
            if watch is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._under_way += 1
            watch.query = start(watch)
            # As a callback, since a task that is cancelled before it began runs none of its own code.
            watch.query.add_done_callback(partial(self._ended, watch))
            started += 1
            if started % _BUNCH == 0:
                await asyncio.sleep(self._pause * _BUNCH)

    def _next(self) -> Watch | None:
        while (watch := self._line.next()) is not None:
            if watch.lane is self and watch.query is None:
                return watch
            self._line.gone(watch)
        return None

    def _ended(self, watch: Watch, _: object) -> None:
        self._under_way -= 1
        self._line.gone(watch)
        self._wake.set()


class InOrder:
    """One after the other."""

    def __init__(self) -> None:
        self._waiting: deque[Watch] = deque()

    def add(self, watch: Watch, *, had_news: bool) -> None:
        self._waiting.append(watch)

    def next(self) -> Watch | None:
        return self._waiting.popleft() if self._waiting else None

    def gone(self, watch: Watch) -> None: ...


class ByDatacenter:
    """Datacenters in turn, of each at most `limit` at a time: one that hangs, or is unknown, delays its own alone.

    Those that have answered once come before all others, and of the others together only `strangers` are asked at a
    time: anybody can make up names by the thousand. The datacenter of the Consul that is asked is no stranger. Within
    one, what the operator resolves comes first: routes wait for it.
    """

    def __init__(self, limit: int, *, strangers: int) -> None:
        self._limit = limit
        self._most_strangers = strangers
        self._strangers = 0
        """Of the queries under way those to datacenters that have never answered."""
        self._answered = {""}
        self._known: _Waiting = {}
        self._unknown: _Waiting = {}
        self._under_way: Counter[str] = Counter()

    def add(self, watch: Watch, *, had_news: bool) -> None:
        datacenter = watch.service.datacenter
        waiting = self._known if datacenter in self._answered else self._unknown
        lines = waiting.setdefault(datacenter, (deque(), deque()))
        lines[0 if watch.resolved else 1].append(watch)

    def next(self) -> Watch | None:
        watch = self._take(self._known)
        if watch is None and self._strangers < self._most_strangers:
            watch = self._take(self._unknown)
            self._strangers += watch is not None
        return watch

    def _take(self, waiting: "_Waiting") -> Watch | None:
        for datacenter, (resolved, others) in waiting.items():
            if self._under_way[datacenter] < self._limit:
                watch = (resolved or others).popleft()
                lines = waiting.pop(datacenter)
                if resolved or others:
                    waiting[datacenter] = lines  # behind the other datacenters
                self._under_way[datacenter] += 1
                return watch
        return None

    def gone(self, watch: Watch) -> None:
        datacenter = watch.service.datacenter
        if datacenter not in self._answered:
            self._strangers -= 1
            if watch.instances is not None:
                self._meet(datacenter)
        self._under_way[datacenter] -= 1
        if not self._under_way[datacenter]:
            del self._under_way[datacenter]

    def _meet(self, datacenter: str) -> None:
        """It has answered, and is no stranger any more."""
        self._answered.add(datacenter)
        self._strangers -= self._under_way[datacenter] - 1  # the one that has ended is told of already
        if lines := self._unknown.pop(datacenter, None):
            self._known[datacenter] = lines


_Waiting = dict[str, tuple[deque[Watch], deque[Watch]]]
"""By datacenter: what the operator resolves, and the others."""


class InRotation:
    """What had news comes again soon, and at most every second turn: services that flap must not starve the calm.

    Of the calm ones three turns of four are for those that the operator resolves.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._news: deque[Watch] = deque()
        self._resolved: deque[Watch] = deque()
        self._others: deque[Watch] = deque()
        self._turn = 0

    def add(self, watch: Watch, *, had_news: bool) -> None:
        line = self._news if had_news else self._resolved if watch.resolved else self._others
        line.append(watch)

    def next(self) -> Watch | None:
        self._turn = (self._turn + 1) % 8
        calm = (self._others, self._resolved) if self._turn == 0 else (self._resolved, self._others)
        for line in (self._news, *calm) if self._turn % 2 else (*calm, self._news):
            if line:
                watch = line.popleft()
                if line is not self._news:
                    self._measure(watch)
                return watch
        return None

    def gone(self, watch: Watch) -> None: ...

    def _measure(self, watch: Watch) -> None:
        now = self._clock()
        if watch.turn_at is not None:
            metrics.lap(Resolver.OPERATOR if watch.resolved else Resolver.GATEWAY).set(now - watch.turn_at)
        watch.turn_at = now
