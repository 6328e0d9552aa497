"""The builder, turned to a program of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from devstack import builder, find
from devstack.programs import Program


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Program], Program]:
    """Makes a program the only one that the builder knows, built into a folder of the test's; gives it back."""

    def known(program: Program) -> Program:
        for module in (builder, find):
            monkeypatch.setattr(module, "BIN", tmp_path / "cache" / "bin")
            monkeypatch.setattr(module, "PROGRAMS", {program.name: program})
        monkeypatch.setattr(builder, "BUILD_LOCK", tmp_path / "cache" / "lock")
        monkeypatch.setattr(builder, "BUILD_LOGS", tmp_path / "cache" / "log")
        return program

    return known
