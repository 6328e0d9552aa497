"""Who is on the other side of a unix socket."""

import contextlib
import os
import socket
import struct
import sys

REQUEST_TIMEOUT = 2.0
_CREDENTIALS = struct.Struct("3i")


def peer(connection: socket.socket) -> tuple[int, int] | None:
    """Process and user id of the other side; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    process, user, _group = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return process, user


def is_trusted(connection: socket.socket) -> bool:
    """Whether the other side is the same user, or root."""
    other = peer(connection)
    # Without SO_PEERCRED the socket is a file that only its owner can open.
    return other is None or other[1] in (os.getuid(), 0)


def is_alive(address: str) -> bool:
    """Whether somebody listens at this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(REQUEST_TIMEOUT)
        return probe.connect_ex(address) == 0


def process_at(address: str) -> str:
    """The process that listens there, for a message; empty where it is not known."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(REQUEST_TIMEOUT)
        probe.connect(address)
        other = peer(probe)
        return "" if other is None else f" (process {other[0]} of user {other[1]})"
    return ""
