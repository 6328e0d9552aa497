"""The pages that need a demo, as their reader types them: every command runs, and prints what the page shows."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from devstack.paths import REPOSITORY
from devstack.ports import pick_ports

from ..docs.console import Command, File, Shell, agree, steps_of
from ..docs.pages import DOCS

_STAYS = b"stays up until Ctrl-C"


@pytest.fixture
def demo() -> Iterator[None]:
    """`make demo` in a terminal of its own, up and waiting; it ends by Ctrl-C, as the page says."""
    terminal, inside = pty.openpty()
    command = [sys.executable, str(REPOSITORY / "tests/demo/demo.py")]
    running = subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, cwd=REPOSITORY, start_new_session=True
    )
    os.close(inside)
    shown = b""
    with suppress(OSError):  # a terminal whose program has ended
        while _STAYS not in shown and (printed := os.read(terminal, 4096)):
            shown += printed
    try:
        assert _STAYS in shown, shown.decode(errors="replace")
        yield
    finally:
        running.terminate()
        with suppress(OSError):
            while os.read(terminal, 4096):
                pass
        os.close(terminal)
        running.wait(timeout=30)


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("page", ["tutorial.md", "canary.md"])
def test_each_command_prints_what_the_page_shows(page: str) -> None:
    steps = _with_free_ports(list(steps_of(DOCS / page)))
    assert sum(isinstance(step, Command) for step in steps) > 15
    shell = Shell(REPOSITORY, {name: value for name, value in os.environ.items() if name in {"HOME", "PATH", "LANG"}})
    differ = []
    try:
        for step in steps:
            if isinstance(step, File):
                shell.save(step)
                continue
            printed = shell.run(step.line)
            if not agree(printed, step.output):
                differ.append(f"$ {step.line}\n{printed}")
    finally:
        shell.end()
    assert not differ, "the page shows something else:\n" + "\n".join(differ)


def _with_free_ports(steps: list[Command | File]) -> list[Command | File]:
    """The page's ports may be taken on this machine. Others have the same order, since the page sorts by them."""
    ports = dict(zip(("8000", "8001"), sorted(map(str, pick_ports(2))), strict=True))

    def changed(text: str) -> str:
        return re.sub(r"\b800[01]\b", lambda match: ports[match[0]], text)

    return [
        Command(*map(changed, step)) if isinstance(step, Command) else File(step.name, changed(step.text))
        for step in steps
    ]
