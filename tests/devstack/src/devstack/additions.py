"""Files added to a pinned module before it is built: what its release lacks and its programs do not start without.

They lie in a folder `additions` beside the module's go.mod, at the paths that they have in the module.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from devstack.errors import BuildFailed
from devstack.golang import Go
from devstack.programs import Program


def files(program: Program) -> Iterator[Path]:
    """The additions of a program's module, in order; most have none."""
    return (path for path in sorted((program.directory / "additions").rglob("*")) if path.is_file())


def flags(program: Program, go: Go, scratch: Path) -> list[str]:
    """For `go build`: a go.mod by which the module is a copy, in `scratch`, that has the additions.

    Nothing where there are none. Raises BuildFailed.
    """
    if not any(files(program)):
        return []
    copy = scratch / "module"
    shutil.copytree(_download(program, go), copy, copy_function=shutil.copyfile)
    for folder, _, _ in os.walk(copy):
        Path(folder).chmod(0o755)  # Go's module cache is read-only
    for path in files(program):
        target = copy / path.relative_to(program.directory / "additions")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    go_mod = scratch / "go.mod"
    go_mod.write_text(f"{(program.directory / 'go.mod').read_text()}\nreplace {program.module} => {copy}\n")
    shutil.copyfile(program.directory / "go.sum", scratch / "go.sum")
    return [f"-modfile={go_mod}"]


def _download(program: Program, go: Go) -> Path:
    """The folder of the module in Go's module cache, verified by go.sum."""
    command = [str(go.path), "mod", "download", "-json", program.module]
    answer = subprocess.run(
        command, cwd=program.directory, env=go.environment(), capture_output=True, text=True, check=False
    )
    # It tells what went wrong on stdout, too, as JSON.
    facts = json.loads(answer.stdout or "{}")
    if answer.returncode != 0:
        msg = f"`{' '.join(command)}` failed: {facts.get('Error') or answer.stderr.strip()}"
        raise BuildFailed(msg)
    return Path(facts["Dir"])
