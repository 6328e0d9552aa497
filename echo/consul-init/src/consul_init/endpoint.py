"""One agent: its name is resolved once, and the address that answered is kept.

The agent that holds a registration is the only one that can be asked about it, and the only one that can remove it:
deregistered elsewhere, the service comes back (Consul's anti-entropy). A name with several addresses must
therefore not lead somewhere else on the next request. The one exception is an address that has stopped
answering and that the name no longer has: the agent has moved (a restarted pod has a new address).
"""

import socket
import time
from dataclasses import dataclass

from consul_init.consul_settings import ConsulAddress
from consul_init.errors import UnreachableError
from consul_init.log import LOGGER, Log

# Seconds without an answer before the name is looked up again.
_MOVED_AFTER = 10.0


@dataclass(frozen=True)
class _Target:
    """`address` is what `socket.connect` takes; `host` is for people."""

    family: int
    address: str | tuple[object, ...]
    host: str


class Endpoint:
    """Opens TCP or unix connections to the one agent. Used by one thread at a time."""

    def __init__(self, address: ConsulAddress, log: Log = LOGGER) -> None:
        self._address = address
        self._log = log
        self._kept: _Target | None = None
        self._silent_since: float | None = None

    def connect(self, timeout: float) -> socket.socket:
        """A connected socket whose timeout is `timeout` seconds. Raises UnreachableError."""
        if self._address.scheme == "unix":
            return self._open(_Target(socket.AF_UNIX, self._address.host, self._address.host), timeout)
        if self._kept is not None:
            try:
                connection = self._open(self._kept, timeout)
            except UnreachableError:
                self._forget_if_moved(self._kept)
                raise
            self._silent_since = None
            return connection
        return self._connect_first(timeout)

    def _connect_first(self, timeout: float) -> socket.socket:
        candidates = self._resolve()
        deadline = time.monotonic() + timeout
        for index, candidate in enumerate(candidates):
            left = len(candidates) - index
            try:
                connection = self._open(candidate, max(0.1, (deadline - time.monotonic()) / left))
            except UnreachableError:
                if left == 1:
                    raise
                continue
            self._kept = candidate
            if len(candidates) > 1:
                self._log.info("%s has %d addresses; keeping to %s", self._address, len(candidates), candidate.host)
            connection.settimeout(timeout)
            return connection
        raise UnreachableError(f"{self._address} has no address")

    def _resolve(self) -> list[_Target]:
        try:
            found = socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UnreachableError(f"{self._address} cannot be resolved: {error}") from error
        return [_Target(family, target, str(target[0])) for family, _, _, _, target in found]

    def _open(self, target: _Target, timeout: float) -> socket.socket:
        connection = socket.socket(target.family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(target.address)
        except OSError as error:
            connection.close()
            at = "" if target.host == self._address.host else f" at {target.host}"
            raise UnreachableError(f"no connection to {self._address}{at}: {error}") from error
        return connection

    def _forget_if_moved(self, kept: _Target) -> None:
        now = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since < _MOVED_AFTER:
            return
        self._silent_since = now
        try:
            current = self._resolve()
        except UnreachableError:
            return
        if kept not in current:
            self._log.warning("%s is no longer at %s: looking for the agent anew", self._address, kept.host)
            self._kept = None
