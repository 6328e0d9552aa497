"""Stacks by name, as the command line sees them: through their folders, from another process."""

import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from devstack.errors import DevstackError, PartFailed, tail
from devstack.locks import try_lock
from devstack.paths import RUN
from devstack.state import LOCK, State, end_leftovers, read_state

DEFAULT = "default"
_TEST_PREFIX = "test-"
_KEEP_SECONDS = 24 * 3600.0
_STOP_SECONDS = 40.0
_START_SECONDS = 120.0


def directory_of(name: str) -> Path:
    """Raises DevstackError for a name that is no folder's name."""
    if not name or "/" in name or name.startswith("."):
        msg = f"{name!r} is no name for a stack: use letters, digits and dashes"
        raise DevstackError(msg)
    return RUN / name


def names() -> list[str]:
    """Stacks that run, or that left processes or data behind."""
    return sorted(path.parent.name for path in RUN.glob("*/state.json"))


def supervised(directory: Path) -> bool:
    """Whether the process that started the stack still looks after it: it holds the lock as long as it lives."""
    if not (directory / LOCK).exists():
        return False
    lock = try_lock(directory / LOCK)
    if lock is None:
        return True
    lock.close()
    return False


def state_of(name: str) -> State | None:
    return read_state(directory_of(name))


def describe(name: str) -> str:
    """In a few words: how the stack is."""
    state = state_of(name)
    if state is None:
        return "not there"
    if not supervised(directory_of(name)):
        return f"its supervisor is gone; `devstack down --name {name}` ends what it left"
    return "up" if state.ready else "starting"


def running_state(name: str) -> State:
    """The state of a stack that is up. Raises DevstackError when it is not."""
    directory = directory_of(name)
    state = read_state(directory)
    if state is None or not state.ready or not supervised(directory):
        msg = f"the stack {name} is not up: start it with `devstack up --name {name}`"
        raise DevstackError(msg)
    return state


def test_stack_directory(worker: str) -> Path:
    """A folder for a stack of tests."""
    return RUN / f"{_TEST_PREFIX}{worker}-{secrets.token_hex(3)}"


def prune_test_stacks() -> None:
    """Throw away logs of failed tests that are older than a day."""
    for directory in RUN.glob(f"{_TEST_PREFIX}*"):
        old = time.time() - directory.stat().st_mtime > _KEEP_SECONDS
        if old and not supervised(directory):
            shutil.rmtree(directory, ignore_errors=True)


def start_detached(
    directory: Path,
    command: Sequence[str],
    seconds: float = _START_SECONDS,
    on_wait: Callable[[], None] = lambda: None,
) -> None:
    """Start a supervisor of this folder in a session of its own and wait until what it starts is ready.

    `on_wait` is called over and over meanwhile. Raises PartFailed.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    log = directory.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = read_state(directory)
        if state is not None and state.ready and state.supervisor.pid == process.pid:
            return
        if process.poll() is not None:
            msg = f"{directory.name} did not start:\n{tail(log)}"
            raise PartFailed(msg)
        on_wait()
        time.sleep(0.05)
    process.terminate()
    msg = f"{directory.name} was not ready within {seconds:g} s:\n{tail(log)}"
    raise PartFailed(msg)


def stop(directory: Path, end_leftovers: Callable[[Path], list[str]] = end_leftovers) -> Iterator[str]:
    """End a supervisor and whatever a crashed one has left; yields what was done, line by line."""
    name = directory.name
    state = read_state(directory)
    if state is None:
        return
    if supervised(directory) and state.supervisor.send(signal.SIGTERM):
        if _ended(directory):
            yield f"{name} stopped"
        else:
            state.supervisor.send(signal.SIGKILL)
            pid = state.supervisor.pid
            yield f"{name} did not stop within {_STOP_SECONDS:g} s: killed its supervisor (pid {pid})"
            _ended(directory)
    lock = try_lock(directory / LOCK)
    if lock is not None:  # else somebody starts a stack there already, and what runs is theirs
        with lock:
            yield from end_leftovers(directory)


def _ended(directory: Path) -> bool:
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if not supervised(directory):
            return True
        time.sleep(0.05)
    return False
