"""Processes below us: starting the command, and collecting every child that ends, as the first process of a container
must (orphans are handed to it, and stay zombies until it waits for them).
"""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Sequence

# What a shell says (https://www.gnu.org/software/bash/manual/html_node/Exit-Status.html).
NOT_EXECUTABLE, NOT_FOUND, KILLED_BY_SIGNAL = 126, 127, 128

# Python ignores these for itself; a program of another language expects the default.
_IGNORED_BY_PYTHON = tuple(getattr(signal, name) for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ") if hasattr(signal, name))

# Ours to know. A command that speaks with Consul itself has the file that CONSUL_HTTP_TOKEN_FILE names.
_SECRETS = ("CONSUL_HTTP_TOKEN", "CONSUL_HTTP_AUTH")
_PR_SET_CHILD_SUBREAPER = 36


class StartError(Exception):
    """The command cannot be started. `exit_code` is what a shell would end with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Child:
    """The command, in a process group of its own: a Ctrl-C in the terminal reaches us only, and we decide when the
    command is told.
    """

    def __init__(self, command: Sequence[str]) -> None:
        """Raises StartError."""
        environment = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        try:
            self.pid = os.posix_spawnp(
                command[0], list(command), environment, setpgroup=0, setsigmask=(), setsigdef=_IGNORED_BY_PYTHON
            )
        except OSError as error:
            exit_code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
            raise StartError(f"{command[0]}: {error.strerror}", exit_code) from error
        self.exit_code: int | None = None
        self._group_is_gone = False

    def reap(self) -> None:
        """Collect all children that have ended; sets `exit_code` when the command is among them."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.pid:
                code = os.waitstatus_to_exitcode(status)
                self.exit_code = code if code >= 0 else KILLED_BY_SIGNAL - code

    def send(self, signum: int) -> None:
        """Forward a signal to the command itself."""
        if self.exit_code is None:
            os.kill(self.pid, signum)

    def send_to_group(self, signum: int) -> None:
        """To the command and all it has started, as a terminal does: a shell that runs a server tells it nothing."""
        if self.has_ended:
            return
        try:
            os.killpg(self.pid, signum)
        except ProcessLookupError:
            self._group_is_gone = True
        except PermissionError:  # some became another user: told is who can be told
            pass

    @property
    def has_ended(self) -> bool:
        """Whether the command has, and all that it has started and that did not leave its process group."""
        if self.exit_code is None or self._group_is_gone:
            return self._group_is_gone
        with contextlib.suppress(PermissionError):
            try:
                os.killpg(self.pid, 0)
            except ProcessLookupError:
                self._group_is_gone = True  # for good: its number may be given to others
        return self._group_is_gone


def adopt_orphans() -> None:
    """Have orphans of the command's handed to us also where we are not the first process (prctl(2))."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - for the wrapper alone

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
