"""One agent: its name is resolved once, and the address that answered is kept.

The agent that holds a registration is the only one that can be asked about it, and the only one that can remove it:
deregistered elsewhere, the service comes back (Consul's anti-entropy). A name with several addresses must
therefore not lead somewhere else on the next request. The one exception is an address that has stopped
answering and that the name no longer has: the agent has moved (a restarted pod has a new address). Which of the name's
addresses it has then is found out in relocation.py, once an agent holds a registration.
"""

import socket
import time
from dataclasses import dataclass

from consul_init.consul_settings import ConsulAddress
from consul_init.errors import UnreachableError
from consul_init.log import LOGGER, Log

# Seconds without an answer before the name is looked up again.
MOVED_AFTER = 10.0


@dataclass(frozen=True)
class Target:
    """`address` is what `socket.connect` takes; `host` is for people."""

    family: int
    address: str | tuple[object, ...]
    host: str


class Endpoint:
    """Opens TCP or unix connections to the one agent. Used by one thread at a time."""

    def __init__(self, address: ConsulAddress, log: Log = LOGGER) -> None:
        self._address = address
        self._log = log
        self._kept: Target | None = None
        self._silent_since: float | None = None
        self.holds_a_registration = False
        """Then another address is taken only where `keep` or `forget` says so."""

    def connect(self, timeout: float, at: Target | None = None) -> socket.socket:
        """A connected socket whose timeout is `timeout` seconds, to the agent or to the one `at` this address.

        Raises UnreachableError.
        """
        if at is not None:
            return self._open(at, timeout)
        if self._address.scheme == "unix":
            return self._open(Target(socket.AF_UNIX, self._address.host, self._address.host), timeout)
        if self._kept is not None:
            try:
                connection = self._open(self._kept, timeout)
            except UnreachableError:
                self._notice_silence()
                raise
            self._silent_since = None
            return connection
        return self._connect_first(timeout)

    def silent_for(self) -> float:
        """Seconds since the agent's address has stopped answering; 0 where it answers."""
        return 0.0 if self._silent_since is None else time.monotonic() - self._silent_since

    def others(self) -> list[Target]:
        """The addresses that the name has now beside the agent's. Raises UnreachableError."""
        return [] if self._address.scheme == "unix" else [each for each in self._resolve() if each != self._kept]

    def has_moved(self) -> bool:
        """Whether the name has other addresses, and no longer the agent's. Raises UnreachableError."""
        return self._kept is not None and self._address.scheme != "unix" and self._kept not in self._resolve()

    def keep(self, target: Target) -> None:
        """The agent is there now."""
        self._kept, self._silent_since = target, None

    def forget(self) -> None:
        """Take the first address that answers."""
        self._kept = self._silent_since = None

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

    def _resolve(self) -> list[Target]:
        try:
            found = socket.getaddrinfo(self._address.host, self._address.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise UnreachableError(f"{self._address} cannot be resolved: {error}") from error
        return [Target(family, target, str(target[0])) for family, _, _, _, target in found]

    def _open(self, target: Target, timeout: float) -> socket.socket:
        connection = socket.socket(target.family, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(target.address)
        except OSError as error:
            connection.close()
            at = "" if target.host == self._address.host else f" at {target.host}"
            raise UnreachableError(f"no connection to {self._address}{at}: {error}") from error
        return connection

    def _notice_silence(self) -> None:
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        if self.holds_a_registration or self.silent_for() < MOVED_AFTER:
            return
        try:
            moved = self.has_moved()
        except UnreachableError:
            return
        if moved:
            self._log.warning("%s has another address now: looking for the agent anew", self._address)
            self.forget()
