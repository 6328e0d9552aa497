"""Workers of the same server that have just been started, and are to serve in our place.

Gunicorn's HUP starts a new worker and tells the old one to stop at the same moment, long before the new one has loaded
the application and can say that it takes over (see succession.py). It differs from other processes in this: it is a
child of our parent, younger than we are, and has the socket at which we listen. Where /proc does not tell, as on macOS,
there is none.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
# Of the fields of /proc/PID/stat that follow the name, in brackets (proc_pid_stat(5)).
_START_TIME = 19


def starting_siblings() -> set[int]:
    """Their process ids."""
    ours = set(_listeners())
    if not ours:
        return set()
    born = _start_time(os.getpid())
    return {each for each in _children(os.getppid()) if _start_time(each) > born and ours & set(_sockets(each))}


def _listeners() -> Iterator[str]:
    """The sockets at which this process takes connections, by the kernel's name for each."""
    for descriptor, name in _descriptors(os.getpid()):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as each:
            if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield name


def _sockets(process: int) -> Iterator[str]:
    return (name for _descriptor, name in _descriptors(process))


def _descriptors(process: int) -> Iterator[tuple[int, str]]:
    with contextlib.suppress(OSError):  # it has ended, or is another user's
        for each in (_PROC / str(process) / "fd").iterdir():
            with contextlib.suppress(OSError):
                name = str(each.readlink())
                if name.startswith("socket:"):
                    yield int(each.name), name


def _children(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for task in (_PROC / str(process) / "task").iterdir():
            yield from map(int, (task / "children").read_text(encoding="ascii").split())


def _start_time(process: int) -> int:
    """In ticks since the machine's start; 0 where it is not known."""
    with contextlib.suppress(OSError):
        text = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
        return int(text.rpartition(")")[2].split()[_START_TIME])
    return 0
