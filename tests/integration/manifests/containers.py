"""Containers of the manifests as processes of this machine: their arguments, on ports and folders of a test's own."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.processes import ProcessGroup, inherited_environment

from .rendered import MANIFESTS, containers, render, workloads


def arguments(kubectl: Path, pod: str, container: str) -> list[str]:
    """As the dev overlay has them."""
    template = dict(workloads(render(kubectl, MANIFESTS / "overlays/dev")))[pod]
    [found] = [each for each in containers(template) if each["name"] == container]
    return [str(word) for word in found["args"]]


class Container:
    """A program that can be killed and started again; its log is kept."""

    def __init__(self, group: ProcessGroup, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._group = group
        self._command = command
        self._log = log
        self._environment = {**inherited_environment(), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = self._group.spawn(self._command, self._log, self._environment)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """By SIGTERM; gives the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def wait(self, timeout: float = 30) -> int:
        assert self._process is not None
        return self._process.wait(timeout)

    @property
    def log(self) -> str:
        return self._log.read_text()


class Script:
    """A script that the manifests bring, with the environment that its container has."""

    def __init__(self, group: ProcessGroup, path: str, log: Path, environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, str(MANIFESTS / "components" / path)]
        self._group = group
        self._log = log
        self._environment = environment

    def run(self, command: str, timeout: float = 30) -> str:
        """To its end, which has to be a good one; gives its log."""
        done = subprocess.run(
            [*self._command, command],
            env={**inherited_environment(), **self._environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return done.stderr

    def start(self, command: str) -> Container:
        started = Container(self._group, [*self._command, command], self._log, self._environment)
        started.start()
        return started
