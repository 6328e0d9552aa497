"""Where the cluster keeps what it makes: all of it below .cache/cluster of the repository."""

import hashlib
from pathlib import Path

from devstack.paths import CACHE, REPOSITORY

SOURCES = Path(__file__).resolve().parents[2]

HOME = CACHE / "cluster"
RUN = HOME / "run"
PODMAN = HOME / "podman"
PAUSE_ARCHIVE = HOME / "pause.tar"
"""The image of the process that holds a pod's namespaces."""

NODE = Path("/run/node")
"""Inside the node's mount namespace: the folder `node` of the cluster's own folder."""


def cgroup_of(directory: Path) -> str:
    """The name of the cgroup below which a cluster's pods are; no two clusters of a machine share one."""
    digest = hashlib.sha256(f"{REPOSITORY}\0{directory.name}".encode()).hexdigest()
    return f"echoroute-cluster-{digest[:8]}"
