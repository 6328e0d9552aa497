"""A steady stream of requests, counted one by one."""

import asyncio
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=5)


class Load:
    """As a context manager: sends `rate` requests each second to `url`, whether or not the last were answered."""

    def __init__(self, url: str, rate: float) -> None:
        self._url = url
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.outcomes: Counter[str] = Counter()
        self.failures: list[tuple[float, str]] = []
        """When (time.monotonic) and what."""
        self.seconds = 0.0

    @property
    def sent(self) -> int:
        return self.outcomes.total()

    async def _run(self) -> None:
        began = time.monotonic()
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session,
            asyncio.TaskGroup() as tasks,
        ):
            number = 0
            while not self._stop.is_set():
                due = began + number / self._rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                tasks.create_task(self._request(session))
                number += 1
        self.seconds = time.monotonic() - began

    async def _request(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.get(self._url) as answer:
                await answer.read()
                outcome = str(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            outcome = type(error).__name__
        self.outcomes[outcome] += 1
        if outcome != "200":
            self.failures.append((time.monotonic(), outcome))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
