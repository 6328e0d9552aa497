"""The files of a folder, by polling: which of them changed, and what each of them declares.

inotify does not see what happens on the other side of a bind mount, so files are compared: by modification time, size
and inode, and now and then by content. What is being written is not read by half: a content counts once it has stood
still for `SETTLE` seconds, and so does an absence, which bridges an editor's or Git's way of replacing a file.
"""

import errno
import hashlib
import logging
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client import Gauge

from echoroute.api.manifests import InvalidManifest
from echoroute.core.declared import Declared, declared
from echoroute.errors import FolderError
from echoroute.net.files import Fingerprint, fingerprint

log = logging.getLogger(__name__)

SETTLE = 0.5
"""Seconds for which a content must stand still."""

_QUIET = 2.0
"""A file that was last written this many seconds before the first look at it is not being written."""

_MAX_SIZE = 8 * 1024 * 1024
_SUFFIXES = (".yaml", ".yml", ".json")
_NAMESPACE = "default"

_Digest = bytes
_ABSENT: _Digest = b""

folder_files = Gauge(
    "echoroute_folder_files",
    "Manifests in the folder of file mode: `good`, or `broken`, which keep what they held before.",
    ("state",),
)


@dataclass(slots=True)
class File:
    """A manifest as it was taken last. A broken one has a `problem`, and declares what it did when it was good."""

    declared: tuple[Declared, ...] = ()
    problem: str = ""
    digest: _Digest = _ABSENT
    fingerprint: Fingerprint | None = None
    pending: tuple[_Digest, float] | None = None
    """A content that has not stood still for long enough, and since when it is there."""


class Files:
    """The manifests of a folder. `scan` does blocking I/O, and must not run twice at once.

    What it has found is seen by others when it ends, and not before: it may run in another thread.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, File] = {}
        self._scanned = False
        self.known: Mapping[str, File] = {}
        """The files taken so far, by the names to show."""
        self.pending = False
        """Whether something changes right now: scan again soon."""

    def scan(self, *, reread: bool = False) -> bool:
        """Look at the folder; gives whether what its files declare, or their problems, changed.

        `reread` compares contents even where modification time, size and inode are the same. Raises `FolderError` for
        a folder that cannot be read; what is known of its files stays then.
        """
        names = self._names()
        changed = False
        for name in sorted(names | self._files.keys()):
            file = self._files.setdefault(name, File())
            changed |= self._look(name, file, reread=reread)
            if file.digest == _ABSENT and not file.pending:
                del self._files[name]
        self._scanned = True
        if changed:
            taken = {name: file for name, file in self._files.items() if file.digest != _ABSENT}
            self.known = {_shown(name): replace(file) for name, file in taken.items()}
        self.pending = any(file.pending for file in self._files.values())
        broken = sum(bool(file.problem) for file in self.known.values())
        folder_files.labels("broken").set(broken)
        folder_files.labels("good").set(len(self.known) - broken)
        return changed

    def _names(self) -> set[str]:
        """As `kubectl apply -f DIR`: this folder only. Hidden files are editors' and Kubernetes' own."""
        try:
            return {
                entry.name
                for entry in self.folder.iterdir()
                if entry.suffix in _SUFFIXES and not entry.name.startswith(".") and not entry.is_dir()
            }
        except OSError as error:
            raise FolderError(f"the folder {self.folder} cannot be read: {error.strerror}") from error

    def _look(self, name: str, file: File, *, reread: bool) -> bool:
        path = self.folder / name
        found = fingerprint(path)
        if found is not None and found == file.fingerprint and not reread and file.pending is None:
            return False
        content = _read(path)
        digest = _digest(content)
        if digest == file.digest:
            file.pending, file.fingerprint = None, found
            return False
        if not self._settled(file, digest, found):
            return False
        file.pending, file.fingerprint, file.digest = None, found, digest
        _take(_shown(name), file, content)
        return True

    def _settled(self, file: File, digest: _Digest, found: Fingerprint | None) -> bool:
        if not self._scanned and found is not None and time.time() - found[0] / 1e9 > _QUIET:
            return True
        now = time.monotonic()
        if file.pending is None or file.pending[0] != digest:
            file.pending = (digest, now)
        return now - file.pending[1] >= SETTLE


def _shown(name: str) -> str:
    """A name as it goes into logs and statuses: bytes that are no UTF-8 are written out."""
    return name.encode(errors="backslashreplace").decode()


def _read(path: Path) -> bytes | OSError | None:
    """The content; None where there is no such file, or the error that keeps it from being read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return OSError(errno.EINVAL, "it is no regular file")  # to open a pipe would wait for a writer
        with path.open("rb") as stream:
            return stream.read(_MAX_SIZE + 1)
    except FileNotFoundError:
        # What a link means is not gone because, say, its file system is not mounted.
        return OSError(errno.ENOENT, "it is a link, and its target is not there") if path.is_symlink() else None
    except OSError as error:
        return error


def _digest(content: bytes | OSError | None) -> _Digest:
    if content is None:
        return _ABSENT
    if isinstance(content, OSError):
        return f"error {content.errno}".encode()
    return hashlib.blake2b(content, digest_size=16).digest()


def _take(name: str, file: File, content: bytes | OSError | None) -> None:
    """Follow a content that has stood still; a broken one leaves what was declared before."""
    was = file.problem
    try:
        file.declared, file.problem = _parse(content), ""
    except InvalidManifest as error:
        file.problem = str(error)
    if file.problem and file.problem != was:
        log.warning("%s %s; its previous routes stay, and no route is removed meanwhile", name, file.problem)
    elif was and not file.problem:
        log.info("%s is good again" if content is not None else "%s, which was broken, is gone", name)


def _parse(content: bytes | OSError | None) -> tuple[Declared, ...]:
    if content is None:
        return ()
    if isinstance(content, OSError):
        raise InvalidManifest(f"cannot be read: {content.strerror}")
    if len(content) > _MAX_SIZE:
        raise InvalidManifest(f"is larger than {_MAX_SIZE // 1024**2} MiB; split it")
    try:
        return tuple(declared(content.decode(), namespace=_NAMESPACE))
    except UnicodeDecodeError as error:
        raise InvalidManifest(f"is not UTF-8: byte {error.start}") from error
