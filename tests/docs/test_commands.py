"""What pages show of commands that need nothing but Python: it runs, and prints that."""

import os
import sys
from pathlib import Path

import pytest

from .console import File, Shell, normalised, steps_of
from .pages import DOCS


@pytest.mark.parametrize("page", ["migrate.md"])
def test_each_command_prints_what_the_page_shows(page: str, tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = Shell(tmp_path, {"PATH": path, "LANG": "C.UTF-8"})
    ran = 0
    try:
        for step in steps_of(DOCS / page):
            if isinstance(step, File):
                shell.save(step)
            else:
                assert normalised(shell.run(step.line)) == normalised(step.output)
                ran += 1
    finally:
        shell.end()
    assert ran
