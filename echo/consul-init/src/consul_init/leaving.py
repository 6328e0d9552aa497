"""Leaving well: out of Consul first, then a while of serving on, because gateways need time to notice."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from consul_init.keeper import Keeper
from consul_init.threads import start_thread

T = TypeVar("T")


class Leaving:
    """Deregister, then drain; once, whoever asks and however often (a signal, the control socket, the application)."""

    def __init__(self, keeper: Keeper, drain: float) -> None:
        self._keeper = keeper
        self._drain = drain
        self._lock = threading.Lock()
        self._drained_at: float | None = None

    @property
    def begun(self) -> bool:
        """Whether anybody has asked."""
        return self._keeper.is_leaving

    def leave(self) -> bool:
        """Return once the drain time since the first deregistration is over.

        False when Consul did not confirm. Takes at most LEAVE_BUDGET seconds and the drain time, also when
        Consul hangs.
        """
        confirmed = self._keeper.leave()
        if self._keeper.anything_was_sent:
            self.drain()
        return confirmed

    def drain(self) -> None:
        """Return once the drain time since the first call is over."""
        with self._lock:
            if self._drained_at is None:
                self._drained_at = time.monotonic() + self._drain
                self._keeper.log.info("draining for %gs: the server goes on answering", self._drain)
        time.sleep(max(0.0, self._drained_at - time.monotonic()))


async def in_daemon_thread(function: Callable[[], T]) -> T:
    """Await a blocking function. asyncio.to_thread would hold up the end of the loop until the function returns,
    and with it the second signal, which is to stop at once.
    """
    import asyncio  # noqa: PLC0415 - who awaits has it; who does not, as the wrapper, need not pay for it

    outcome = Future[T]()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(function())
        except Exception as error:  # noqa: BLE001 - told to whoever awaits it
            outcome.set_exception(error)

    start_thread(run, "leave")
    return await asyncio.wrap_future(outcome)
