"""Programs that are there already: of KUBEBUILDER_ASSETS, of PATH, built or downloaded before."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from devstack import archives, stamps
from devstack.errors import NotBuilt
from devstack.paths import BIN, DOWNLOADED, shown
from devstack.programs import KUBE_APISERVER, PROGRAMS, Program, pinned_version, refusal
from devstack.versions import Version


@dataclass(frozen=True, slots=True)
class Binary:
    """An executable to use. `version` is as a person wants to read it; `origin` says where it came from."""

    path: Path
    version: str
    origin: str


_BUILT, _DOWNLOADED = "built here", "downloaded"

Binaries = dict[str, Binary]


@dataclass(slots=True)
class Inventory:
    """What is there, what is to be built, and what was on the machine but is not used, with the reason."""

    found: Binaries = field(default_factory=dict)
    missing: list[Program] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def _candidates(program: Program) -> Iterator[tuple[Path, str]]:
    if not program.module:
        return  # programs of our own are nobody else's
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    for origin, search in (("KUBEBUILDER_ASSETS", assets), ("PATH", os.environ.get("PATH"))):
        path = shutil.which(program.name, path=search) if search else None
        if path is not None:
            yield Path(path).absolute(), origin


def version_of(program: Program, path: Path) -> Version | None:
    """What the executable says it is; None when it does not run or does not say."""
    try:
        answer = subprocess.run(
            [path, *program.version_arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Version.find(answer.stdout)


def _on_machine(program: Program, apiserver: Version, inventory: Inventory) -> Binary | None:
    for path, origin in _candidates(program):
        version = version_of(program, path)
        reason = "does not say its version" if version is None else refusal(program, version, apiserver)
        if version is not None and reason is None:
            return Binary(path, str(version), origin)
        inventory.refused.append(f"{path} {version or ''}".rstrip() + f" is not used: {reason}")
    return None


def _find(program: Program, apiserver: Version, inventory: Inventory, *, downloaded: bool) -> Binary | None:
    on_machine = _on_machine(program, apiserver, inventory)
    if on_machine is not None:
        return on_machine
    built = BIN / program.name
    if stamps.is_fresh(program, built):
        version = pinned_version(program)
        return Binary(built, str(version) if version else "our own", _BUILT)
    return _downloaded(program) if downloaded else None


def _downloaded(program: Program) -> Binary | None:
    archive, path = archives.archive_of(program.name), DOWNLOADED / program.name
    if archive is None or not stamps.is_stamped(path, archive.digest):
        return None
    return Binary(path, str(archive.programs[program.name]), _DOWNLOADED)


def take_inventory(names: Iterable[str]) -> Inventory:
    """Look for each program.

    What was downloaded is used where it is all that is wanted of a module: what is built is of another version.
    """
    wanted = [PROGRAMS[name] for name in names]
    without: set[Path] = set()
    while True:
        inventory = _look(wanted, without)
        origins: dict[Path, set[str]] = {}
        for program in wanted:
            found = inventory.found.get(program.name)
            origins.setdefault(program.directory, set()).add(found.origin if found else "")
        mixed = {each for each, seen in origins.items() if _DOWNLOADED in seen and seen & {"", _BUILT}}
        if not mixed:
            return inventory
        without |= mixed


def _look(wanted: Iterable[Program], without: set[Path]) -> Inventory:
    """The API server is looked at first: the others have to fit to it."""
    inventory = Inventory()
    pinned = pinned_version(KUBE_APISERVER) or Version(0, 0)
    apiserver = _find(KUBE_APISERVER, pinned, Inventory(), downloaded=KUBE_APISERVER.directory not in without)
    apiserver_version = (Version.find(apiserver.version) if apiserver else None) or pinned
    for program in wanted:
        binary = _find(program, apiserver_version, inventory, downloaded=program.directory not in without)
        if binary is None:
            inventory.missing.append(program)
        else:
            inventory.found[program.name] = binary
    return inventory


def require(names: Iterable[str]) -> Binaries:
    """The programs, all of which must be there: for callers that cannot let somebody wait for a build.

    Raises NotBuilt.
    """
    inventory = take_inventory(names)
    if inventory.missing:
        missing = " ".join(program.name for program in inventory.missing)
        msg = f"not built, or its sources have changed since: {missing}. Run `devstack build {missing}` ({shown(BIN)})"
        raise NotBuilt(msg)
    return inventory.found
