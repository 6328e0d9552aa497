"""The cgroups of a cluster's pods, which outlive their processes and are taken away by us."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from devstack.errors import DevstackError

_ROOT = Path("/sys/fs/cgroup")
_SECONDS = 10.0


def trees(name: str) -> list[Path]:
    """The cgroup of this name in each hierarchy (version 1 has several) that knows it."""
    mounts = [_ROOT, *(path for path in _ROOT.iterdir() if path.is_dir())]
    return [mount / name for mount in mounts if (mount / name).is_dir()]


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
