"""A pid that was given to another process is never signalled."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.identity import ProcessIdentity


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def _identity(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    return identity


def test_a_running_process_is_itself(sleeper: subprocess.Popen[bytes]) -> None:
    identity = _identity(sleeper)
    assert identity.is_alive()
    assert ProcessIdentity.model_validate_json(identity.model_dump_json()) == identity
    assert identity.send(signal.SIGTERM)
    assert sleeper.wait(5) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"started": 1}, "the pid was given to a process that started at another time"),
        ({"boot": "00000000-0000-0000-0000-000000000000"}, "the machine has been restarted since"),
    ],
)
def test_a_recycled_pid_is_left_alone(sleeper: subprocess.Popen[bytes], change: dict[str, int | str], why: str) -> None:
    other = _identity(sleeper).model_copy(update=change)
    assert not other.is_alive(), why
    assert not other.send(signal.SIGKILL), why
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.1)


def test_a_process_that_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    identity = _identity(sleeper)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.is_alive(), "a zombie is dead"
    sleeper.wait()
    assert not identity.is_alive()
    assert not identity.send(signal.SIGTERM)
    assert ProcessIdentity.of(sleeper.pid) is None


def test_a_name_full_of_parentheses(tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to("/bin/sleep")
    with subprocess.Popen([odd, "60"]) as process:
        assert _identity(process).started == _started_by_ps(process.pid)
        process.kill()


def _started_by_ps(pid: int) -> int:
    """Field 22 by hand: the name has no digits in this position once everything up to the last `)` is cut."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[19])
