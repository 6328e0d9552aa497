"""Signals as bytes in a pipe, for a process that is ours.

A Python signal handler runs between two instructions of the main thread. A signal that comes just before that thread
begins to wait would be seen only after the wait, which may be never. A byte in a pipe ends the wait
(https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd).
"""

import os
import select
import signal
from collections.abc import Iterable
from types import FrameType

# No signal has this number.
WOKEN = 0


class SignalPipe:
    """One for each process, made and read in the main thread."""

    def __init__(self, signals: Iterable[int]) -> None:
        """From here on these signals are caught, and none is lost."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        caught = tuple(signals)
        for each in caught:
            signal.signal(each, _nothing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, caught)  # main.py has held them back

    def wake(self) -> None:
        """Have `next` return WOKEN. From any thread."""
        os.write(self._write, bytes([WOKEN]))

    def next(self, timeout: float | None = None) -> int | None:
        """The next signal's number, or WOKEN; None after `timeout` seconds."""
        ready, _, _ = select.select([self._read], [], [], timeout)
        return os.read(self._read, 1)[0] if ready else None

    def wait(self) -> int:
        """The next signal's number."""
        return os.read(self._read, 1)[0]

    def arrived(self) -> list[int]:
        """What has arrived so far, without waiting."""
        events = []
        while (event := self.next(0.0)) is not None:
            events.append(event)
        return events


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    """Python writes to the pipe only for signals that have a handler."""
