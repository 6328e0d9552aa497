"""Up and down, two at once, and what is left when a supervisor dies: nothing."""

import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from cluster import cgroups
from cluster.commands import directory_of
from cluster.configs import PAUSE_IMAGE
from cluster.paths import RUN, cgroup_of
from cluster.supervisor import first_process
from devstack.identity import ProcessIdentity
from devstack.instances import supervised
from devstack.state import State, read_state

pytestmark = pytest.mark.timeout(300)

_TUNABLES = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
# Where a node mounts something, in its own mount namespace.
_PLACES = (str(RUN), "/run/node", "/run/containerd", "/run/netns", " /var/lib ", " /var/log ", "echoroute-cluster")
_POD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: pause}}
spec:
  containers: [{{name: pause, image: {PAUSE_IMAGE}, imagePullPolicy: Never}}]
"""


def _cluster(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=240, check=False)


def _up(name: str) -> State:
    up = _cluster("up", "--name", name)
    assert up.returncode == 0, up.stderr
    state = read_state(directory_of(name))
    assert state is not None
    return state


def _kubectl(state: State, *arguments: str, stdin: str | None = None) -> str:
    command = [state.environment["KUBECTL"], f"--kubeconfig={state.environment['KUBECONFIG']}", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=90, check=True).stdout


def _run_pod(name: str, state: State) -> None:
    """A real pod, so that there are a shim, a cgroup, mounts and an interface to leave behind."""
    for _ in range(100):  # the service account of a namespace is made a moment after it
        with suppress(subprocess.CalledProcessError):
            _kubectl(state, "apply", "-f", "-", stdin=_POD)
            break
        time.sleep(0.1)
    _kubectl(state, "wait", "--for=condition=Ready", "pod/pause", "--timeout=60s")
    assert cgroups.trees(cgroup_of(directory_of(name))), "there is something to leave behind"


def _machine() -> list[object]:
    """What of this machine a cluster could change, as far as nobody else does: mounts, a bridge, kernel settings."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    mounts = [line for line in lines if any(place in line for place in _PLACES)]
    bridge = Path("/sys/class/net/cni0").exists()
    return [mounts, bridge, [Path(f"/proc/sys/{name}").read_text() for name in _TUNABLES]]


def _namespaces(state: State) -> set[str]:
    """Of the node: process, mount and network namespace."""
    first = first_process(state.processes["node"].pid)
    assert first is not None
    return {str(Path(f"/proc/{first.pid}/ns/{kind}").readlink()) for kind in ("pid", "mnt", "net")}


def _members(namespaces: set[str], command: str = "") -> list[ProcessIdentity]:
    """Processes of this machine that are in one of them, and have this in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            links = {str((process / "ns" / kind).readlink()) for kind in ("pid", "mnt", "net")}
            said = (process / "cmdline").read_text().replace("\0", " ")
            identity = ProcessIdentity.of(int(process.name))
            if links & namespaces and command in said and identity is not None:
                found.append(identity)
    return found


def _assert_gone(name: str, namespaces: set[str], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while (left := _members(namespaces)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    directory = directory_of(name)
    assert not supervised(directory)
    assert cgroups.trees(cgroup_of(directory)) == []
    assert not (directory / "node" / "data").exists()


def _crash(state: State, names: Sequence[str]) -> None:
    """kill -9 of the supervisor and others of its processes, as nearly at once as can be."""
    assert state.supervisor.send(signal.SIGKILL)
    for name in names:
        state.processes[name].send(signal.SIGKILL)


@pytest.fixture
def names() -> Iterator[tuple[str, str]]:
    """Names of two clusters of the test's own."""
    made = (f"life-{secrets.token_hex(3)}", f"life-{secrets.token_hex(3)}")
    yield made
    for name in made:
        _cluster("down", "--name", name)
        shutil.rmtree(directory_of(name), ignore_errors=True)
        directory_of(name).with_suffix(".log").unlink(missing_ok=True)


def test_two_at_once_and_down_ends_exactly_one(names: tuple[str, str]) -> None:
    """Both have the same addresses inside, and neither sees the other; nor does the machine see either."""
    before = _machine()
    first, second = (_up(name) for name in names)
    for name, state in zip(names, (first, second), strict=True):
        _run_pod(name, state)
    assert _machine() == before, "while they run, too"
    again = _cluster("up", "--name", names[0])
    assert again.returncode == 0
    assert read_state(directory_of(names[0])) == first, "the one that is up is left as it is"

    inside = _namespaces(first)
    down = _cluster("down", "--name", names[0])
    assert down.stdout == f"{names[0]} stopped\n"
    _assert_gone(names[0], inside, seconds=0)
    assert _kubectl(second, "get", "pod", "pause", "-o", "jsonpath={.status.phase}") == "Running"

    inside = _namespaces(second)
    _cluster("down", "--name", names[1])
    _assert_gone(names[1], inside, seconds=0)
    assert _machine() == before
    assert _cluster("down", "--name", names[1]).stdout == "nothing to stop\n"


@pytest.mark.parametrize(
    ("killed", "why"),
    [
        ((), "the group's leader ends the rest"),
        (("process group",), "nobody of ours is left to end the node but the kernel, or `down`"),
    ],
)
def test_kill_9_and_down(names: tuple[str, str], killed: Sequence[str], why: str) -> None:
    before, name = _machine(), names[0]
    state = _up(name)
    _run_pod(name, state)
    inside = _namespaces(state)
    _crash(state, killed)
    status = _cluster("status").stdout
    assert f"{name}: its supervisor is gone" in status, why
    down = _cluster("down", "--name", name)
    assert down.returncode == 0, down.stderr
    assert "left by a crash" in down.stdout
    _assert_gone(name, inside, seconds=0)
    assert _machine() == before, why


def test_kill_9_and_up_again(names: tuple[str, str]) -> None:
    """The next start takes away what is left, and begins with nothing of it."""
    name = names[0]
    state = _up(name)
    _run_pod(name, state)
    members = _members(_namespaces(state))
    _crash(state, ["process group"])
    again = _up(name)
    # Not by namespace: the kernel may have given their numbers to those of the new one.
    assert [one for one in members if one.is_alive()] == []
    assert _kubectl(again, "get", "pods", "--all-namespaces", "-o", "name") == ""
    _run_pod(name, again)


def test_a_part_that_dies_takes_the_cluster_along(names: tuple[str, str]) -> None:
    """No half a cluster: its log says which part it was."""
    name = names[0]
    state = _up(name)
    inside = _namespaces(state)
    [kubelet] = _members(inside, "/kubelet ")
    kubelet.send(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while supervised(directory_of(name)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    _assert_gone(name, inside)
    assert "kubelet has ended" in (directory_of(name) / "logs" / "node.log").read_text()
    env = _cluster("env", "--name", name)
    assert env.returncode == 1
    assert "is not up" in env.stderr
