"""Tell whether a file that somebody else writes has changed."""

import os
from pathlib import Path

# Modification time (ns), size, inode: Kubernetes swaps a mounted Secret through a symbolic link, and the inode changes.
Fingerprint = tuple[int, int, int]


def fingerprint(path: Path) -> Fingerprint | None:
    """What differs once the file was written or replaced; None while it cannot be found. Costs about 1 µs."""
    try:
        found = os.stat(path)  # noqa: PTH116 - the same as Path.stat, without its overhead: it is called for each request
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
