"""Programs out of an archive: by their names alone, each into a file of our own. No path in an archive is followed."""

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from devstack.errors import Unavailable

_LARGEST = 1 << 30  # bytes of one program; kube-apiserver has 100 MB

Member = tuple[str, int, IO[bytes]]
"""Name, size and contents of a regular file."""


def unpack(archive: Path, names: set[str], into: Path) -> None:
    """Write the programs of these names into a folder. Raises Unavailable when one is not there exactly once."""
    found: set[str] = set()
    try:
        with _opened(archive) as members:
            for path, size, contents in members:
                name = PurePosixPath(path).name
                if name not in names:
                    continue
                if name in found:
                    msg = f"it has two files called {name}"
                    raise Unavailable(msg)
                if size > _LARGEST:
                    msg = f"its {name} has {size} bytes"
                    raise Unavailable(msg)
                found.add(name)
                with (into / name).open("wb") as target:
                    shutil.copyfileobj(contents, target)
                (into / name).chmod(0o755)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        msg = f"it cannot be unpacked: {error}"
        raise Unavailable(msg) from error
    if missing := sorted(names - found):
        msg = f"it has no file {', '.join(missing)}"
        raise Unavailable(msg)


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Member]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield _of_zip(opened)
    else:
        with tarfile.open(archive, "r:gz") as opened_tar:
            yield _of_tar(opened_tar)


def _of_tar(archive: tarfile.TarFile) -> Iterator[Member]:
    for member in archive:
        contents = archive.extractfile(member) if member.isreg() else None
        if contents is not None:  # links, devices and folders are nobody's program
            yield member.name, member.size, contents


def _of_zip(archive: zipfile.ZipFile) -> Iterator[Member]:
    for member in archive.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        if not member.is_dir() and kind in (0, stat.S_IFREG):
            with archive.open(member) as contents:
                yield member.filename, member.file_size, contents
