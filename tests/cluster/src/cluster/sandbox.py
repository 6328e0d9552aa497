"""The namespaces of a node: how they are made, furnished and entered.

Nothing of a node is outside them but its cgroups and files, and the kernel takes them away with their first
process, whichever way that ends: processes, mounts, bridge, packet filter and all.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster import cgroups
from cluster.machine import BRIDGE_FILTER
from cluster.paths import NODE

ADDRESS = "10.88.0.1"
"""The node's, and its pods' gateway; an address of the namespace alone."""
POD_RANGE = "10.88.0.0/16"
SERVICE_RANGE = "10.0.0.0/24"
"""That of the devstack's API server."""

# What kubelet wants these to say, and would set for the whole machine if they did not; it is shown files instead.
_TUNABLES = {
    "vm/overcommit_memory": 1,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
_PRIVATE = Path("/run/private")


def isolate(command: Sequence[str]) -> list[str]:
    """A command line that runs `command` as the first process of new namespaces."""
    namespaces = ["--net", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"]
    # As process 1 catatonit reaps what containerd's shims leave.
    return ["unshare", *namespaces, "catatonit", "--", *command]


def enter(pid: int) -> list[str]:
    """What to put before a command line for it to run in the namespaces that the `isolate` of this pid has made."""
    proc = f"/proc/{pid}/ns"
    return ["nsenter", f"--net={proc}/net", f"--mount={proc}/mnt", f"--pid={proc}/pid_for_children", "--"]


def furnish(folder: Path, cgroup: str) -> None:
    """Inside: private places for what containerd, CNI and kubelet write at fixed paths, and a network.

    `folder` is found at /run/node from then on: paths are short there, as those of sockets must be. What is done in
    the root of a hierarchy of cgroups is done in `cgroup`.
    """
    _run("mount", "--make-rshared", "/")
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    NODE.mkdir()
    _PRIVATE.mkdir()
    _run("mount", "--bind", str(folder), str(NODE))
    for path in ("/var/lib", "/var/log"):
        _overlay(Path(path))
    for made, mount in cgroups.make(cgroup).items():
        _replace(mount, made)
    for name, value in _TUNABLES.items():
        shown = _PRIVATE / name.replace("/", ".")
        shown.write_text(f"{value}\n")
        _run("mount", "--bind", str(shown), f"/proc/sys/{name}")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "cni0", "type", "bridge")
    _run("ip", "address", "add", f"{ADDRESS}/16", "dev", "cni0")
    _run("ip", "link", "set", "cni0", "up")
    # There is no way out of here. Without this one the node itself, unlike its pods, would not reach Services.
    _run("ip", "route", "add", SERVICE_RANGE, "dev", "cni0", "src", ADDRESS)
    for setting in (Path("/proc/sys/net/ipv4/ip_forward"), BRIDGE_FILTER):  # of the namespace alone
        setting.write_text("1")


def _overlay(path: Path) -> None:
    """Writes below `path` go into memory of the namespace's own; what is there can be read."""
    upper, work = (_PRIVATE / f"{path.name}.{use}" for use in ("upper", "work"))
    for folder in (upper, work):
        folder.mkdir()
    _run("mount", "-t", "overlay", "-o", f"lowerdir={path},upperdir={upper},workdir={work}", "overlay", str(path))


def _replace(mount: Path, folder: Path) -> None:
    """Show a folder of a mounted file system in its place; not on top of it, where runc would still find the mount."""
    aside = _PRIVATE / "aside"
    aside.mkdir(exist_ok=True)
    _run("mount", "--bind", str(folder), str(aside))
    _run("umount", str(mount))
    _run("mount", "--bind", str(aside), str(mount))
    _run("umount", str(aside))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
