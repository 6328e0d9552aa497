"""The console blocks of a page, run in one shell, and the page with what they really print."""

import math
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*) -->\n)?^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```",
    re.DOTALL | re.MULTILINE,
)
_COMMAND = re.compile(r"^\$ ((?:[^\n]*[\\|]\n)*[^\n]*)\n", re.MULTILINE)
_END = "end-of-output-of-the-command"
_COUNT = re.compile(r"^ +(\d+) ", re.MULTILINE)
_DEVIATIONS = 7
"""A right output is refused once in ten million runs, since the page's own counts are draws, too."""


class Command(NamedTuple):
    line: str
    output: str
    """What the page shows below it."""


class File(NamedTuple):
    """What the page has its reader save."""

    name: str
    text: str


def steps_of(page: Path) -> Iterator[Command | File]:
    """The commands and files of a page in their order; what is marked `not run` is left out."""
    return steps_in(page.read_text(encoding="utf-8"))


def steps_in(text: str) -> Iterator[Command | File]:
    """The same of a part of a page."""
    for block in _BLOCK.finditer(text):
        mark, shown = block["mark"] or "", dedent(block["text"])
        if mark.startswith("file: "):
            yield File(mark.removeprefix("file: "), shown)
        elif block["language"] == "console" and not mark.startswith("not run"):
            _, *pairs = _COMMAND.split(shown)
            yield from map(Command, pairs[::2], pairs[1::2])


class Shell:
    """A bash that keeps its variables, folder and jobs from one command to the next, as a person's does."""

    status: int = 0
    """The exit status of the last command; -1 where it ended the shell."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=folder, env=environment, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, line: str) -> str:
        """What the command prints, on either stream."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        # A command that reads its input would read the next command.
        ended = line if line.endswith("&") else f"{{ {line}\n}} </dev/null"
        self._bash.stdin.write(f"{ended}\necho {_END} $?\n")
        self._bash.stdin.flush()
        output = ""
        while (printed := self._bash.stdout.readline()) and _END not in printed:
            output += printed
        rest, _, status = printed.partition(_END)
        self.status = int(status or -1)
        return output + rest

    def save(self, file: File) -> None:
        Path(self.run("pwd").strip(), file.name).write_text(file.text, encoding="utf-8")

    def end(self) -> None:
        """End it with its jobs."""
        self.run("kill $(jobs -p) 2>/dev/null; wait")
        with self._bash as bash:
            assert bash.stdin is not None
            bash.stdin.close()


def agree(printed: str, shown: str) -> bool:
    """Whether a command prints what its page shows.

    Counts of `uniq -c` are draws: their sum is the page's, and each is within seven standard deviations of the page's.
    """
    if normalised(_COUNT.sub("", printed)) != normalised(_COUNT.sub("", shown)):
        return False
    counts, expected = ([int(count) for count in _COUNT.findall(text)] for text in (printed, shown))
    total = sum(expected)
    return (
        len(counts) == len(expected)
        and sum(counts) == total
        and all(
            abs(count - mean) <= _DEVIATIONS * math.sqrt(mean * (1 - mean / total))
            for count, mean in zip(counts, expected, strict=True)
        )
    )


def normalised(output: str) -> list[str]:
    """The lines of an output less what differs each time: ages, ids, times, loopback ports, the width of columns."""
    for pattern, name in (
        (r"\b(?:\d+[dhms])+$", "AGE"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?", "TIME"),
        (r"\b[0-9a-f]{8}(?=\.)", "OWNER"),
    ):
        output = re.sub(pattern, name, output, flags=re.MULTILINE)
    return [" ".join(line.split()) for line in output.splitlines()]
