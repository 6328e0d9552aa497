"""Stamps: a hash of all that went into a binary, kept beside it, so that it is rebuilt only when that changes."""

import hashlib
import platform
from collections.abc import Iterator
from pathlib import Path

from devstack import additions
from devstack.programs import Program, linker_flags


def _sources(program: Program) -> Iterator[Path]:
    """A pinned module is told by go.mod, go.sum and additions; of our own sources all files but tests and texts."""
    if program.module:
        yield from (program.directory / "go.mod", program.directory / "go.sum", *additions.files(program))
        return
    for path in sorted(program.directory.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(program.directory).parts)
        if path.is_file() and not hidden and not path.name.endswith(("_test.go", ".md")):
            yield path


def fingerprint(program: Program) -> str:
    """SHA-256 over the sources, the package, the flags and the machine's architecture.

    The version of Go is left out on purpose: a new Go is no reason to build for six minutes.
    """
    digest = hashlib.sha256()
    for text in (program.package, linker_flags(program), platform.system(), platform.machine()):
        digest.update(text.encode() + b"\0")
    for path in _sources(program):
        name = path.relative_to(program.directory).as_posix()
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _stamp(binary: Path) -> Path:
    return binary.with_name(f"{binary.name}.stamp")


def is_fresh(program: Program, binary: Path) -> bool:
    """Whether the binary was built from what is there now."""
    return is_stamped(binary, fingerprint(program))


def is_stamped(binary: Path, expected: str) -> bool:
    """Whether the binary has this stamp."""
    try:
        return binary.is_file() and _stamp(binary).read_text() == expected
    except FileNotFoundError:
        return False


def forget(binary: Path) -> None:
    _stamp(binary).unlink(missing_ok=True)


def write(stamp: str, binary: Path) -> None:
    _stamp(binary).write_text(stamp)
