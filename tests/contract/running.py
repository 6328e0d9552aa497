"""Programs that run as long as a context does."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_TIMEOUT = 60.0


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


@contextmanager
def running(command: Sequence[str], log: Path, *, announces: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A program that logs to `log`; it is asked to end with the context, and killed when it does not.

    With `announces` its standard output is for `ready_line`.
    """
    with (
        log.open("w") as out,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if announces else out,
            stderr=out,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def ready_line(process: subprocess.Popen[str], log: Path) -> str:
    """The first line that a program prints. Raises RuntimeError, with its log, when it ends without one."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        msg = f"{process.args!r} ended before it was ready:\n{_last_lines(log)}"
        raise RuntimeError(msg)
    return line


def wait_until(is_ready: Callable[[], bool], what: str, log: Path) -> None:
    """Raises TimeoutError, with the log, when `what` is not ready within a minute."""
    deadline = time.monotonic() + _TIMEOUT
    while not is_ready():
        if time.monotonic() > deadline:
            msg = f"{what} is not ready after {_TIMEOUT:g} s:\n{_last_lines(log)}"
            raise TimeoutError(msg)
        time.sleep(0.05)
