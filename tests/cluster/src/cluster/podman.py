"""Images, built and kept by podman in a storage of the cluster's own, so that `make clean` takes them away."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devstack.errors import DevstackError
from devstack.processes import inherited_environment

from cluster.machine import PATH
from cluster.paths import PODMAN

_TAIL_LINES = 12
# crun, which podman would take, refuses machines with both versions of cgroups; nothing of ours asks for systemd.
_CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""


class PodmanFailed(DevstackError):
    """A podman command failed; the message has the end of what it said."""


def environment() -> dict[str, str]:
    """For podman, whoever starts it: the storage and the settings of the cluster's images."""
    return {
        "CONTAINERS_CONF": str(PODMAN / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(PODMAN / "storage.conf"),
    }


def prepare() -> None:
    """Write the files that `environment` names."""
    PODMAN.mkdir(parents=True, exist_ok=True)
    (PODMAN / "containers.conf").write_text(_CONTAINERS_CONF)
    storage = f"""[storage]
driver = "overlay"
graphroot = "{PODMAN / "storage"}"
runroot = "{PODMAN / "run"}"
"""
    (PODMAN / "storage.conf").write_text(storage)


def process_environment() -> dict[str, str]:
    return inherited_environment() | {"PATH": PATH} | environment()


def podman(*arguments: str) -> str:
    """Run podman and return its stdout. Raises PodmanFailed."""
    command = ["podman", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=process_environment())
    if answer.returncode != 0:
        lines = "\n".join(f"    {line}" for line in answer.stderr.strip().splitlines()[-_TAIL_LINES:])
        msg = f"`{' '.join(command)}` failed:\n{lines}"
        raise PodmanFailed(msg)
    return answer.stdout


def exists(image: str) -> bool:
    command = ["podman", "image", "exists", image]
    return subprocess.run(command, check=False, env=process_environment()).returncode == 0


def label(image: str, name: str) -> str | None:
    """The value of an image's label; None where there is no such image."""
    command = ["podman", "image", "inspect", "--format", f'{{{{index .Labels "{name}"}}}}', image]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=process_environment())
    return answer.stdout.strip() if answer.returncode == 0 else None


def import_folder(root: Path, image: str, *changes: str) -> None:
    """Make an image of one layer from the files below a folder; `changes` as in a Dockerfile. Raises PodmanFailed."""
    arguments = [word for change in changes for word in ("--change", change)]
    command = ["podman", "import", "--quiet", *arguments, "-", image]
    into = _feed(["tar", "-C", str(root), "-c", "--numeric-owner", "."], command)
    if into:
        msg = f"making the image {image} failed: {into}"
        raise PodmanFailed(msg)


def send(image: str, into: Sequence[str]) -> None:
    """Pipe an image, as an archive, into a command line. Raises PodmanFailed."""
    complaint = _feed(["podman", "save", "--quiet", image], into)
    if complaint:
        msg = f"loading the image {image} failed: {complaint}"
        raise PodmanFailed(msg)


def _feed(source: Sequence[str], sink: Sequence[str]) -> str:
    """Run `source | sink`; what the one that failed has said, else nothing."""
    environment = process_environment()
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(source, stdout=subprocess.PIPE, stderr=complaints, env=environment) as feeding,
    ):
        answer = subprocess.run(
            sink, stdin=feeding.stdout, capture_output=True, text=True, check=False, env=environment
        )
        feeding.communicate()
        complaints.seek(0)
        if feeding.returncode != 0:
            return complaints.read().strip() or f"{source[0]} ended with status {feeding.returncode}"
    return "" if answer.returncode == 0 else answer.stderr.strip() or f"{sink[0]}: status {answer.returncode}"
