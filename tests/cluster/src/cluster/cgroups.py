"""The cgroups of a cluster's pods, which outlive their processes and are taken away by us.

The node takes a cgroup of ours for the root of each hierarchy, so that all its containers are below that one.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from devstack.errors import DevstackError

_ROOT = Path("/sys/fs/cgroup")
_SECONDS = 10.0


def hierarchies() -> list[Path]:
    """Where they are mounted: at the root itself in version 2, in folders of it in version 1, which has several."""
    if (_ROOT / "cgroup.procs").exists():
        return [_ROOT]
    # Some are there by two names, `cpu,cpuacct` and a link from each.
    return [path for path in sorted(_ROOT.iterdir()) if path.is_mount() and (path / "cgroup.procs").exists()]


def make(name: str) -> dict[Path, Path]:
    """Make a cgroup of this name in each hierarchy; each with the mount of its hierarchy."""
    made = {}
    for mount in hierarchies():
        cgroup = mount / name
        cgroup.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # in version 1 nobody may join before they are set
            if (mount / setting).exists():
                (cgroup / setting).write_text((mount / setting).read_text())
        made[cgroup] = mount
    return made


def trees(name: str) -> list[Path]:
    """The cgroups of this name that there are."""
    return [mount / name for mount in hierarchies() if (mount / name).is_dir()]


def remove(name: str) -> bool:
    """Remove them with all below, and kill whatever is still in one; whether there was any. Raises DevstackError."""
    found = trees(name)
    deadline = time.monotonic() + _SECONDS
    while left := [tree for tree in trees(name) if not _removed(tree)]:
        if time.monotonic() > deadline:
            msg = f"the cgroup {left[0]} cannot be removed: something is in it that does not end"
            raise DevstackError(msg)
        time.sleep(0.05)
    return bool(found)


def _removed(tree: Path) -> bool:
    for folder, _, _ in os.walk(tree, topdown=False):
        for pid in _members(Path(folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(OSError):
            Path(folder).rmdir()
    return not tree.exists()


def _members(cgroup: Path) -> list[int]:
    try:
        return [int(pid) for pid in (cgroup / "cgroup.procs").read_text().split() if pid != "0"]
    except OSError:
        return []
