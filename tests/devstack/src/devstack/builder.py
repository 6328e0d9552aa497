"""Builds what is missing with Go: one module after the other, verified, into .cache/devstack/bin."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devstack import stamps
from devstack.errors import BuildFailed, tail
from devstack.find import Binaries, take_inventory
from devstack.golang import Go, ensure_go, environment
from devstack.locks import locked
from devstack.paths import BIN, BUILD_LOCK, BUILD_LOGS, shown
from devstack.programs import PROGRAMS, Program, linker_flags, pinned_version
from devstack.progress import Step, say

_ATTEMPTS = 3
_RETRY_SECONDS = 3.0
# Failures of the network on the way to the module proxy: what was fetched stays, so another try goes on from there.
_NETWORK = re.compile(
    r"dial tcp|i/o timeout|connection (reset|refused)|TLS handshake timeout|unexpected EOF|(429|50[234]) \w+"
)


def build(names: Iterable[str]) -> Binaries:
    """Find the programs, build what is missing, and say each on a line of its own (on stderr).

    One process builds at a time. Raises BuildFailed.
    """
    wanted = set(names)
    if unknown := sorted(wanted - set(PROGRAMS)):
        msg = f"unknown: {', '.join(unknown)}; there are {', '.join(PROGRAMS)}"
        raise BuildFailed(msg)
    names = [name for name in PROGRAMS if name in wanted]  # those of one module side by side
    BUILD_LOCK.parent.mkdir(parents=True, exist_ok=True)
    with locked(BUILD_LOCK, lambda: say("another process is building; waiting for it")):
        inventory = take_inventory(names)
        if inventory.missing:
            for line in inventory.refused:
                say(line)
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
            _go_build(programs, go, outputs, log, step)
            step.finish("built")
        for program in programs:
            binary = BIN / program.name
            stamps.forget(binary)
            (outputs / program.name).replace(binary)
            stamps.write(fingerprints[program.name], binary)


def _go_build(programs: Sequence[Program], go: Go, outputs: Path, log: Path, step: Step) -> None:
    flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags(programs[0])]
    # For several packages Go wants a folder and names each binary after its package's last element.
    target = f"{outputs}/" if len(programs) > 1 else str(outputs / programs[0].name)
    command = [str(go.path), "build", *flags, "-o", target, *(program.package for program in programs)]
    for attempt in range(1, _ATTEMPTS + 1):
        code = _run(command, programs[0].directory, log, step)
        if code == 0:
            return
        if attempt == _ATTEMPTS or not _NETWORK.search(tail(log, lines=5)):
            break
        time.sleep(_RETRY_SECONDS)
    free = shutil.disk_usage(outputs).free
    space = "\n    (the disk is nearly full)" if free < 1 << 30 else ""
    names = ", ".join(program.name for program in programs)
    msg = f"building {names} failed; the last lines of {shown(log)}:\n{tail(log)}{space}"
    raise BuildFailed(msg)


def _run(command: Sequence[str], directory: Path, log: Path, step: Step) -> int:
    """Run `go build -v`, whose every line on stderr is a package compiled or a module fetched."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=directory, env=environment(), stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, process_group=0,
        )  # fmt: skip
    with _ended_with_us(process), log.open("rb") as lines:
        count = 0
        while process.poll() is None:
            count += lines.read().count(b"\n")
            step.update(f"{count} packages")
            time.sleep(0.1)
    return process.returncode


@contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """On Ctrl-C or any other error end `go` with the compilers it has started."""
    try:
        yield
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
