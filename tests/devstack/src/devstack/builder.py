"""Brings what is missing: from published archives, else built with Go, one module after the other, verified."""

import itertools
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from devstack import additions, stamps
from devstack.download import download, is_allowed
from devstack.errors import BuildFailed
from devstack.find import Binaries, take_inventory
from devstack.golang import Go, ensure_go, has_c_compiler
from devstack.locks import locked
from devstack.paths import BIN, BUILD_LOCK, BUILD_LOGS, shown
from devstack.processes import ProcessGroup
from devstack.programs import PROGRAMS, Program, linker_flags, pinned_version
from devstack.progress import Step, say

_ATTEMPTS = 3
_RETRY_SECONDS = 3.0
_TAIL_LINES = 12
# Failures of the network on the way to the module proxy: what was fetched stays, so another try goes on from there.
_NETWORK = re.compile(
    r"dial tcp|i/o timeout|connection (reset|refused)|TLS handshake timeout|unexpected EOF|(429|50[234]) \w+"
)


def build(names: Iterable[str]) -> Binaries:
    """Find the programs, download or build what is missing, and say each on a line of its own (on stderr).

    One process builds at a time. Raises BuildFailed.
    """
    wanted = set(names)
    if unknown := sorted(wanted - set(PROGRAMS)):
        msg = f"unknown: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}"
        raise BuildFailed(msg)
    names = [name for name in PROGRAMS if name in wanted]
    BUILD_LOCK.parent.mkdir(parents=True, exist_ok=True)
    with locked(BUILD_LOCK, lambda: say("another process is building; waiting for it")):
        inventory = take_inventory(names)
        for line in inventory.refused if inventory.missing else ():
            say(line)
        if inventory.missing and is_allowed():
            download(inventory.missing, [PROGRAMS[name] for name in names])
            inventory = take_inventory(names)
        if inventory.missing:
            go = ensure_go()
            for _, group in itertools.groupby(inventory.missing, key=lambda program: program.directory):
                _build_module(list(group), go)
    inventory = take_inventory(names)
    if inventory.missing:
        msg = f"the sources of {inventory.missing[0].name} changed while it was built: run it again"
        raise BuildFailed(msg)
    return inventory.found


def _build_module(programs: Sequence[Program], go: Go) -> None:
    """Build programs of one Go module in one call, since they share most of their packages."""
    directory = programs[0].directory
    if not (directory / "go.mod").is_file():
        msg = f"there are no Go sources in {shown(directory)} (no go.mod): is the working copy complete?"
        raise BuildFailed(msg)
    names = ", ".join(program.name for program in programs)
    cgo = any(program.cgo for program in programs)
    if cgo and not has_c_compiler():
        msg = f"building {names} needs a C compiler (on Debian: apt-get install gcc libc6-dev; CC names another)"
        raise BuildFailed(msg)
    version = pinned_version(programs[0])
    fingerprints = {program.name: stamps.fingerprint(program) for program in programs}
    log = BUILD_LOGS / f"build-{programs[0].name}.log"
    BIN.mkdir(parents=True, exist_ok=True)
    BUILD_LOGS.mkdir(parents=True, exist_ok=True)
    # Built beside, then moved: neither an interrupted build nor a running stack ever sees half a binary.
    with tempfile.TemporaryDirectory(prefix="build-", dir=BIN.parent) as scratch:
        outputs = Path(scratch)
        title = f"{names}{f' {version}' if version else ''}: building with {go.version}"
        with Step(title) as step:
            _go_build(programs, go, outputs, log, step, cgo=cgo)
            step.finish("built")
        for program in programs:
            binary = BIN / program.name
            stamps.forget(binary)
            (outputs / program.name).replace(binary)
            stamps.write(fingerprints[program.name], binary)


def _go_build(programs: Sequence[Program], go: Go, outputs: Path, log: Path, step: Step, *, cgo: bool) -> None:
    flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags(programs[0])]
    flags += additions.flags(programs[0], go, outputs)
    # For several packages Go wants a folder and names each binary after its package's last element.
    target = f"{outputs}/" if len(programs) > 1 else str(outputs / programs[0].name)
    packages = [program.package for program in programs]
    command = [str(go.path), "build", "-C", str(programs[0].directory), *flags, "-o", target, *packages]
    for attempt in range(1, _ATTEMPTS + 1):
        status = _run(command, go.environment(cgo=cgo), log, step)
        if status == 0:
            return
        reason = _complaints(log)
        if attempt == _ATTEMPTS or not _NETWORK.search(reason):
            break
        time.sleep(_RETRY_SECONDS)
    how = f"status {status}" if status > 0 else f"{signal.Signals(-status).name}: was memory short?"
    if shutil.disk_usage(outputs).free < 1 << 30:
        how += "; the disk is nearly full"
    names = ", ".join(program.name for program in programs)
    msg = f"building {names} failed ({how}); see {shown(log)}:\n{reason}"
    raise BuildFailed(msg)


def _run(command: Sequence[str], environment: Mapping[str, str], log: Path, step: Step) -> int:
    """Run `go build -v`, whose every line is a package compiled or a module fetched; its exit status.

    When we are interrupted or killed, go and its compilers end too.
    """
    log.write_bytes(b"")
    group = ProcessGroup()
    try:
        process = group.spawn(command, log, environment)
        count = 0
        with log.open("rb") as lines:
            while (status := process.poll()) is None:
                count += lines.read().count(b"\n")
                step.update(f"{count} packages")
                time.sleep(0.1)
        return status
    finally:
        group.close()


def _complaints(log: Path) -> str:
    """The end of what go said, without the bare names of packages that it was done with or busy with."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if " " in line]
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])
