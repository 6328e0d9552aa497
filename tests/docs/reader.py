"""A reader who types the commands of a page, section by section, with values of their own for its placeholders."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from .console import Command, Shell, steps_in

_DOCS = Path(__file__).parents[2] / "docs"

Instead = Callable[[str], str]
"""What is run in place of a command, given that; nothing where it is empty."""


def left_out(_command: str) -> str:
    return ""


class Ran(NamedTuple):
    line: str
    shown: str
    """What the page shows below the command."""
    output: str


class Reader:
    """Somebody with a shell in a folder of their own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._shell = Shell(folder, environment)

    def follow(
        self, page: str, section: str, replaced: Mapping[str, str], instead: Mapping[str, Instead] | None = None
    ) -> list[Ran]:
        """Run the commands below a heading of a page, and below the smaller headings in that section.

        `replaced` are the page's placeholders with their values. `instead` has, for the beginning of a command, what is
        run in its place, if anything. Raises AssertionError where a command fails.
        """
        ran = []
        for command in _commands(page, section):
            changes = [change for start, change in (instead or {}).items() if command.line.startswith(start)]
            line = changes[0](command.line) if changes else command.line
            for placeholder, value in replaced.items():
                line = line.replace(placeholder, value)
            if line:
                ran.append(Ran(line, command.output, self.run(line)))
        return ran

    def run(self, line: str) -> str:
        """What a command prints. Raises AssertionError where it fails."""
        output = self._shell.run(line)
        assert self._shell.status == 0, f"$ {line}\n{output}"
        return output

    def end(self) -> None:
        """End the shell, and what runs in its background."""
        self._shell.end()


def _commands(page: str, section: str) -> Iterator[Command]:
    """Those of one section. The next heading of its level, or above it, ends it."""
    text = (_DOCS / page).read_text(encoding="utf-8")
    heading = re.search(rf"^(#+) {re.escape(section)}$", text, re.MULTILINE)
    assert heading is not None, f"{page} has no section {section!r}"
    rest = text[heading.end() :]
    end = re.search(rf"^#{{1,{len(heading[1])}}} ", rest, re.MULTILINE)
    steps = [step for step in steps_in(rest[: end.start()] if end else rest) if isinstance(step, Command)]
    assert steps, f"{page} has no commands below {section!r}"
    yield from steps
