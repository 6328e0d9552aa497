"""The engine, put together. The whole loop, with the module that has each line:

list all EchoRoutes, watch them                      lists, watching ──▶ store: the newest of each key
a change: evaluate it, judge claims                  desired, table: what is asked for; progress.begin
for each term of office:                             writer/writer
    list the gateway, before all and each round      writer/rounds, rhythm ──▶ actual: what is there
        queue what differs; judge orphans            queue: namespaces in turn; writer/deletions: what may go
    worker: wait until the gateway can be used       writer/outage
        plan the key, write, settle it, remove rest  writer/gateway_lane, handover; progress.sent, settle, fail
    each step of progress marks the status           writer/status_lane: fold the facts, patch what changed
Consul's answers change facts                        discovery
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

from echoroute.engine.announcer import Announcer
from echoroute.engine.confirmation import Confirmation
from echoroute.engine.desired import DesiredSide
from echoroute.engine.lists import EchoRouteLists
from echoroute.engine.options import Options
from echoroute.engine.origin import OriginReader
from echoroute.engine.queue import Priority
from echoroute.engine.source import ServiceFollower, Source
from echoroute.engine.watching import Watching
from echoroute.engine.writer.writer import Writer
from echoroute.gateway.protocol import Gateway

_STALLED = 10.0
"""Seconds without progress of the first pass after which the watch is started all the same: a gateway may hang."""
_ELECTED = 1.0
"""Seconds after which a replica that does not lead stands by: it has no first pass."""
_LONGEST_WAIT = 30.0
"""Seconds after which it is started in any case; until then only rounds find what changes."""

Lead = Callable[[Callable[[], Awaitable[None]]], Coroutine[object, object, None]]
"""Decides when this process writes: calls the term that it is given when one begins, and cancels it at its end."""


async def always(term: Callable[[], Awaitable[None]]) -> None:
    """There is one replica: a single term for as long as it runs."""
    await term()


class Engine:
    """Made within a running event loop. `run` works until cancelled."""

    def __init__(
        self,
        *,
        options: Options,
        source: Source,
        gateway: Gateway,
        follower: ServiceFollower | None,
        announcer: Announcer,
    ) -> None:
        self._options = options
        self._source = source
        self._gateway = gateway
        self._announcer = announcer
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        self._confirmation = Confirmation(options.confirm_deletion)
        self._term_began = asyncio.Event()
        self.desired = DesiredSide(options, follower=follower, announcer=announcer, clock=self._clock)
        self.watching = Watching()
        self.lists = EchoRouteLists(
            lister=source,
            store=self.desired.store,
            clock=self._clock,
            follow=lambda transition: self.desired.follow(transition, Priority.BULK),
            watching=self.watching,
        )
        self.origin = OriginReader(source.read_origin, self._clock)
        self.writer: Writer | None = None
        """Who writes while a term of office lasts."""

    async def run(self, watch: Callable[[], Awaitable[None]], lead: Lead = always) -> None:
        """Work until cancelled; `watch` is one run of the watch, and may fail."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.lists.run(self._options.drift_interval), name="lists")
            tasks.create_task(self._learn_origin(), name="origin")
            tasks.create_task(self._lead(lead), name="lead")
            await self._handed_over()
            tasks.create_task(self.watching.keep(watch), name="watch")

    async def _lead(self, lead: Lead) -> None:
        await self.lists.first.wait()  # who does not know what is asked for is no candidate
        await lead(self._term)

    async def _term(self) -> None:
        """One term of office, until cancelled; what it knew of the gateway goes with it."""
        self.desired.forget_gateway()
        self.writer = self.desired.term = Writer(
            options=self._options,
            desired=self.desired,
            lists=self.lists,
            origin=self.origin,
            confirmation=self._confirmation,
            gateway=self._gateway,
            statuses=self._source,
            announcer=self._announcer,
            clock=self._clock,
        )
        self._term_began.set()
        self.desired.stand_by(standing_by=False)
        try:
            await self.writer.run()
        finally:
            self.writer = self.desired.term = None
            self.desired.stand_by(standing_by=True)

    def look_soon(self) -> None:
        """Do not wait for the next round: something happened that only a round can see."""
        if self.writer is not None:
            self.writer.rounds.soon()

    async def _learn_origin(self) -> None:
        await self.lists.first.wait()
        await self.origin.learn()

    async def _handed_over(self) -> None:
        """Return when the first pass is done: kopf's own LIST would compete with it for the CPU.

        It does not wait for a gateway that is away: changes are followed, and told in statuses, meanwhile. Where the
        EchoRoutes cannot be listed yet, the watch could not either, and would only say so a second time.
        """
        await self.lists.first.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ELECTED):
                await self._term_began.wait()
        writer = self.writer
        if writer is None:
            self.desired.stand_by(standing_by=True)
            return
        first_pass = asyncio.create_task(writer.first_pass())
        latest = self._clock() + _LONGEST_WAIT
        left = -1
        try:
            while not first_pass.done() and self._clock() < latest:
                before, left = left, writer.left
                if left == before:
                    return
                await asyncio.wait({first_pass}, timeout=_STALLED)
        finally:
            first_pass.cancel()
