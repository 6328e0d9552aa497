"""One cluster from outside: the node's process, and a relay by which this machine reaches its API server."""

import shutil
import sys
import time
from pathlib import Path

from devstack.errors import PartFailed
from devstack.find import Binaries
from devstack.identity import ProcessIdentity
from devstack.ports import pick_ports
from devstack.processes import Command, ProcessGroup
from devstack.state import end_leftovers as end_left_processes
from devstack.state import read_state
from devstack.supervisor import Supervisor

from cluster import cgroups, podman
from cluster.machine import PATH
from cluster.node import READY
from cluster.paths import cgroup_of
from cluster.sandbox import isolate

_READY_SECONDS = 240.0
_END_SECONDS = 20.0


class NodeProcess(Command):
    """`unshare`, whose child is the first process of the node's namespaces."""

    def stop(self) -> None:
        """All that runs in the namespaces ends with their first process; nothing in them is worth a grace."""
        first = None if self.pid is None else first_process(self.pid)
        self.kill()
        if first is not None:
            wait_for_end(first)


def first_process(pid: int) -> ProcessIdentity | None:
    """Process 1 of the namespaces that this `unshare` has made."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return ProcessIdentity.of(int(children[0])) if children else None


def wait_for_end(first: ProcessIdentity) -> None:
    """The first process of a pid namespace has ended when all others in it have. Raises PartFailed."""
    deadline = time.monotonic() + _END_SECONDS
    while first.is_alive():
        if time.monotonic() > deadline:
            msg = f"the node's first process (pid {first.pid}) does not end"
            raise PartFailed(msg)
        time.sleep(0.02)


class Cluster(Supervisor):
    """A cluster in a folder of its own."""

    command_line = "cluster"

    def __init__(self, directory: Path, binaries: Binaries) -> None:
        super().__init__(directory)
        self._kubectl = binaries["kubectl"].path

    def environment(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.directory / "node" / "kubeconfig"),
            "KUBECTL": str(self._kubectl),
            **podman.environment(),
        }

    def check(self) -> None:
        self._raise_if_crashed(self._processes)

    def _start_processes(self) -> None:
        for folder in (self.logs, self._folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        self._folder.chmod(0o700)
        self._group = ProcessGroup()
        port = pick_ports(1)[0]
        arguments = [str(self._folder), cgroup_of(self.directory), str(port)]
        node = NodeProcess(
            "node",
            command=isolate([sys.executable, "-m", "cluster.node", *arguments]),
            environment={"PATH": PATH},
            group=self._group,
            log=self.logs / "node.log",
            on_change=self._record,
        )
        self._processes = [node]
        node.spawn()
        node.wait_until((self._folder / READY).exists, _READY_SECONDS)
        self.run("relay", relay(port, node.pid or 0), {"PATH": PATH})

    @property
    def _folder(self) -> Path:
        return self.directory / "node"

    def _end_leftovers(self) -> None:
        end_leftovers(self.directory)

    def _end_processes(self) -> None:
        try:
            super()._end_processes()
        finally:
            _remove_rest(self.directory)


def relay(port: int, node: int) -> list[str]:
    """A command line that makes a port of the node's loopback one of this machine's loopback, too."""
    inside = " ".join(["nsenter", f"--net=/proc/{node}/ns/net", "socat", "STDIO", f"TCP\\:127.0.0.1\\:{port}"])
    return ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"EXEC:{inside}"]


def end_leftovers(directory: Path) -> list[str]:
    """Take away what a cluster whose supervisor is gone has left; what it was, for a person to read."""
    state = read_state(directory)
    node = state.processes.get("node") if state else None
    first = first_process(node.pid) if node is not None and node.is_alive() else None
    lines = end_left_processes(directory)
    if first is not None:
        wait_for_end(first)
    if _remove_rest(directory):
        lines.append(f"{directory.name}: removed the cgroups and data of its pods, left by a crash")
    return lines


def _remove_rest(directory: Path) -> bool:
    """What the kernel does not take away by itself; whether there was any."""
    data = directory / "node" / "data"
    left = cgroups.remove(cgroup_of(directory)) | data.exists()
    shutil.rmtree(data, ignore_errors=True)
    return left
