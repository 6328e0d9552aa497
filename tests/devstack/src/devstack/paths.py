"""Where the devstack reads its sources and keeps what it makes. All of it is inside the repository."""

from pathlib import Path

# src/devstack/paths.py is tests/devstack/src/devstack/paths.py of the repository: the package is only ever
# installed editable from there, because its Go modules and the gateway's sources lie beside it.
SOURCES = Path(__file__).resolve().parents[2]
REPOSITORY = SOURCES.parents[1]

MODULES = SOURCES / "modules"
GATEWAY = SOURCES / "gateway"
KSTATUS_SOURCES = SOURCES / "kstatus"

CACHE = REPOSITORY / ".cache"
GO_HOME = CACHE / "go"
GO_CACHES = CACHE / "go-caches"
BIN = CACHE / "devstack" / "bin"
DOWNLOADED = CACHE / "devstack" / "downloaded"
BUILD_LOGS = CACHE / "devstack" / "log"
BUILD_LOCK = CACHE / "devstack" / "build.lock"
RUN = CACHE / "devstack" / "run"


def shown(path: Path) -> str:
    """A path as a person at the repository's root would type it."""
    try:
        return str(path.relative_to(REPOSITORY))
    except ValueError:
        return str(path)
