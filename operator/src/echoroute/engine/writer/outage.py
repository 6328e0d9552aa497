"""Whether the gateway can be used, as three facts that fail apart: it answers, it takes writes, it could be listed.

- *Answers*: one small probe tells. While it fails, it is repeated with growing delays, and nothing else is asked.
- *Takes writes*: only a write tells. Once the writes of two EchoRoutes have failed with none between that worked, one
  write at a time is tried, with growing delays that a failure does not reset, and no sooner than `Retry-After` says.
  What fails where another one's write works is the fault of its own object: it backs off alone, and is no evidence.
- *Could be listed*: once, at the start; nothing is written before it is known what is there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

from echoroute.core.objects import Key
from echoroute.core.reasons import Reason
from echoroute.errors import GatewayError, GatewayUnauthorized, GatewayUnavailable
from echoroute.net.backoff import Backoff

log = logging.getLogger(__name__)

_LONGEST_WISH = 60.0
"""Seconds: a longer `Retry-After` is not believed."""


class Fact(IntEnum):
    """What can fail, in the order in which it is told."""

    ANSWERS = 0
    LISTED = 1
    TAKES_WRITES = 2


@dataclass(frozen=True, slots=True)
class Outage:
    """Why the gateway cannot be used, and since when (the event loop's time)."""

    reason: Reason
    message: str
    since: float


class OutageGate:
    """Open until one of the facts fails. `changed` is called when it opens, closes, or is closed for another reason.

    A worker waits for `passable`, takes what it has to do, and asks `enter`, which may have closed meanwhile. Then it
    says how it went: `wrote`, `failed`, or `leave`.
    """

    def __init__(self, probe: Callable[[], Awaitable[object]], changed: Callable[[], None]) -> None:
        self._probe = probe
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._broken: dict[Fact, GatewayError] = {}
        self._since = 0.0
        self._told: Reason | None = None
        self._passable = asyncio.Event()
        self._passable.set()
        self._answers = asyncio.Event()
        self._answers.set()
        self._prober: asyncio.Task[None] | None = None
        self._suspects: set[Key] = set()
        self._own_fault: set[Key] = set()
        self._trial: Key | None = None
        self._trial_backoff = Backoff(first=0.5, limit=8.0)
        self._trial_due = False
        self._trial_timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        return not self._broken

    @property
    def outage(self) -> Outage | None:
        """What is told of it; None while the gateway can be used."""
        if not self._broken:
            return None
        error = self._broken[min(self._broken)]
        return Outage(outage_reason(error), str(error), self._since)

    async def passable(self) -> None:
        """Return when a write may be tried."""
        await self._passable.wait()

    async def answers(self) -> None:
        """Return when the gateway answers, as far as anybody knows."""
        await self._answers.wait()

    def enter(self, key: Key) -> bool:
        """Whether a write of the key may be tried now; while writes fail, of one key at a time."""
        if not self._passable.is_set():
            return False
        if self._broken:
            self._trial = key
            self._refresh()
        return True

    def leave(self, key: Key, *, done: bool) -> None:
        """Nothing failed; `done` tells whether nothing is left to be written for the key, either."""
        if done:
            self._suspects.discard(key)
            self._own_fault.discard(key)
        if self._trial == key:
            self._trial = None
            if not self._suspects:
                self._mend(Fact.TAKES_WRITES)  # nobody is left who could not write
            self._refresh()

    def wrote(self, key: Key) -> None:
        """A write of the key has worked: what failed before it, and of others, is no outage."""
        self._own_fault |= self._suspects
        self._own_fault.discard(key)
        self._suspects.clear()
        self._trial = None
        self._trial_backoff.reset()
        self._mend(Fact.TAKES_WRITES)

    def failed(self, key: Key, error: GatewayError) -> None:
        """A write of the key has failed, for a reason that may be the gateway's."""
        tried, refused = self._trial == key, isinstance(error, GatewayUnauthorized)
        if key in self._own_fault and not tried and not refused:
            return
        self._suspects.add(key)
        known = Fact.TAKES_WRITES in self._broken
        if tried or (not known and (len(self._suspects) > 1 or refused)):
            self._try_later(error)
        if known or len(self._suspects) > 1 or refused:
            self._break(Fact.TAKES_WRITES, error)
        self._start_probing()

    def _try_later(self, error: GatewayError) -> None:
        self._trial, self._trial_due = None, False
        if self._trial_timer is not None:
            self._trial_timer.cancel()
        delay = max(self._trial_backoff.next(), wished_delay(error))
        self._trial_timer = self._loop.call_later(delay, self._let_one_try)

    def _let_one_try(self) -> None:
        self._trial_due = True
        self._refresh()

    async def find_out(self, error: GatewayError) -> bool:
        """Something that is no write has failed: whether the gateway answers all the same."""
        if Fact.ANSWERS in self._broken:
            return False
        try:
            await self._probe()
        except GatewayError as worse:
            error = worse
        else:
            return True
        self._break(Fact.ANSWERS, error)
        self._start_probing()
        return False

    async def ask(self) -> None:
        """Find out whether the gateway answers, before anything else is asked of it."""
        try:
            await self._probe()
        except GatewayError as error:
            self._break(Fact.ANSWERS, error)
            self._start_probing()

    def cannot_list(self, error: GatewayError) -> None:
        """The first list has failed, though the gateway answers."""
        self._break(Fact.LISTED, error)

    def could_list(self) -> None:
        self._mend(Fact.LISTED)

    def _start_probing(self) -> None:
        if self._prober is None or self._prober.done():
            self._prober = asyncio.create_task(self._probe_until_well(), name="gateway-probe")

    async def _probe_until_well(self) -> None:
        backoff = Backoff(first=0.25, limit=10.0)
        while True:
            try:
                await self._probe()
            except GatewayError as error:
                self._break(Fact.ANSWERS, error)
                await asyncio.sleep(max(backoff.next(), wished_delay(error)))
            else:
                self._mend(Fact.ANSWERS)
                return

    def _break(self, fact: Fact, error: GatewayError) -> None:
        if not self._broken:
            self._since = self._loop.time()
        self._broken[fact] = error
        self._refresh()
        self._tell()

    def _mend(self, fact: Fact) -> None:
        if self._broken.pop(fact, None) is not None:
            self._refresh()
            self._tell()

    def _refresh(self) -> None:
        one_may_try = self._broken.keys() == {Fact.TAKES_WRITES} and self._trial is None and self._trial_due
        _set(self._passable, not self._broken or one_may_try)
        _set(self._answers, Fact.ANSWERS not in self._broken)

    def _tell(self) -> None:
        outage = self.outage
        reason = outage.reason if outage else None
        if reason is self._told:
            return
        self._told = reason
        if outage is not None:
            log.error("the gateway takes no writes; trying again: %s", outage.message)
        else:
            log.warning("the gateway answers again after %.1f s", self._loop.time() - self._since)
        self._changed()

    async def aclose(self) -> None:
        if self._trial_timer is not None:
            self._trial_timer.cancel()
        if self._prober is not None:
            self._prober.cancel()
            await asyncio.gather(self._prober, return_exceptions=True)


def _set(event: asyncio.Event, on: bool) -> None:
    if on:
        event.set()
    else:
        event.clear()


def outage_reason(error: GatewayError) -> Reason:
    """The reason of a condition that an outage of the gateway gives."""
    return Reason.GATEWAY_UNAUTHORIZED if isinstance(error, GatewayUnauthorized) else Reason.GATEWAY_UNREACHABLE


def wished_delay(error: GatewayError) -> float:
    """For how many seconds the gateway wishes not to be asked again (`Retry-After`)."""
    wish = error.retry_after if isinstance(error, GatewayUnavailable) else None
    return min(wish or 0.0, _LONGEST_WISH)
