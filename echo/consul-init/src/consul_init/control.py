"""The control socket: how `consul-init leave` reaches the keeper, and how a second keeper notices the first.

A unix socket. On Linux it has an abstract name (unix(7)): it needs no writable directory, belongs to the pod's network
namespace as the registered address does, and is gone with its process. Elsewhere it is a file. Each side
looks at who is on the other (SO_PEERCRED) and speaks with the same user or root only.
"""

import contextlib
import errno
import hashlib
import os
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from consul_init.errors import ControlError
from consul_init.settings import LEAVE_BUDGET, Settings
from consul_init.threads import start_thread

_LEAVE = b"leave\n"
_ACCEPTED, _LEFT, _NOT_CONFIRMED = b"leaving\n", b"left\n", b"not confirmed\n"
_REQUEST_TIMEOUT = 2.0
_CREDENTIALS = struct.Struct("3i")


def control_address(settings: Settings, service_id: str) -> str:
    """`CONSUL_INIT_SOCKET` (a path, or `@name` for an abstract one), else a name made from the service id."""
    if settings.control_socket is not None:
        chosen = settings.control_socket
        return f"\0{chosen[1:]}" if chosen.startswith("@") else chosen
    name = f"consul-init/{hashlib.sha256(service_id.encode()).hexdigest()[:32]}"
    if sys.platform == "linux":
        return f"\0{name}"
    return str(Path(tempfile.gettempdir()) / f"{name.replace('/', '-')}-{os.getuid()}.sock")


class ControlServer:
    """Holds the socket while open: at most one keeper for each service id."""

    def __init__(self, address: str, leave: Callable[[], bool]) -> None:
        self._address = address
        self._leave = leave
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Raises ControlError: when another keeper has the socket, with its process where that is known."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._bind(listener)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise ControlError(
                    f"another process keeps this instance{_holder(self._address)}. With several workers, start the"
                    " server as 'consul-init run -- COMMAND...' and take consul_init out of the application"
                ) from error
            raise ControlError(f"no control socket can be made (see CONSUL_INIT_SOCKET): {error}") from error
        listener.listen(16)
        self._listener = listener
        self._thread = start_thread(partial(self._serve, listener), "control")

    def close(self) -> None:
        """Free the name."""
        if self._listener is None or self._thread is None:
            return
        if not self._address.startswith("\0"):
            Path(self._address).unlink(missing_ok=True)  # first: once we have closed, it may be our successor's
        # Closing alone does not wake a thread that waits in accept, and until it wakes the name is taken.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(_REQUEST_TIMEOUT)
        self._listener.close()
        self._listener = None

    def _bind(self, listener: socket.socket) -> None:
        if not self._address.startswith("\0") and Path(self._address).is_socket() and not _alive(self._address):
            Path(self._address).unlink()  # left behind by a process that was killed
        mask = os.umask(0o177)
        try:
            listener.bind(self._address)
        finally:
            os.umask(mask)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            start_thread(partial(self._answer, connection), "control")

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_REQUEST_TIMEOUT)
            if not _trusted(connection) or connection.recv(len(_LEAVE)) != _LEAVE:
                return
            connection.sendall(_ACCEPTED)
            connection.sendall(_LEFT if self._leave() else _NOT_CONFIRMED)


def ask_to_leave(address: str, *, wait: float | None) -> bool:
    """Have the keeper at `address` leave Consul. With `wait` (seconds for the drain), return when it has drained.

    False when Consul did not confirm the deregistration. Raises ControlError when no keeper answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(_REQUEST_TIMEOUT)
            connection.connect(address)
            if not _trusted(connection):
                raise ControlError("the control socket belongs to another user")
            connection.sendall(_LEAVE)
            answers = connection.makefile("rb")
            accepted = answers.readline()
            if wait is None or accepted != _ACCEPTED:
                outcome = accepted
            else:
                connection.settimeout(wait + LEAVE_BUDGET + _REQUEST_TIMEOUT)
                outcome = answers.readline()
        except OSError as error:
            raise ControlError(f"no keeper answers on the control socket: {error}") from error
    if not outcome:
        raise ControlError("the keeper ended before it answered")
    return outcome != _NOT_CONFIRMED


def _peer(connection: socket.socket) -> tuple[int, int] | None:
    """Process and user id of the other side; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    process, user, _group = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return process, user


def _trusted(connection: socket.socket) -> bool:
    peer = _peer(connection)
    # Without SO_PEERCRED the socket is a file that only its owner can open.
    return peer is None or peer[1] in (os.getuid(), 0)


def _alive(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_REQUEST_TIMEOUT)
        return probe.connect_ex(address) == 0


def _holder(address: str) -> str:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_REQUEST_TIMEOUT)
        probe.connect(address)
        peer = _peer(probe)
        return "" if peer is None else f" (process {peer[0]} of user {peer[1]})"
    return ""
