"""Containers by docker or podman, whichever answers: as `make images` does."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

# As a pod of manifests/ runs, and on the host's network, where the devstack is.
_AS_IN_A_POD = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=host")


def _answers(name: str) -> bool:
    return shutil.which(name) is not None and _quiet(name, "info")


def _quiet(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def builder() -> str | None:
    return os.environ.get("BUILDER") or next((name for name in ("docker", "podman") if _answers(name)), None)


@dataclass(frozen=True)
class Engine:
    program: str

    def run(self, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=timeout, check=False)

    def output(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, image: str, *options: str, environment: dict[str, str]) -> "Container":
        variables = [f"--env={name}={value}" for name, value in environment.items()]
        created = self.output("create", *_AS_IN_A_POD, *options, *variables, image)
        began = time.monotonic()
        self.output("start", created)
        return Container(self, created, began)


@dataclass(frozen=True)
class Container:
    """`began` is when its start was asked for, by the monotonic clock."""

    engine: Engine
    id: str
    began: float

    def seconds_until(self, holds: Callable[[], bool], timeout: float = 30) -> float:
        while not holds():
            assert time.monotonic() - self.began < timeout, self.logs()
            time.sleep(0.01)
        return time.monotonic() - self.began

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM and wait: exit code and seconds. Raises TimeoutExpired when it does not end in 10 s."""
        asked = time.monotonic()
        self.engine.output("kill", "--signal=TERM", self.id)
        done = self.engine.run("wait", self.id, timeout=10)
        return int(done.stdout), time.monotonic() - asked

    def logs(self) -> str:
        done = self.engine.run("logs", self.id)
        return done.stdout + done.stderr

    def remove(self) -> None:
        self.engine.run("rm", "--force", self.id)
