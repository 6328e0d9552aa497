"""`devstack up`, `status`, `env`, `logs` and `down`, and what becomes of a stack whose supervisor dies."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.find import Binaries
from devstack.identity import ProcessIdentity
from devstack.instances import directory_of, supervised
from devstack.state import State, read_state, write_state

_DEVSTACK = [sys.executable, "-m", "devstack"]


def _devstack(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_DEVSTACK, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def name(devstack_binaries: Binaries) -> Iterator[str]:
    """The name of a stack of the test's own."""
    name = f"test-cli-{secrets.token_hex(3)}"
    yield name
    _devstack("down", "--name", name)
    shutil.rmtree(directory_of(name), ignore_errors=True)
    directory_of(name).with_suffix(".log").unlink(missing_ok=True)


def _wait_ready(name: str) -> State:
    deadline = time.monotonic() + 30
    while True:
        state = read_state(directory_of(name))
        if state is not None and state.ready:
            return state
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _survivors(state: State, seconds: float = 5) -> list[str]:
    """Names of those that are still there after a while."""
    deadline = time.monotonic() + seconds
    while True:
        alive = [name for name, identity in state.processes.items() if identity.is_alive()]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.05)


def test_up_stays_until_ctrl_c(name: str) -> None:
    """Ctrl-C also counts where a shell has started it in the background, with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        up = subprocess.Popen([*_DEVSTACK, "up", "--name", name], stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with up:
        assert up.stdout is not None
        said = ""
        while "To end it:  Ctrl-C" not in said:
            line = up.stdout.readline()
            assert line
            said += line
        state = _wait_ready(name)
        assert {"etcd", "consul", "gateway", "kube-apiserver"} <= set(state.processes)
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=30)
    assert up.returncode == 0
    assert state.environment["APISIX_GATEWAY_URL"] in said
    assert Path(state.environment["APISIX_ADMIN_KEY_FILE"]).read_text() not in said
    assert _survivors(state, seconds=0) == []
    assert read_state(directory_of(name)) is None
    assert not (directory_of(name) / "data").exists()
    assert (directory_of(name) / "logs" / "consul.log").exists(), "logs stay"


def test_ctrl_c_in_the_middle_of_the_start(name: str) -> None:
    with subprocess.Popen([*_DEVSTACK, "up", "--name", name], stdout=subprocess.DEVNULL) as up:
        deadline = time.monotonic() + 30
        while "etcd" not in (state.processes if (state := read_state(directory_of(name))) else {}):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        up.send_signal(signal.SIGINT)
        up.wait(30)
    assert state is not None
    assert _survivors(state, seconds=0) == []
    assert not supervised(directory_of(name))


def test_kill_9_of_the_supervisor_leaves_nothing(name: str) -> None:
    with subprocess.Popen([*_DEVSTACK, "up", "--name", name], stdout=subprocess.DEVNULL) as up:
        state = _wait_ready(name)
        assert len([one for one in state.processes.values() if one.is_alive()]) == 5
        up.kill()
        up.wait()
    assert _survivors(state) == []
    status = _devstack("status").stdout
    assert f"{name}: its supervisor is gone" in status
    assert _devstack("down", "--name", name).returncode == 0
    assert name not in _devstack("status").stdout


def test_down_ends_what_a_crash_has_left_and_nobody_else(name: str) -> None:
    """Supervisor and group leader are gone; one pid of the three has been given to another process since."""
    gone = ProcessIdentity(pid=os.getpid(), started=1, boot="an earlier one")
    with subprocess.Popen(["sleep", "600"]) as left, subprocess.Popen(["sleep", "600"]) as bystander:
        mine, other = ProcessIdentity.of(left.pid), ProcessIdentity.of(bystander.pid)
        assert mine is not None
        assert other is not None
        recycled = other.model_copy(update={"started": other.started - 1})
        directory_of(name).mkdir(parents=True)
        processes = {"etcd": mine, "consul": recycled, "gateway": gone}
        write_state(directory_of(name), State(supervisor=gone, ready=True, processes=processes))

        assert _devstack("env", "--name", name).returncode == 1
        said = _devstack("down", "--name", name).stdout
        assert left.wait(5) == -signal.SIGKILL
        assert said == f"{name}: ended etcd (pid {left.pid}), left by a crash\n"
        assert bystander.poll() is None
        bystander.kill()
    assert _devstack("down", "--name", name).stdout == "nothing to stop\n"


def test_detached(name: str) -> None:
    up = _devstack("up", "--name", name, "--detach", "--controller-manager")
    assert up.returncode == 0, up.stderr
    state = _wait_ready(name)
    assert "kube-controller-manager" in state.processes
    assert f"{name}: up" in _devstack("status").stdout

    exports = _devstack("env", "--name", name).stdout
    script = f'{exports}\n"$KUBECTL" get namespace default -o name && cat "$APISIX_ADMIN_KEY_FILE" | wc -c'
    shell = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, text=True, check=True, env={})
    assert shell.stdout.split() == ["namespace/default", "32"]

    assert "stand-in" in _devstack("logs", "gateway", "--name", name).stdout
    missing = _devstack("logs", "nothing", "--name", name)
    assert missing.returncode == 1
    assert "there are: consul, etcd, gateway" in missing.stderr

    second = _devstack("up", "--name", name)
    assert second.returncode == 1
    assert f"devstack down --name {name}" in second.stderr

    assert _devstack("down", "--name", name).stdout == f"{name} stopped\n"
    assert _survivors(state, seconds=0) == []
    gone = _devstack("env", "--name", name)
    assert gone.returncode == 1
    assert gone.stderr == f"devstack: the stack {name} is not up: start it with `devstack up --name {name}`\n"


def test_a_name_that_would_leave_the_folder() -> None:
    refused = _devstack("down", "--name", "../../etc")
    assert refused.returncode == 1
    assert "is no name for a stack" in refused.stderr


def test_up_ends_with_an_error_when_a_part_crashes(name: str) -> None:
    command = [*_DEVSTACK, "up", "--name", name]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as up:
        state = _wait_ready(name)
        os.kill(state.processes["consul"].pid, signal.SIGKILL)
        _, said = up.communicate(timeout=30)
    assert up.returncode == 1
    assert f"devstack: consul has ended with status -9, which ends all of {name}; the last lines of" in said
    assert _survivors(state, seconds=0) == []
