"""Waiting to be the next that keeps an instance: the new worker of a reload, or one worker of several.

Gunicorn's HUP starts the new worker before it ends the old one, and of several workers only one keeps the instance. The
others wait for its end. One that has been told to stop itself gives up, and is no successor.
"""

import contextlib
import random
import socket
import threading
from collections.abc import Callable

from consul_init.control import LEFT, SUCCEED, WAITING, ControlServer
from consul_init.errors import ControlError, TakenError
from consul_init.log import Log
from consul_init.peers import REQUEST_TIMEOUT, is_trusted
from consul_init.threads import start_thread

# Seconds between two attempts where the keeper cannot be waited for.
_AGAIN = (0.5, 1.0)


class Succession:
    """From `start` until it has the control socket, or gives up."""

    def __init__(self, control: ControlServer, take_over: Callable[[], None], log: Log) -> None:
        self._control = control
        self._take_over = take_over
        self._log = log
        self._given_up = threading.Event()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None

    def start(self) -> None:
        """Begin to wait. `take_over` is called in a thread of ours, once."""
        start_thread(self._wait, "successor")

    def give_up(self) -> None:
        """We have been told to stop: `take_over` is not called after this, and who keeps the instance learns it."""
        with self._lock:
            self._given_up.set()
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """In a forked child: it is the parent that waits."""
        if self._connection is not None:
            self._connection.close()

    def _wait(self) -> None:
        while not self._given_up.is_set():
            try:
                with self._lock:
                    if self._given_up.is_set():
                        return
                    self._control.open()
                    self._take_over()
            except TakenError:
                if not self._wait_for_its_end():
                    self._given_up.wait(random.uniform(*_AGAIN))  # noqa: S311 - jitter, not a secret
            except ControlError as error:
                self._log.error("not registering: %s", error)
                return
            else:
                return

    def _wait_for_its_end(self) -> bool:
        """Whether it has waited, and the name may be free now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.settimeout(REQUEST_TIMEOUT)
                connection.connect(self._control.address)
                if not is_trusted(connection):
                    return False
                with self._lock:
                    self._connection = connection
                    if self._given_up.is_set():
                        return False
                connection.sendall(SUCCEED)
                with connection.makefile("rb") as answers:
                    told = answers.readline()
                    accepted = told == WAITING
                    if accepted:
                        connection.settimeout(None)
                        told = answers.readline()
            except OSError:
                return False
            finally:
                with self._lock:
                    self._connection = None
        if told == LEFT:
            self._log.info("the whole instance was told to leave: not taking over")
            self._given_up.set()
        return accepted
