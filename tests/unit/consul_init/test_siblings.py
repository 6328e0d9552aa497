"""Which processes are workers that the same server has just started."""

import os
import socket
import subprocess
import sys
import time

import pytest
from consul_init.siblings import starting_siblings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")

# A server that forks workers; the second of them looks.
SERVER = """
import os, socket, sys, time
from consul_init.siblings import starting_siblings
os.setsid()
listener, said = socket.create_server(("127.0.0.1", 0)), os.pipe()
closed, go = os.pipe(), os.pipe()

def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    time.sleep(0.05)  # some ticks of the clock that says how old a process is
    return pid

def look():
    os.read(go[0], 1)
    os.write(said[1], repr(starting_siblings()).encode())

def close():
    listener.close()
    os.write(closed[1], b"!")
    time.sleep(30)

older, looks = fork(lambda: time.sleep(30)), fork(look)
elsewhere, starting = fork(close), fork(lambda: time.sleep(30))
os.read(closed[0], 1)
os.write(go[1], b"!")
found = eval(os.read(said[0], 999))
names = {older: "older", looks: "itself", elsewhere: "without the socket", starting: "starting"}
print(*sorted(names.get(each, "?") for each in found))
for each in (older, elsewhere, starting):
    os.kill(each, 9)
"""


def test_a_younger_child_of_our_parent_with_our_socket() -> None:
    assert subprocess.check_output([sys.executable, "-c", SERVER], text=True) == "starting\n"


def test_whoever_listens_nowhere_has_none() -> None:
    """As a program of whose siblings nothing is known, such as one of a shell's jobs."""
    younger = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])]
    try:
        assert starting_siblings() == set()
        with socket.create_server(("127.0.0.1", 0)):
            assert starting_siblings() == set()
    finally:
        for each in younger:
            each.kill()
            each.wait()


def test_looking_leaves_nothing_open() -> None:
    """The socket is looked at through a copy of its descriptor."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - the same call twice
        began = time.monotonic()
        starting_siblings()
        assert time.monotonic() - began < 5 * 0.1
        assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
