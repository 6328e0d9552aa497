"""What every set of processes of ours shares: a folder, a lock on it, one process group, and a record of who runs."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from devstack.errors import AlreadyRunning, DevstackError, PartFailed
from devstack.identity import ProcessIdentity
from devstack.locks import try_lock
from devstack.processes import Command, Process, ProcessGroup
from devstack.state import LOCK, State, end_leftovers, forget_state, write_state


class Supervisor:
    """Starts processes in a folder of its own and ends exactly those, however it ends itself; a context manager.

    A subclass says what is started (`_start_processes`) and how others use it (`environment`). Data are gone when
    it stops, logs stay until the next start in this folder. Not thread-safe.

    Raises AlreadyRunning, and PartFailed when a part does not come up.
    """

    command_line = "devstack"
    """The program whose `down --name` ends it, for messages."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: IO[bytes] | None = None
        self._group: ProcessGroup | None = None
        self._processes: list[Process] = []
        self._ready = False

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def logs(self) -> Path:
        return self.directory / "logs"

    def environment(self) -> dict[str, str]:
        """For programs that use what runs here as its administrator would."""
        raise NotImplementedError

    def _start_processes(self) -> None:
        """Start everything and wait until it is ready."""
        raise NotImplementedError

    def start(self) -> None:
        """Start all and wait until they are ready; on any failure nothing is left running."""
        if sys.platform != "linux":
            msg = "the devstack needs Linux (it tells processes apart by /proc and pidfd); elsewhere: docker compose up"
            raise DevstackError(msg)
        self._lock = try_lock(self.directory / LOCK)
        if self._lock is None:
            down = f"{self.command_line} down --name {self.name}"
            msg = f"something runs in {self.directory} already: end it with `{down}`"
            raise AlreadyRunning(msg)
        self._end_leftovers()
        try:
            self._start_processes()
            self._ready = True
            self._record()
        except BaseException:
            self.stop()
            raise

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Command:
        """Start a program beside the others: it has a log of its own, and ends before them and with them.

        It sees PATH, HOME and what `environment` says, and nothing else of ours.
        """
        if self._group is None:
            msg = f"{self.name} is not running"
            raise DevstackError(msg)
        log = self.logs / f"{name}.log"
        process = Command(
            name, command=command, environment=environment, group=self._group, log=log, on_change=self._record
        )
        self._processes.append(process)
        process.spawn()
        return process

    def check(self) -> None:
        """Raises PartFailed when a process that is to stay has ended though nobody asked it to."""
        raise NotImplementedError

    def stop(self) -> None:
        """End everything, the last started first. Idempotent; a second Ctrl-C kills what is left."""
        if self._lock is None:
            return  # never started: what runs in this folder is somebody else's
        try:
            self._end_processes()
        finally:
            forget_state(self.directory)
            self._lock.close()
            self._lock = None

    def _end_leftovers(self) -> None:
        """What a supervisor that died in this folder has left."""
        end_leftovers(self.directory)

    def _end_processes(self) -> None:
        self._ready = False
        try:
            for process in reversed(self._processes):
                process.stop()
        finally:
            if self._group is not None:
                self._group.close()
                self._group = None
            for process in self._processes:
                process.close()
            self._processes = []
            shutil.rmtree(self.directory / "data", ignore_errors=True)

    def _raise_if_crashed(self, processes: Sequence[Process]) -> None:
        for process in processes:
            if process.crashed:
                how = f"has ended with status {process.exit_status}, which ends all of {self.name}"
                msg = f"{process.name} {how}{process.last_lines()}"
                raise PartFailed(msg)

    def _record(self) -> None:
        """Write down what runs now, for the commands `status` and `down`."""
        supervisor = ProcessIdentity.of(os.getpid())
        if supervisor is None or self._group is None:
            return
        pids = {"process group": self._group.pid}
        pids |= {process.name: process.pid for process in self._processes if process.pid is not None}
        identities = {name: ProcessIdentity.of(pid) for name, pid in pids.items()}
        state = State(
            supervisor=supervisor,
            ready=self._ready,
            processes={name: identity for name, identity in identities.items() if identity is not None},
            environment=self.environment(),
        )
        write_state(self.directory, state)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
