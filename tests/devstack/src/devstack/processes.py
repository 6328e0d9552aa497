"""Child processes that end with us, however we end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devstack.errors import DevstackError, PartFailed, tail

# The leader of the process group waits on a pipe of which we hold the other end. When we are gone, be it by
# kill -9, the kernel closes our end, the read comes back, and the leader kills its group (0), itself included.
_LEADER = "trap '' INT TERM HUP; read -r _; kill -KILL 0"
# What parts see of our environment. ETCD_*, CONSUL_* and proxies of the user's are not meant for them.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "TZ")


class ProcessGroup:
    """A process group of its own for all that one supervisor starts.

    A terminal's Ctrl-C does not reach it, so that the supervisor can stop its parts in order. A new member joins
    between fork and exec, so there is no moment at which a child would outlive us: where the group is gone by
    then, it does not start. A process that we fork without exec holds the pipe open too.
    """

    def __init__(self) -> None:
        self._members: list[subprocess.Popen[bytes]] = []
        read, self._pipe = os.pipe()
        try:
            self._leader = subprocess.Popen(
                ["/bin/sh", "-c", _LEADER],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        finally:
            os.close(read)

    @property
    def pid(self) -> int:
        return self._leader.pid

    def spawn(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a member; stdout and stderr are appended to the log. Raises DevstackError when the group has ended."""
        if self._leader.poll() is not None:
            msg = f"cannot start {command[0]}: the process group of this stack has ended"
            raise DevstackError(msg)
        with log.open("ab") as output:
            member = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=self.pid,
            )
        self._members.append(member)
        return member

    def close(self) -> None:
        """Kill what is still there. Idempotent."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
            for process in (self._leader, *self._members):
                process.wait()


def inherited_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


class Process:
    """One program under a ProcessGroup that can be stopped, killed, frozen and started again.

    `command` and `environment` are asked for at each start. `on_change` is called after each start and end.
    """

    grace = 10.0
    """Seconds from SIGTERM to SIGKILL in `stop`."""

    def __init__(self, name: str, group: ProcessGroup, log: Path, on_change: Callable[[], None]) -> None:
        self.name = name
        self.log = log
        self._group = group
        self._on_change = on_change
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._end_is_ours = False

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return inherited_environment()

    @property
    def pid(self) -> int | None:
        """The pid while it runs (or is frozen), else None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def exit_status(self) -> int | None:
        """As subprocess has it (minus the signal's number when killed); None while it runs or never ran."""
        return None if self._process is None else self._process.poll()

    @property
    def crashed(self) -> bool:
        """It has ended, and neither `stop` nor `kill` was the reason."""
        return self.exit_status is not None and not self._end_is_ours

    def spawn(self) -> None:
        """Start it without waiting for anything. Raises PartFailed when it already runs."""
        if self.running:
            msg = f"{self.name} is running already (pid {self.pid})"
            raise PartFailed(msg)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._end_is_ours = False
        self._process = self._group.spawn(self.command(), self.log, self.environment())
        self._on_change()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the grace. Does nothing when it does not run."""
        process = self._process
        if process is None:
            return
        self._end_is_ours |= process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)  # frozen processes take no SIGTERM
        try:
            process.wait(self.grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._on_change()

    def kill(self) -> None:
        """SIGKILL, as a crash or a lost machine. Does nothing when it does not run."""
        process = self._process
        if process is None:
            return
        self._end_is_ours |= process.poll() is None
        process.kill()
        process.wait()
        self._on_change()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Give back what we hold to talk to it; called when it has ended."""

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself and return its exit status. Raises PartFailed when it does not."""
        if self._process is None:
            msg = f"{self.name} was never started"
            raise PartFailed(msg)
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            msg = f"{self.name} did not end within {timeout:g} s{self.last_lines()}"
            raise PartFailed(msg) from error
        self._on_change()
        return status

    def wait_until(self, ready: Callable[[], bool], timeout: float, what: str = "ready") -> None:
        """Poll until `ready()`. Raises PartFailed, with the log's last lines, when it ends before or never is."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                msg = f"{self.name} ended with status {self.exit_status} before it was {what}{self.last_lines()}"
                raise PartFailed(msg)
            if time.monotonic() > deadline:
                msg = f"{self.name} was not {what} within {timeout:g} s{self.last_lines()}"
                raise PartFailed(msg)
            time.sleep(0.05)

    def last_lines(self) -> str:
        """The end of its log with the log's name, as the end of an error message."""
        lines = tail(self.log)
        return f"; the last lines of {self.log}:\n{lines}" if lines else f"; {self.log} is empty"

    def output(self) -> str:
        """What it has logged since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _signal(self, number: signal.Signals) -> None:
        if not self.running or self._process is None:
            msg = f"{self.name} is not running"
            raise PartFailed(msg)
        self._process.send_signal(number)


class Command(Process):
    """A program with a fixed command line: what a demonstration or a test runs beside the parts."""

    def __init__(
        self,
        name: str,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        group: ProcessGroup,
        log: Path,
        on_change: Callable[[], None],
    ) -> None:
        super().__init__(name, group, log, on_change)
        self._command = tuple(command)
        self._environment = dict(environment)

    def command(self) -> Sequence[str]:
        return self._command

    def environment(self) -> Mapping[str, str]:
        return inherited_environment() | self._environment
