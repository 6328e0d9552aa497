"""A secret for a request header, from a value or from a file that may change while the process runs."""

import logging
from pathlib import Path

from echoroute.errors import SettingsError
from echoroute.net.files import Fingerprint, fingerprint

log = logging.getLogger(__name__)


class Credential:
    """Gives the secret as it is now. A file is read again when its time, size or inode changed.

    A file that cannot be read, or that holds nothing usable, is an error at the start only; later the last good secret
    goes on being used, since a rotation may be caught half way. Surrounding blanks and newlines are not part of it.

    Raises `SettingsError` when made, naming the setting and never the secret.
    """

    __slots__ = ("_fingerprint", "_path", "_value", "setting")

    def __init__(self, setting: str, *, value: str = "", file: Path | None = None) -> None:
        self.setting = setting
        """Where people have set it."""
        self._path = file
        self._fingerprint: Fingerprint | None = None
        self._value = value.strip() if file is None else self._read(file)
        self._check(self._value)

    def __repr__(self) -> str:
        return f"Credential({self.setting})"

    def value(self) -> str:
        """The secret; costs one stat where it is in a file."""
        if self._path is not None and fingerprint(self._path) != self._fingerprint:
            self.reread()
        return self._value

    def reread(self) -> str:
        """The secret as the file has it now, whatever its time says: for use after an answer that refuses it."""
        if self._path is not None:
            try:
                fresh = self._read(self._path)
                self._check(fresh)
            except SettingsError as error:
                log.warning("%s; the last good value stays in use", error)
            else:
                self._value = fresh
        return self._value

    def _read(self, path: Path) -> str:
        # Taken before the content: a write in between is seen at the next look.
        self._fingerprint = fingerprint(path)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{self.setting}: {path} cannot be read: {reason}") from None

    def _check(self, value: str) -> None:
        if not value:
            where = f"{self._path} is empty" if self._path else "it is empty"
            raise SettingsError(f"{self.setting}: {where}")
        if not (value.isascii() and value.isprintable()):
            raise SettingsError(f"{self.setting}: it has characters that cannot be sent in an HTTP header")
