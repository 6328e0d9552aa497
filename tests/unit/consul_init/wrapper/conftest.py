"""Wrapped programs, each in a process of its own; what answers as Consul refuses everything."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest


@pytest.fixture(autouse=True)
def _default_hangup():
    """A test run under nohup ignores SIGHUP, and so would all programs that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def consul_variables(scripted) -> dict[str, str]:
    """The environment of the wrapper."""
    consul = scripted(lambda _seen: (404, ""))
    return {
        **os.environ,
        "SERVICE_NAME": "wrapped",
        "SERVICE_PORT": "8000",
        "SERVICE_ADDRESS": "127.0.0.1",
        "SERVICE_DRAIN": "300ms",
        "CONSUL_HTTP_ADDR": f"127.0.0.1:{consul.port}",
        "CONSUL_INIT_SOCKET": f"@{secrets.token_hex(8)}",
    }


@pytest.fixture
def wrapped(consul_variables, tmp_path):
    """A factory of wrapped Python programs; what is still there after the test is killed."""
    log = (tmp_path / "log").open("w")
    processes: list[subprocess.Popen[str]] = []

    def start(
        code: str, *arguments: str, before: Sequence[str] = (), group: int | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        run = [sys.executable, "-m", "consul_init", "run", "--", sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(
            [*before, *run],
            env={**consul_variables, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            process_group=group,
        )
        processes.append(process)
        assert process.stdout is not None
        if "ready" in code:
            assert process.stdout.readline() == "ready\n", (tmp_path / "log").read_text()
        return process

    yield start
    for each in processes:
        if each.poll() is None:
            each.kill()
        each.wait()
        each.stdin.close()
        each.stdout.close()
    log.close()
