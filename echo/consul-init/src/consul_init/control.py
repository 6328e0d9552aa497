"""The control socket: how `consul-init leave` reaches the keeper, and how a second keeper notices the first.

A unix socket. On Linux it has an abstract name (unix(7)): it needs no writable directory, belongs to the pod's network
namespace as the registered address does, and is gone with its process. Elsewhere it is a file. Each side
looks at who is on the other (SO_PEERCRED) and speaks with the same user or root only.

A successor (see succession.py) keeps its connection open while it waits, and closes it when it no longer wants to.
"""

import contextlib
import errno
import hashlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from consul_init.errors import ControlError, TakenError
from consul_init.peers import REQUEST_TIMEOUT, is_alive, is_trusted, peer, process_at
from consul_init.settings import LEAVE_BUDGET, Settings
from consul_init.siblings import starting_siblings
from consul_init.threads import start_thread

LEAVE, SUCCEED = b"leave\n", b"succeed\n"
WAITING, LEFT = b"waiting\n", b"left\n"
_ACCEPTED, _NOT_CONFIRMED = b"leaving\n", b"not confirmed\n"
# A signal that is sent to all workers reaches the successors a moment later than us, or before.
_SIGNALLED_TOO = 0.5
# Seconds between two attempts to accept where the process has no file descriptors left.
_ACCEPT_AGAIN = 1.0


def control_address(settings: Settings, service_id: str) -> str:
    """`CONSUL_INIT_SOCKET` (a path, or `@name` for an abstract one), else a name made from the service id."""
    if settings.control_socket is not None:
        chosen = settings.control_socket
        return f"\0{chosen[1:]}" if chosen.startswith("@") else chosen
    digest = hashlib.sha256(service_id.encode()).hexdigest()
    if sys.platform == "linux":
        return f"\0consul-init/{digest[:32]}"
    import tempfile  # noqa: PLC0415 - where there are no abstract names

    # Short: macOS has temporary directories of 49 characters, and takes 103 for the whole.
    return str(Path(tempfile.gettempdir()) / f"consul-init-{digest[:16]}-{os.getuid()}.sock")


class ControlServer:
    """Holds the socket while open: at most one keeper for each service id.

    `leave` is called for `consul-init leave`. With `hands_over`, other processes may wait to be the next.
    """

    def __init__(self, address: str, leave: Callable[[], bool], *, hands_over: bool = False) -> None:
        self.address = address
        self._leave = leave
        self._hands_over = hands_over
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._successors: set[socket.socket] = set()
        self._heard: set[int] = set()
        """Processes that have been successors, some of which were told to stop since."""
        self._changed = threading.Condition()
        self._free_for_the_next = False
        self._gone_for_good = False

    def open(self) -> None:
        """Raises TakenError when another keeper has the socket, with its process where that is known; else
        ControlError.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._bind(listener)
            listener.listen(16)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise TakenError(f"another process keeps this instance{process_at(self.address)}") from error
            raise ControlError(f"no control socket can be made (see CONSUL_INIT_SOCKET): {error}") from error
        self._listener = listener
        self._thread = start_thread(partial(self._serve, listener), "control")

    def close(self) -> None:
        """Free the name. A successor takes it at once."""
        listener, self._listener = self._listener, None
        if listener is None or self._thread is None:
            return
        if not self.address.startswith("\0"):
            Path(self.address).unlink(missing_ok=True)  # first: once we have closed, it may be our successor's
        # Closing alone does not wake a thread that waits in accept, and until it wakes the name is taken.
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(REQUEST_TIMEOUT)
        listener.close()
        with self._changed:
            for each in self._successors:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def has_successor(self) -> bool:
        """Whether another process wants to go on keeping this instance, and has not been told to stop as we have."""
        end = time.monotonic() + _SIGNALLED_TOO
        with self._changed:
            while self._successors and self._changed.wait(max(0.0, end - time.monotonic())):
                pass
            return bool(self._successors)

    def starting_successors(self) -> set[int]:
        """Processes that the server has started to go on serving, and that have not come so far as to tell us."""
        return starting_siblings() - self._heard if self._hands_over else set()

    def wait_for_successor(self, timeout: float) -> bool:
        """Whether there is one, which may come within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._successors), timeout)

    def free_for_the_next(self) -> None:
        """We have left: a successor gets the name at once, one that came while we left, too."""
        with self._changed:
            self._free_for_the_next = self._hands_over
            if self._free_for_the_next and self._successors:
                start_thread(self.close, "control")

    def forget(self) -> None:
        """In a forked child: the name and the connections are the parent's."""
        for each in (self._listener, *self._successors):
            if each is not None:
                each.close()
        self._listener, self._successors = None, set()

    def _bind(self, listener: socket.socket) -> None:
        if self.address.startswith("\0"):
            listener.bind(self.address)
            return
        path = Path(self.address)
        if path.is_socket() and not is_alive(self.address):
            path.unlink()  # left behind by a process that was killed
        listener.bind(self.address)
        path.chmod(0o600)  # before we listen, nobody can connect

    def _serve(self, listener: socket.socket) -> None:
        while self._listener is not None:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED):
                    return
                time.sleep(_ACCEPT_AGAIN)
                continue
            start_thread(partial(self._answer, connection), "control")

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(REQUEST_TIMEOUT)
            if not is_trusted(connection):
                return
            with connection.makefile("rb") as requests:
                request = requests.readline(16)
            if request == LEAVE:
                connection.sendall(_ACCEPTED)
                confirmed = self._leave()
                self._tell_successors()
                connection.sendall(LEFT if confirmed else _NOT_CONFIRMED)
            elif request == SUCCEED and self._hands_over:
                self._keep_successor(connection)

    def _keep_successor(self, connection: socket.socket) -> None:
        with self._changed:
            if self._listener is None:
                return
            connection.sendall(LEFT if self._gone_for_good else WAITING)
            self._successors.add(connection)
            self._heard |= {other[0] for other in [peer(connection)] if other is not None}
            self._changed.notify_all()
            if self._free_for_the_next:
                start_thread(self.close, "control")
        try:
            connection.settimeout(None)
            connection.recv(1)
        finally:
            with self._changed:
                self._successors.discard(connection)
                self._changed.notify_all()

    def _tell_successors(self) -> None:
        """The whole instance is to leave, them included."""
        with self._changed:
            self._gone_for_good = True
            for each in self._successors:
                with contextlib.suppress(OSError):
                    each.sendall(LEFT)


def ask_to_leave(address: str, *, wait: float | None) -> bool:
    """Have the keeper at `address` leave Consul. With `wait` (seconds for the drain), return when it has drained.

    False when Consul did not confirm the deregistration. Raises ControlError when no keeper answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(REQUEST_TIMEOUT)
            connection.connect(address)
            if not is_trusted(connection):
                raise ControlError("the control socket belongs to another user")
            connection.sendall(LEAVE)
            answers = connection.makefile("rb")
            accepted = answers.readline()
            if wait is None or accepted != _ACCEPTED:
                outcome = accepted
            else:
                connection.settimeout(wait + LEAVE_BUDGET + REQUEST_TIMEOUT)
                outcome = answers.readline()
        except OSError as error:
            raise ControlError(f"no keeper answers on the control socket: {error}") from error
    if not outcome:
        raise ControlError("the keeper ended before it answered")
    return outcome != _NOT_CONFIRMED
