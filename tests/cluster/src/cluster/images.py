"""The images that cannot be pulled where there is no registry: a base with Python, and the devstack's programs."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from devstack.errors import DevstackError, tail
from devstack.find import Binaries
from devstack.paths import REPOSITORY
from devstack.progress import Step

from cluster import podman
from cluster.configs import PAUSE_IMAGE
from cluster.machine import PATH
from cluster.paths import HOME, PAUSE_ARCHIVE

PYTHON_IMAGE = "localhost/python:3.11-slim"
_PARTS = ("consul", "etcd", "gateway")
_SHOWN = 80  # characters of a build's step
_DIGEST = "dev.echoroute.sha256"
_SUITE = "bookworm"  # whose Python is 3.11
_MIRROR = "https://deb.debian.org/debian"
_PACKAGES = "python3,python3-venv,ca-certificates"
# What the public image leaves out as well.
_SUPERFLUOUS = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


def make_base() -> None:
    """`localhost/python:3.11-slim`, by debootstrap: stands in for the public image of that name.

    Raises DevstackError.
    """
    if podman.exists(PYTHON_IMAGE):
        return
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="base-", dir=HOME) as scratch, Step(f"{PYTHON_IMAGE}: debootstrap") as step:
        root = Path(scratch)
        root.chmod(0o755)
        _debootstrap(root, HOME / "debootstrap.log", step)
        for name in _SUPERFLUOUS:
            shutil.rmtree(root / name, ignore_errors=True)
        for name in ("python", "python3"):
            (root / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
        for marker in (root / "usr/lib").glob("python3*/EXTERNALLY-MANAGED"):
            marker.unlink()  # pip may install here, as it may in the public image
        podman.import_folder(root, PYTHON_IMAGE, "CMD python3")
        step.finish("built")


def make_pause() -> None:
    """The image of the process that holds a pod's namespaces, as an archive for containerd."""
    if PAUSE_ARCHIVE.exists():
        return
    program = shutil.which("catatonit", path=PATH)
    with Step(f"{PAUSE_IMAGE}: catatonit"), tempfile.TemporaryDirectory(prefix="pause-", dir=HOME) as scratch:
        shutil.copy(program or "catatonit", f"{scratch}/pause")
        podman.import_folder(Path(scratch), PAUSE_IMAGE, 'ENTRYPOINT ["/pause", "-P"]')
        podman.podman("save", "--quiet", f"--output={scratch}/image.tar", PAUSE_IMAGE)
        Path(scratch, "image.tar").replace(PAUSE_ARCHIVE)


def make_parts(binaries: Binaries) -> list[str]:
    """Images of the devstack's programs, each with its one file; their names. Raises DevstackError."""
    images = []
    for name in _PARTS:
        binary = binaries[name].path
        image = f"localhost/{name}:devstack"
        images.append(image)
        digest = hashlib.sha256(binary.read_bytes()).hexdigest()
        if podman.label(image, _DIGEST) == digest:
            continue
        if _needs_libraries(binary):
            msg = (
                f"{binary} needs shared libraries and cannot be an image's only file: take it off PATH, to build {name}"
            )
            raise DevstackError(msg)
        with Step(image) as step, tempfile.TemporaryDirectory(prefix="image-", dir=HOME) as scratch:
            Path(scratch).chmod(0o755)
            Path(scratch, "bin").mkdir()
            shutil.copy(binary, f"{scratch}/bin/{name}")
            podman.import_folder(Path(scratch), image, "ENV PATH=/bin", f"LABEL {_DIGEST}={digest}")
            step.finish("built")
    return images


def make_products() -> list[str]:
    """Our own images as a user builds them, on the base made here; their names. Raises DevstackError."""
    log = HOME / "images.log"
    build = f"--isolation chroot --network host --build-arg PYTHON_IMAGE={PYTHON_IMAGE}"
    # In a mount namespace of its own: a build that is killed leaves mounts in its storage.
    isolated = ["unshare", "--mount", "--propagation=private"]
    command = [*isolated, "make", "--no-print-directory", "images", f"IMAGE_ARGS={build}"]
    environment = {**os.environ, **podman.environment(), "BUILDER": "podman", "PATH": PATH}
    with Step("make images") as step, log.open("wb") as output:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=output, env=environment)
        while (status := process.poll()) is None:
            step.update(tail(log, lines=1).strip()[:_SHOWN] or "starting")
            time.sleep(0.1)
        if status != 0:
            msg = f"`make images` failed with status {status}; see {log}:\n{tail(log)}"
            raise DevstackError(msg)
        step.finish("built")
    return _tagged(log)


def _tagged(log: Path) -> list[str]:
    """The images that a build has named: each begins with a line `==> IMAGE (BUILDER)`."""
    return re.findall(r"^==> (\S+) \(", log.read_text(), re.MULTILINE)


def _needs_libraries(binary: Path) -> bool:
    """Whether the kernel starts it by way of a dynamic linker, whose path stands at its beginning."""
    with binary.open("rb") as file:
        return b"/ld-" in file.read(4096)


def _mirror() -> str:
    """The mirror of Debian's packages that this machine's apt uses; else Debian's own."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    pairs = [line.partition(" ") for line in answer.stdout.splitlines()]
    return next((uri for origin, _, uri in pairs if origin == "Debian" and "security" not in uri), _MIRROR)


def _debootstrap(root: Path, log: Path, step: Step) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(root), _mirror()]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=podman.process_environment())
        while (status := process.poll()) is None:
            step.update(tail(log, lines=1).strip() or "starting")
            time.sleep(0.1)
    if status != 0:
        msg = f"debootstrap failed with status {status}; see {log}:\n{tail(log)}"
        raise DevstackError(msg)
