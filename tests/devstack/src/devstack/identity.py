"""Which process a pid meant: a pid alone may belong to somebody else by the time it is used."""

import os
import signal
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process (proc_pid_stat(5), field 22); None when it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the name in parentheses, in which anything may stand: count from its end.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else int(started)


class ProcessIdentity(BaseModel):
    """A process, once and for all: pid, start time and the boot in which both were true."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this pid now; None when there is none."""
        started = _start_time(pid)
        return None if started is None else cls(pid=pid, started=started, boot=_BOOT_ID.read_text().strip())

    def is_alive(self) -> bool:
        return type(self).of(self.pid) == self

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to this very process; False when it has ended.

        The pidfd is opened first and then looked at: it goes on meaning the same process, so that no signal ever
        reaches another one that has been given the pid since.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.is_alive():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)
