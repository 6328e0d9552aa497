"""When the gateway is listed again. Each list is paid by users' requests, so there is a floor under whoever asks."""

import asyncio
from collections.abc import Callable

from echoroute.net.backoff import Backoff

LIST_SHARE = 0.01
"""At most this share of a gateway worker's time goes into our lists."""

LONGEST = 10
"""At most so many intervals from one round to the next: a list that took a minute must not put drift off for hours."""

FLOOR = 10.0
"""Seconds between two lists while something is wrong, whoever asks for one and whatever the interval."""

_AT_ONCE = 1.0
"""Seconds between two lists that are asked for while nothing is wrong."""

_CREDIT = 2
"""So many of these in an interval may be above the share: two lists that agree say that something is gone."""


class Rhythm:
    """A round each `interval` seconds; `soon` asks for one before its time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked = asyncio.Event()
        self._floor = _AT_ONCE
        self._credit = _CREDIT
        self._backoff = Backoff(first=FLOOR, limit=LONGEST * FLOOR)

    def soon(self, *, after_outage: bool = False) -> None:
        """Do not wait for the next interval: something happened that only a round can see."""
        self._floor = FLOOR if after_outage else _AT_ONCE
        self._asked.set()

    async def next(self, interval: float, *, began: float, cost: float | None) -> None:
        """Return when the next round is due, after one that began then and whose list took `cost` seconds or failed."""
        if cost is None:
            # From its end: a list that hung is not followed by the next at once.
            await asyncio.sleep(min(max(FLOOR, self._backoff.next()), max(FLOOR, interval)))
            return
        self._backoff.reset()
        regular = min(max(interval, cost / LIST_SHARE), LONGEST * interval)
        try:
            async with asyncio.timeout(max(began + regular - self._clock(), 0.1)):
                await self._asked.wait()
                self._asked.clear()  # who asks from now on has seen something that this round may be too early for
                await asyncio.sleep(began + max(self._floor, self._spacing(cost)) - self._clock())
        except TimeoutError:
            self._credit = _CREDIT

    def _spacing(self, cost: float) -> float:
        if self._credit:
            self._credit -= 1
            return 0.0
        return cost / LIST_SHARE
