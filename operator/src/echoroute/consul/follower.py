"""Follows the health of the services in use: one blocking query for each, with few connections and little CPU.

https://developer.hashicorp.com/consul/api-docs/features/blocking
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final

from echoroute.consul import metrics
from echoroute.consul.client import Answer, ConsulClient, is_supported
from echoroute.consul.watch import News, Watch
from echoroute.core.instances import Instance
from echoroute.errors import ConsulAccessDenied, ConsulError
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

# Consul allows a client 200 connections by default (limits.http_max_conns_per_client). Two replicas may share an
# address with others on this host, and who stands by needs no news within a second.
HELD_QUERIES: Final = 80
HELD_STANDING_BY: Final = 20

# With a query held for each service, one wait is this long (seconds): 80 services cost 1.3 requests a second, and a
# connection that died silently is found after a minute.
_LONG_WAIT: Final = 60

# With more services than held queries they take turns. A query costs 0.5 ms of CPU, and Consul as much, so 40 in a
# second are 2 % of a core; each service then has its turn every 2,000 / 40 = 50 s, or 250 s for 10,000. A change in
# between is answered at once when the turn comes, and what just changed is asked for again first. A wait of
# 80 queries / 40 = 2 s keeps all connections waiting, and the rate where it should be.
_TURNS_PER_SECOND: Final = 40
_SHORT_WAIT: Final = HELD_QUERIES // _TURNS_PER_SECOND

# First answers do not block, and statuses wait for them: 2,000 in 4 s, for a fifth of a core.
_FIRST_PER_SECOND: Final = 500

# Queries are sent so many at a time: waking up for each one would double what they cost.
_BUNCH: Final = 5

# A query on a service that Consul does not know wakes on changes of any other.
_EMPTY_WAKE: Final = 1.0

_FIRST_BACKOFF: Final = 1.0
_LONGEST_BACKOFF: Final = 30.0


class Follower:
    """Tells `on_instances` the instances of each followed service: as soon as they are known, then when they changed.

    `on_reachable` is told whether Consul answers: at first, and when that changed. While it does not, one request
    probes for all, and what was told of the services stays the last that is known. A service whose query alone fails is
    asked for again on its own, while the others go on; `on_failure` is called with it, and whether the token may not
    read it. Callbacks are plain functions, called in the loop that `run` runs in; what they raise ends it.
    """

    def __init__(
        self,
        client: ConsulClient,
        *,
        on_instances: Callable[[str, tuple[Instance, ...]], None],
        on_failure: Callable[[str, bool], None],
        on_reachable: Callable[[bool], None],
    ) -> None:
        self._client = client
        self._on_instances = on_instances
        self._on_failure = on_failure
        self._on_reachable = on_reachable
        self._watches: dict[str, Watch] = {}
        # Queries to be made: first answers go before turns, and turns alternate with what had news.
        self._first: deque[Watch] = deque()
        self._turns: deque[Watch] = deque()
        self._news: deque[Watch] = deque()
        self._news_next = False
        self._work = asyncio.Event()
        self._most = HELD_QUERIES
        self._slots = asyncio.Semaphore(self._most)
        self._reachable: bool | None = None
        # Cleared at the start, and while probes fail: nothing else is sent meanwhile.
        self._answering = asyncio.Event()
        self._probing = True
        self._failing: set[str] = set()
        # Of those that have begun to fail, until it is told.
        self._failed: list[ConsulError] = []
        self._backoff = _backoff()

    def follow(self, services: AbstractSet[str]) -> None:
        """Follow exactly `services` from now on."""
        took_turns = self._in_turns
        for service in self._watches.keys() - services:
            watch = self._watches.pop(service)
            _cut(watch)
            self._backoff.reset(watch)
            self._failing.discard(service)
        for service in services - self._watches.keys():
            self._watches[service] = watch = Watch(service)
            self._queue(watch)
        if self._in_turns and not took_turns:
            self._cut_all()  # the long waits under way would hold all connections
        metrics.services_followed.set(len(self._watches))

    def stand_by(self, *, standing_by: bool) -> None:
        """Hold fewer queries while another replica leads, and as many as ever once this one does."""
        most = HELD_STANDING_BY if standing_by else HELD_QUERIES
        for _ in range(most - self._most):
            self._slots.release()
        fewer, self._most = most < self._most, most
        if fewer:
            self._slots = asyncio.Semaphore(most)
            self._cut_all()

    def _cut_all(self) -> None:
        for watch in self._watches.values():
            _cut(watch)
            self._queue(watch)

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recover())
            for number in itertools.count(1):
                await self._work.wait()
                await self._answering.wait()
                slots = self._slots
                await slots.acquire()
                # Meanwhile there may be other ones, and fewer.
                watch, pause = self._next() if slots is self._slots else (None, 0.0)
                if watch is None:
                    slots.release()
                    continue
                watch.query = tasks.create_task(self._query(watch, tasks))
                # As a callback, since a task that is cancelled before it began runs none of its own code.
                watch.query.add_done_callback(partial(_release, slots))
                if number % _BUNCH == 0:
                    await asyncio.sleep(pause * _BUNCH)

    @property
    def _in_turns(self) -> bool:
        return len(self._watches) > self._most

    def _queue(self, watch: Watch, *, had_news: bool = False) -> None:
        if watch.queued or watch.query is not None or self._watches.get(watch.service) is not watch:
            return
        watch.queued = True
        queue = self._first if not watch.index else self._news if had_news else self._turns
        queue.append(watch)
        self._work.set()

    def _next(self) -> tuple[Watch | None, float]:
        """Take the next watch, and the seconds until the one after it."""
        # What had news comes again soon, and at most every second turn: services that flap must not starve the calm.
        self._news_next = not self._news_next
        turns = (self._news, self._turns) if self._news_next else (self._turns, self._news)
        for queue in (self._first, *turns):
            while queue:
                watch = queue.popleft()
                watch.queued = False
                if self._watches.get(watch.service) is watch:
                    return watch, 1 / (_FIRST_PER_SECOND if queue is self._first else _TURNS_PER_SECOND)
        self._work.clear()
        return None, 0.0

    async def _query(self, watch: Watch, tasks: asyncio.TaskGroup) -> None:
        """Ask once, tell what changed, and see to the next query."""
        loop = asyncio.get_running_loop()
        wait = _SHORT_WAIT if self._in_turns else _LONG_WAIT
        news, again_in = False, 0.0
        try:
            answer = await self._client.health(watch.service, index=watch.index, wait=wait, stale=not watch.sure)
        except ConsulError as error:
            again_in = self._backoff.next(watch)
            watch.fail()
            self._on_failure(watch.service, isinstance(error, ConsulAccessDenied))
            self._suspect(watch.service, error, tasks)
        else:
            self._backoff.reset(watch)
            self._failing.discard(watch.service)
            news = self._learn(watch, answer)
            if not news:
                # The first of them costs no time: a registration wakes twice, and the second wake is the news.
                again_in = max(0.0, watch.empty_wake_at + _EMPTY_WAKE - loop.time())
                watch.empty_wake_at = loop.time() + again_in
        watch.query = None
        if again_in:
            loop.call_later(again_in, self._queue, watch)
        else:
            self._queue(watch, had_news=news)

    def _learn(self, watch: Watch, answer: Answer) -> bool:
        """Take an answer; False if it said nothing new."""
        loop = asyncio.get_running_loop()
        news = watch.take(answer, loop.time())
        if news is News.KNOWN:
            self._on_instances(watch.service, watch.instances or ())
        elif news is News.DOUBTFUL:
            loop.call_at(watch.doubted_until, self._believe, watch)
        return news is not News.NONE

    def _believe(self, watch: Watch) -> None:
        loop = asyncio.get_running_loop()
        if self._watches.get(watch.service) is not watch:
            return
        if loop.time() < watch.doubted_until:
            loop.call_at(watch.doubted_until, self._believe, watch)
        elif watch.believe():
            self._on_instances(watch.service, ())

    def _suspect(self, service: str, error: ConsulError, tasks: asyncio.TaskGroup) -> None:
        """Find out whether Consul is away or this one query failed; meanwhile the others go on."""
        if service not in self._failing:
            self._failing.add(service)
            self._failed.append(error)
        if not self._probing:
            self._probing = True
            tasks.create_task(self._recover())

    async def _recover(self) -> None:
        backoff = _backoff()
        while True:
            try:
                version = await self._client.probe()
                break
            except ConsulError as error:
                self._answering.clear()
                if self._reachable is not False:
                    log.warning("%s; what is known about its services stays until it answers", error)
                    self._reached(reachable=False)
                await asyncio.sleep(backoff.next())
        if self._reachable is None:
            log.info("Consul %s answers", version or "of an unknown version")
            if not is_supported(version):
                log.warning("Consul %s is older than this operator supports", version)
        elif self._reachable is False:
            log.info("Consul answers again")
            self._start_over()
        elif self._failed:
            log.warning("Consul answers, but %d queries failed, such as: %s", len(self._failed), self._failed[0])
        self._failed.clear()
        self._probing = False
        self._reached(reachable=True)
        self._answering.set()

    def _start_over(self) -> None:
        """Ask for everything anew: it may be another Consul, with other services and lower indexes."""
        self._first.clear()
        self._news.clear()
        self._turns.clear()
        self._backoff = _backoff()
        for watch in self._watches.values():
            watch.fail()
            watch.queued = False
            self._queue(watch)

    def _reached(self, *, reachable: bool) -> None:
        if reachable is not self._reachable:
            self._reachable = reachable
            metrics.up.set(reachable)
            self._on_reachable(reachable)


def _release(slots: asyncio.Semaphore, _: object) -> None:
    slots.release()


def _cut(watch: Watch) -> None:
    """End the query under way, which ends its connection."""
    if watch.query is not None:
        watch.query.cancel()
        watch.query = None


def _backoff() -> Backoff:
    return Backoff(first=_FIRST_BACKOFF, limit=_LONGEST_BACKOFF)
