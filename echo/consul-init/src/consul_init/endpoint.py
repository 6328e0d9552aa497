"""One agent: its name is resolved once, and the address that answered is kept.

The agent that holds a registration is the only one that can be asked about it, and the only one that can remove it:
deregistered elsewhere, the service comes back (Consul's anti-entropy). A name with several addresses must
therefore not lead somewhere else on the next request. The one exception is an address that has stopped
answering and that the name no longer has: the agent has moved (a restarted pod has a new address).
"""

import logging
import socket
import time

from consul_init.consul_settings import ConsulAddress
from consul_init.errors import UnreachableError

_log = logging.getLogger("consul_init")

# Seconds without an answer before the name is looked up again.
_MOVED_AFTER = 10.0

# The address family, and what `socket.connect` takes.
_SocketAddress = tuple[int, tuple[str | int | bytes, ...]]


class Endpoint:
    """Opens TCP or unix connections to the one agent. Used by one thread at a time."""

    def __init__(self, address: ConsulAddress) -> None:
        self._address = address
        self._kept: _SocketAddress | None = None
        self._silent_since: float | None = None

    def connect(self, timeout: float) -> socket.socket:
        """A connected socket whose timeout is `timeout` seconds. Raises UnreachableError."""
        if self._address.scheme == "unix":
            return self._open((socket.AF_UNIX, (self._address.host,)), timeout)
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
                _log.info("%s has %d addresses; keeping to %s", self._address, len(candidates), candidate[1][0])
            connection.settimeout(timeout)
            return connection
        raise UnreachableError(f"{self._address} has no address")

    def _resolve(self) -> list[_SocketAddress]:
        try:
            found = socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UnreachableError(f"{self._address} cannot be resolved: {error}") from error
        return [(family, target) for family, _, _, _, target in found]

    def _open(self, target: _SocketAddress, timeout: float) -> socket.socket:
        family, address = target
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(str(address[0]) if family == socket.AF_UNIX else address)
        except OSError as error:
            connection.close()
            at = "" if address[0] == self._address.host else f" at {address[0]}"
            raise UnreachableError(f"no connection to {self._address}{at}: {error}") from error
        return connection

    def _forget_if_moved(self, kept: _SocketAddress) -> None:
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
            _log.warning("%s is no longer at %s: looking for the agent anew", self._address, kept[1][0])
            self._kept = None
