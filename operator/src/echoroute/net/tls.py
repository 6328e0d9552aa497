"""TLS as settings name it, and the context made of it."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from echoroute.errors import SettingsError
from echoroute.net.files import Fingerprint, fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a server is verified and how we identify ourselves.

    Without `ca_file` and `ca_path` the system's certificate authorities are trusted; with either, only those given.
    `server_name` is the name expected in the certificate where it is not the address's host.
    """

    ca_file: Path | None = None
    ca_path: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    server_name: str | None = None
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """Read the files. Raises `SettingsError` that names the file which cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file, capath=self.ca_path)
        except OSError as error:
            raise SettingsError(f"CA certificates {self.ca_file or self.ca_path}: {_reason(error)}") from None
        if self.client_cert is not None:
            try:
                # A password cannot be asked for: an encrypted key fails instead of blocking on the terminal.
                context.load_cert_chain(self.client_cert, self.client_key, password="")
            except OSError as error:
                raise SettingsError(f"client certificate {self.client_cert}: {_reason(error)}") from None
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def fingerprints(self) -> tuple[Fingerprint | None, ...]:
        """Differs once one of the files was written or replaced."""
        paths = (self.ca_file, self.ca_path, self.client_cert, self.client_key)
        return tuple(fingerprint(path) for path in paths if path is not None)


def _reason(error: OSError) -> str:
    # ssl.SSLError is an OSError whose strerror is OpenSSL's internal text.
    if isinstance(error, ssl.SSLError):
        return f"not usable as PEM: {error.reason or 'no certificate found'}"
    return error.strerror or str(error)
