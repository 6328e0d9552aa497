"""What a person sees while something takes its time: one line per step, live in a terminal."""

import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

_HEARTBEAT_SECONDS = 30.0


def elapsed(seconds: float) -> str:
    """`0.4 s`, `46 s`, `5 min 46 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class Step:
    """One step with a line of its own; a context manager that also tells how it ended.

    In a terminal the line is rewritten in place; elsewhere there is a line at the start, one every 30 s, and
    one at the end.
    """

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._note = "done"
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._write(self._title)
        return self

    def update(self, detail: str) -> None:
        """Call often: it decides by itself when a line is due."""
        now = time.monotonic()
        due = now - self._last_line >= (0.2 if self._live else _HEARTBEAT_SECONDS)
        if due:
            self._last_line = now
            self._write(f"{self._title}: {detail}, {elapsed(now - self._started)}")

    def finish(self, note: str) -> None:
        """The word that the last line says instead of `done`."""
        self._note = note

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        note = self._note if error is None else "failed"
        self._write(f"{self._title}: {note} after {elapsed(time.monotonic() - self._started)}")
        if self._live:
            self._stream.write("\n")
        self._stream.flush()

    def _write(self, text: str) -> None:
        line = f"==> {text}"
        if self._live:
            self._stream.write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        else:
            self._stream.write(line + "\n")
        self._stream.flush()


def say(text: str) -> None:
    """A line between steps."""
    print(f"==> {text}", file=sys.stderr, flush=True)
