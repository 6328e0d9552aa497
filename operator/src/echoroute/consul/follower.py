"""Follows the health of the services in use: one blocking query for each, with few connections and little CPU.

https://developer.hashicorp.com/consul/api-docs/features/blocking

Where all services have a query of their own, each waits for its news in it. With more of them than queries may be held,
those that the operator resolves have one each, as long as they are few enough, and the others take turns.
"""

import asyncio
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from enum import Enum, auto
from functools import partial
from typing import Final

from echoroute.api.selection import Service
from echoroute.consul import metrics
from echoroute.consul.client import Answer, ConsulClient
from echoroute.consul.lanes import ByDatacenter, InOrder, InRotation, Lane
from echoroute.consul.presence import Presence, backoff
from echoroute.consul.watch import News, Watch
from echoroute.core.instances import Instance
from echoroute.errors import ConsulError

# Consul allows a client 200 connections by default (limits.http_max_conns_per_client). Two replicas may share an
# address with others on this host, and who stands by needs no news within a second.
HELD_QUERIES: Final = 80
HELD_STANDING_BY: Final = 20

# First answers do not block, and statuses and routes wait for them: 2,000 in 4 s, for a fifth of a core. One that
# hangs, in a datacenter that is away, holds its connection for ten seconds.
_FIRST_PER_SECOND: Final = 500
_FIRST_AT_A_TIME: Final = 40
_FIRST_OF_A_DATACENTER: Final = 10
_FIRST_OF_STRANGERS: Final = 20
"""Of all datacenters together that have not answered yet."""

# With a query held for each service, one wait is this long (seconds): 80 services cost 1.3 requests a second, and a
# connection that died silently is found after a minute.
_LONG_WAIT: Final = 60.0

# With more services than held queries they take turns. A query costs 0.5 ms of CPU, and Consul as much, so 40 in a
# second are 2 % of a core; each service then has its turn every 2,000 / 40 = 50 s, or 250 s for 10,000. A change in
# between is answered at once when the turn comes, and what just changed is asked for again first. A wait of
# 80 queries / 40 = 2 s keeps all connections waiting, and the rate where it should be.
_TURNS_PER_SECOND: Final = 40

# Where all queries are held by others, those that take turns have so many connections, and do not wait for news.
_TURNS_AT_LEAST: Final = 2
_NO_WAIT: Final = 0.001

# Who takes turns holds a query again once there has been room for so long (seconds). A number of services that goes up
# and down around the limit would otherwise cut all queries each time.
_ROOM_FOR: Final = 10.0

# A service that flaps is asked for so often: a change is known after this at most, and 80 such services cost a tenth of
# a core.
_NEWS_PACE: Final = 0.25

# A query on a service that Consul does not know wakes on changes of any other.
_EMPTY_WAKE: Final = 1.0

MOST_CONNECTIONS: Final = HELD_QUERIES + _TURNS_AT_LEAST + _FIRST_AT_A_TIME + 1
"""The last one is for the probe that finds out whether Consul is back."""


class _Holders(Enum):
    """Whose queries are held until they have news; those of most services first."""

    ALL = auto()
    RESOLVED = auto()
    NONE = auto()


class Follower:
    """Tells `on_instances` the instances of each followed service: as soon as they are known, then when they changed.

    `on_reachable` is told whether Consul answers: at first, and when that changed. While it does not, one request
    probes for all, and what was told of the services stays the last that is known. A service whose query alone fails is
    asked for again on its own, while the others go on; `on_failure` is called with it, and the error. Callbacks are
    plain functions, called in the loop that `run` runs in; what they raise ends it.
    """

    def __init__(
        self,
        client: ConsulClient,
        *,
        on_instances: Callable[[Service, tuple[Instance, ...]], None],
        on_failure: Callable[[Service, ConsulError], None],
        on_reachable: Callable[[bool], None],
    ) -> None:
        self._client = client
        self._on_instances = on_instances
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._presence = Presence(client.probe, on_return=self._start_over, on_reachable=on_reachable)
        self._watches: dict[Service, Watch] = {}
        self._most = HELD_QUERIES
        self._holders = _Holders.ALL
        self._room: asyncio.TimerHandle | None = None
        """While there is room to hold the queries of more."""
        # Those that have an index to wait behind, and of them those that the operator resolves.
        self._waiting: set[Service] = set()
        self._waiting_resolved: set[Service] = set()
        by_datacenter = ByDatacenter(_FIRST_OF_A_DATACENTER, strangers=_FIRST_OF_STRANGERS)
        self._first = Lane(by_datacenter, limit=_FIRST_AT_A_TIME, per_second=_FIRST_PER_SECOND)
        self._held = Lane(InOrder(), limit=HELD_QUERIES, wait=_LONG_WAIT)
        self._turns = Lane(InRotation(self._loop.time), limit=_TURNS_AT_LEAST, per_second=_TURNS_PER_SECOND)
        self._backoff = backoff()

    def follow(self, service: Service, *, resolved: bool = False) -> None:
        """Follow it from now on; `resolved` is whether the operator resolves it."""
        watch = self._watches.get(service)
        if watch is None:
            watch = self._watches[service] = Watch(service, resolved=resolved)
            self._queue(watch)
        elif watch.resolved is not resolved:
            watch.resolved = resolved
            self._count(watch)
            self._move(watch)
        metrics.services_followed.set(len(self._watches))

    def forget(self, service: Service) -> None:
        """Follow it no longer."""
        watch = self._watches.pop(service, None)
        if watch is not None:
            _cut(watch)
            self._backoff.reset(watch)
            self._presence.works(service)
            self._count(watch)
        metrics.services_followed.set(len(self._watches))

    def stand_by(self, *, standing_by: bool) -> None:
        """Hold fewer queries while another replica leads, and as many as ever once this one does."""
        self._most = HELD_STANDING_BY if standing_by else HELD_QUERIES
        self._let_hold(self._fitting())

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._presence.run())
            for lane in (self._first, self._held, self._turns):
                tasks.create_task(lane.run(self._presence.answering, partial(self._start, tasks, lane)))

    def _start(self, tasks: asyncio.TaskGroup, lane: Lane, watch: Watch) -> asyncio.Task[None]:
        watch.asked_at = self._loop.time()
        return tasks.create_task(self._query(watch, lane.wait))

    def _count(self, watch: Watch) -> None:
        """Take note of whether a watch waits for news, and who resolves it."""
        waits = watch.index and self._watches.get(watch.service) is watch
        for group, belongs in ((self._waiting, waits), (self._waiting_resolved, waits and watch.resolved)):
            if belongs:
                group.add(watch.service)
            else:
                group.discard(watch.service)
        self._share_out()

    def _share_out(self) -> None:
        """Decide whose queries are held: at once where they are too many, and later where there is room again."""
        fitting = self._fitting()
        if fitting.value >= self._holders.value:
            self._let_hold(fitting)
            return
        self._give_turns_the_rest()
        if self._room is None:
            self._room = self._loop.call_later(_ROOM_FOR, lambda: self._let_hold(self._fitting()))

    def _fitting(self) -> _Holders:
        """The most that there are queries for."""
        fits = (each for each in _Holders if each is _Holders.NONE or len(self._group(each)) <= self._most)
        return next(fits)

    def _group(self, holders: _Holders) -> AbstractSet[Service]:
        match holders:
            case _Holders.ALL:
                return self._waiting
            case _Holders.RESOLVED:
                return self._waiting_resolved
            case _Holders.NONE:
                return frozenset()

    def _let_hold(self, holders: _Holders) -> None:
        """The queries of these are held, and the others take turns."""
        if self._room is not None:
            self._room.cancel()
            self._room = None
        changes, self._holders = holders is not self._holders, holders
        self._give_turns_the_rest()
        if changes:
            metrics.no_laps()
            for watch in self._watches.values():
                watch.turn_at = None
                self._move(watch)

    def _give_turns_the_rest(self) -> None:
        left = self._most - len(self._group(self._holders))
        self._turns.limit, self._turns.wait = max(left, _TURNS_AT_LEAST), max(left / _TURNS_PER_SECOND, _NO_WAIT)

    def _lane(self, watch: Watch) -> Lane:
        """Where a watch waits for its next query."""
        if not watch.index:
            return self._first
        is_held = self._holders is _Holders.ALL or (self._holders is _Holders.RESOLVED and watch.resolved)
        return self._held if is_held else self._turns

    def _queue(self, watch: Watch, *, had_news: bool = False) -> None:
        if watch.lane is None and self._watches.get(watch.service) is watch:
            self._lane(watch).add(watch, had_news=had_news)

    def _move(self, watch: Watch) -> None:
        """It may have to wait in another lane. A long wait that is under way would hold a connection of others."""
        if watch.lane is None or watch.lane is self._lane(watch) or (watch.query and watch.lane is not self._held):
            return
        _cut(watch)
        self._queue(watch)

    async def _query(self, watch: Watch, wait: float) -> None:
        """Ask once, tell what changed, and see to the next query."""
        try:
            answer = await self._client.health(watch.service, index=watch.index, wait=wait, stale=not watch.sure)
        except ConsulError as error:
            watch.query = watch.lane = None
            watch.fail()
            self._presence.failed(watch.service, error)
            self._on_failure(watch.service, error)
            news, again_in = False, self._backoff.next(watch)
        else:
            watch.query = watch.lane = None
            self._backoff.reset(watch)
            self._presence.works(watch.service)
            news = self._learn(watch, answer)
            again_in = self._pause(watch, had_news=news)
        self._count(watch)
        if again_in > 0:
            self._loop.call_later(again_in, partial(self._queue, watch, had_news=news))
        else:
            self._queue(watch, had_news=news)

    def _learn(self, watch: Watch, answer: Answer) -> bool:
        """Take an answer; False if it said nothing new."""
        news = watch.take(answer, self._loop.time())
        if news is News.KNOWN:
            self._on_instances(watch.service, watch.instances or ())
        elif news is News.DOUBTFUL:
            self._loop.call_at(watch.doubted_until, self._believe, watch)
        return news is not News.NONE

    def _pause(self, watch: Watch, *, had_news: bool) -> float:
        """For how many seconds a watch is not asked for again."""
        now = self._loop.time()
        if had_news:
            return watch.asked_at + _NEWS_PACE - now
        # The first of them costs no time: a registration wakes twice, and the second wake is the news.
        pause = max(0.0, watch.empty_wake_at + _EMPTY_WAKE - now)
        watch.empty_wake_at = now + pause
        return pause

    def _believe(self, watch: Watch) -> None:
        if self._watches.get(watch.service) is not watch:
            return
        if self._loop.time() < watch.doubted_until:
            self._loop.call_at(watch.doubted_until, self._believe, watch)
        elif watch.believe():
            self._on_instances(watch.service, ())

    def _start_over(self) -> None:
        """Ask for everything anew: it may be another Consul, with other services and lower indexes."""
        self._backoff = backoff()
        for watch in self._watches.values():
            _cut(watch)
            watch.fail()
            self._count(watch)
            self._queue(watch)


def _cut(watch: Watch) -> None:
    """Take it out of its lane, and end the query under way, which ends its connection."""
    if watch.query is not None:
        watch.query.cancel()
    watch.query = watch.lane = None
