"""Published archives that have programs of the devstack in them, with the hashes that are pinned in archives.toml."""

import platform
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devstack.versions import Version

TABLE = Path(__file__).with_name("archives.toml")
# As the publishers call what Python calls otherwise.
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Archive:
    """A tar.gz or zip for this machine; `programs` has the version of each program that is taken from it."""

    url: str
    algorithm: str
    digest: str
    programs: Mapping[str, Version]


def this_platform() -> str:
    """`linux-amd64`, `darwin-arm64`."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"


def published(name: str) -> list[Archive]:
    """The archives for a platform; none where nobody publishes one."""
    return [
        Archive(
            url=entry["url"].replace("{platform}", name.replace("-", entry["separator"])),
            algorithm=entry["algorithm"],
            digest=entry["hashes"][name],
            programs={program: _version(text) for program, text in entry["programs"].items()},
        )
        for entry in tomllib.loads(TABLE.read_text())["archive"]
        if name in entry["hashes"]
    ]


def _version(text: str) -> Version:
    version = Version.find(text)
    if version is None:
        msg = f"{TABLE}: {text!r} is no version"
        raise ValueError(msg)
    return version


@cache
def here() -> tuple[Archive, ...]:
    """Those for this machine."""
    return tuple(published(this_platform()))


def archive_of(program: str) -> Archive | None:
    """The archive for this machine that has a program."""
    return next((archive for archive in here() if program in archive.programs), None)
