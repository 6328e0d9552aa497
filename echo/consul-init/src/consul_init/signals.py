"""Stop signals in a process whose server is not ours: leave and drain first, then what would have happened.

Servers stop listening before they tell the application that they stop (uvicorn runs the lifespan's shutdown last),
which is too late for leaving. So the handlers that the server has installed are wrapped: a first signal makes us
leave and drain while the server knows nothing of it, and is then delivered to the handler that was there before.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from types import FrameType
from typing import Protocol

from consul_init.forks import forget_in_children
from consul_init.log import LOGGER, Log
from consul_init.settings import STOP_SIGNALS
from consul_init.threads import start_thread
from consul_init.wakeup import Wakeup

_DELIVER_AGAIN = 0.2
# Seconds within which a second signal is the same wish: supervisors signal the process and its group (dumb-init,
# systemd), and a terminal signals a server beside the parent that tells it to stop.
SAME_WISH = 1.0
# Modules whose handlers only wake an event loop, which keeps the real ones to itself: `loop.add_signal_handler`.
_LOOP_MODULES = ("asyncio", "uvloop", "rloop", "winloop")


class Leaver(Protocol):
    """Whoever is in Consul."""

    def leave(self) -> bool:
        """Deregister, drain, return."""


class WrappedSignals:
    """Wraps the handlers from `install` to `remove`, which must be called in the main thread.

    A second signal, if not within a second, goes to the handler that was there before at once. `stop_timeout` seconds
    after the first signal a SIGINT goes there too if `remove` has not been called by then: what an impatient person
    would do.
    """

    def __init__(
        self, leaver: Leaver, stop_timeout: float, log: Log = LOGGER, signals: Iterable[int] = STOP_SIGNALS
    ) -> None:
        self._leaver = leaver
        self._signals = tuple(signals)
        self._log = log
        self._stop_timeout = stop_timeout
        self._previous: dict[int, signal.Handlers | object] = {}
        self._wakeup = Wakeup()
        self._first_at: float | None = None
        self._delivering = False
        self._passed_on = 0
        self._process = os.getpid()
        self._removed = threading.Event()

    def install(self, *, server_handles_them: bool) -> bool:
        """False, with a line in the log that says what to do instead, where wrapping cannot work.

        `server_handles_them`: a server runs us and must have its handlers in place by now, as in an ASGI lifespan.
        """
        if threading.current_thread() is not threading.main_thread():
            self._log.warning(
                "started outside of the main thread, where signals cannot be handled: the service is registered, but"
                " leaves Consul only when the block or lifespan ends, without a drain"
            )
            return False
        handlers = {each: signal.getsignal(each) for each in self._signals}
        unhandled = server_handles_them and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        if unhandled or any(_belongs_to_a_loop(signal.getsignal(each)) for each in (signal.SIGTERM, signal.SIGINT)):
            self._log.error(
                "this server does not handle SIGTERM in a way that can be preceded (as Hypercorn and Granian, which"
                " use the event loop or a parent process): the service is registered, but leaves Consul too late."
                " Start it as 'consul-init run -- COMMAND...' and take consul_init out of the application"
            )
            return False
        # None: installed by something that is not Python, which alone can call it.
        kept = [each for each, handler in handlers.items() if handler in (signal.SIG_IGN, None)]
        kept += [each for each, handler in handlers.items() if _belongs_to_a_loop(handler)]
        self._previous = {each: handler for each, handler in handlers.items() if each not in kept}
        for each in self._previous:
            signal.signal(each, self._handle)
        self._wakeup.open()
        forget_in_children(self)
        start_thread(self._wait_and_leave, "signals")
        return True

    def were_replaced(self) -> bool:
        """Whether somebody has put other handlers in place of ours meanwhile; told in the log."""
        replaced = [signal.Signals(each).name for each in self._previous if signal.getsignal(each) != self._handle]
        if replaced:
            self._log.error(
                "%s was given another handler after consul_init's, so the service did not leave Consul before it was"
                " told to stop. Use Registered(handle_signals=False), and await leave_async() before the server stops",
                ", ".join(replaced),
            )
        return bool(replaced)

    def remove(self) -> None:
        """Put the former handlers back, where nobody has replaced ours meanwhile."""
        self._removed.set()
        self._restore()
        self._wakeup.close()

    def forget(self) -> None:
        """In a forked child, which has no thread of ours: signals do what they did before us."""
        self._wakeup.forget()
        self._restore()

    def _restore(self) -> None:
        for each, handler in self._previous.items():
            if signal.getsignal(each) == self._handle:
                signal.signal(each, handler)  # type: ignore[arg-type]  # what getsignal gave
        self._previous = {}

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._process != os.getpid():  # a child, between the fork and `forget`
            self._restore()
            signal.raise_signal(signum)
        elif self._delivering:
            self._pass_on(signum, frame)
        elif self._first_at is None:
            self._first_at = time.monotonic()
            self._wakeup.send(signum)
        elif time.monotonic() - self._first_at > SAME_WISH:
            self._pass_on(signum, frame)

    def _pass_on(self, signum: int, frame: FrameType | None) -> None:
        self._passed_on += 1
        previous = self._previous.get(signum)
        if callable(previous):
            previous(signum, frame)
        else:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
            # Still here: the first process of a container, which the kernel spares signals without a handler.
            sys.exit(128 + signum)

    def _wait_and_leave(self) -> None:
        signum = self._wakeup.wait_for(self._previous)
        if signum is not None:
            self._leave_then_pass_on(signum)
        self._wakeup.end()

    def _leave_then_pass_on(self, signum: int) -> None:
        end = time.monotonic() + self._stop_timeout
        self._log.info("received %s", signal.Signals(signum).name)
        self._leaver.leave()
        if not self._passed_on:
            self._deliver(signum)
        if not self._removed.wait(max(0.0, end - time.monotonic())):
            self._log.error(
                "still running %gs after the signal (SERVICE_STOP_TIMEOUT): stopping at once", self._stop_timeout
            )
            # Where SIGINT is ignored, as in a background job of a shell, it would do nothing.
            self._deliver(signal.SIGINT if signal.SIGINT in self._previous else signum)

    def _deliver(self, signum: int) -> None:
        """To our own handler, in the main thread, where handlers are meant to run.

        More than once where that is needed: a signal that comes just before the main thread begins to wait is seen
        after the wait only, unless another one ends it.
        """
        self._delivering = True
        before, main = self._passed_on, threading.main_thread().ident
        while main is not None and self._passed_on == before and not self._removed.is_set():
            signal.pthread_kill(main, signum)
            self._removed.wait(_DELIVER_AGAIN)


def _belongs_to_a_loop(handler: object) -> bool:
    if handler is signal.default_int_handler or not callable(handler):
        return False
    function = getattr(handler, "func", handler)  # asyncio.Runner installs functools.partial(self._on_sigint, ...)
    module = str(getattr(function, "__module__", "") or "")
    return module.partition(".")[0] in _LOOP_MODULES and getattr(function, "__name__", "") != "_on_sigint"
