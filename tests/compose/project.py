"""A compose project by podman-compose, and the namespaces that it runs in."""

import json
import subprocess
import sys
from typing import Any

from cluster import podman
from devstack.paths import REPOSITORY

NAME = "echoroute-check"
_FILES = ("compose.yaml", "tests/compose/override.yaml")


def furnish() -> None:
    """Inside new namespaces: private places for what podman writes at fixed paths, and a loopback interface."""
    for command in (
        "mount --make-rprivate /",
        "mount -t tmpfs -o mode=755 tmpfs /run",
        "mkdir /run/upper /run/work",
        # Networks are defined in a folder of it.
        "mount -t overlay -o lowerdir=/etc/containers,upperdir=/run/upper,workdir=/run/work overlay /etc/containers",
        "ip link set lo up",
    ):
        subprocess.run(command.split(), check=True)


class Project:
    """compose.yaml with the override that replaces public images."""

    def __init__(self, **environment: str) -> None:
        self._environment = podman.process_environment() | environment

    def compose(self, *arguments: str, timeout: float = 120) -> str:
        """Run podman-compose and return what it said; a failure shows it."""
        files = [word for file in _FILES for word in ("-f", file)]
        command = [sys.executable, "-m", "podman_compose", *files, "-p", NAME, *arguments]
        answer = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert answer.returncode == 0, f"{' '.join(command)}:\n{answer.stdout}"
        return answer.stdout

    def inspect(self, service: str) -> dict[str, Any]:
        [found] = json.loads(podman.podman("inspect", self.container(service)))
        inspected: dict[str, Any] = found
        return inspected

    @staticmethod
    def container(service: str) -> str:
        return f"{NAME}_{service}_1"

    def logs(self) -> str:
        return self.compose("logs", "--tail", "40")
