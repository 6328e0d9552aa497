"""How a thread learns of a signal though the main thread, where Python's handlers run, sleeps on.

A signal that comes just before the main thread begins to wait for a lock is seen by its handler after that wait, which
may be never. What Python writes to a file descriptor at that moment is seen by our thread all the same
(https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd). Where an event loop has that already, it wakes the
main thread by itself.
"""

import contextlib
import os
import signal
from collections.abc import Container

# No signal has this number.
_CLOSED = 0


class Wakeup:
    """A pipe of signal numbers. All but `wait_for` is called in the main thread."""

    def __init__(self) -> None:
        self._read = self._write = -1

    def open(self) -> None:
        """Have Python write the signals that have a handler, unless somebody else has them written."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        others = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        if others != -1:
            signal.set_wakeup_fd(others)

    def send(self, signum: int) -> None:
        """Note a signal, from its handler."""
        with contextlib.suppress(OSError):
            os.write(self._write, bytes([signum]))

    def wait_for(self, signals: Container[int]) -> int | None:
        """The first of these signals; None once it is closed."""
        while True:
            for signum in os.read(self._read, 64) or bytes([_CLOSED]):
                if signum in signals:
                    return signum
                if signum == _CLOSED:
                    return None

    def close(self) -> None:
        """End `wait_for`. Nothing where it was never opened, as outside of the main thread."""
        if self._write == -1:
            return
        self._stop_writing()
        self.send(_CLOSED)
        self._write = _close(self._write)

    def end(self) -> None:
        """From the thread that waited, which is the last to need it."""
        self._read = _close(self._read)

    def forget(self) -> None:
        """In a forked child: what it is told must not reach the parent."""
        if self._write != -1:
            self._stop_writing()
        self._read, self._write = _close(self._read), _close(self._write)

    def _stop_writing(self) -> None:
        others = signal.set_wakeup_fd(-1)
        if others not in (-1, self._write):
            signal.set_wakeup_fd(others)


def _close(descriptor: int) -> int:
    if descriptor != -1:
        os.close(descriptor)
    return -1
