"""A binary is built again exactly when what went into it has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from devstack import stamps
from devstack.programs import Program


def _module(directory: Path) -> Program:
    (directory / "go.mod").write_text("module m\n\nrequire example.org/tool v1.2.3\n")
    (directory / "go.sum").write_text("example.org/tool v1.2.3 h1:aaaa=\n")
    return Program("tool", directory, "example.org/tool", module="example.org/tool")


def _own(directory: Path) -> Program:
    (directory / "go.mod").write_text("module m\n")
    (directory / "main.go").write_text("package main\n")
    (directory / "internal").mkdir()
    (directory / "internal" / "schema.json").write_text("{}")
    (directory / "main_test.go").write_text("package main\n")
    return Program("tool", directory, ".")


def _write(name: str, text: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)

    return change


@pytest.mark.parametrize(
    ("make", "change", "stale", "why"),
    [
        (_module, _write("go.mod", "module m\n\nrequire example.org/tool v1.2.4\n"), True, "another version"),
        (_module, _write("go.sum", "example.org/tool v1.2.3 h1:bbbb=\n"), True, "other contents"),
        (_module, _write("additions/page/index.html", "x"), True, "a file that is added to the module"),
        (_module, _write("README", "x"), False, "a pinned module is told by go.mod and go.sum"),
        (_own, _write("main.go", "package main // changed\n"), True, "a source"),
        (_own, _write("internal/schema.json", '{"a": 1}'), True, "an embedded file"),
        (_own, _write("internal/new.go", "package internal\n"), True, "a new file"),
        (_own, _write("main_test.go", "package main // changed\n"), False, "tests are not in the binary"),
        (_own, _write("README.md", "x"), False, "texts are not in the binary"),
        (_own, _write(".notes", "x"), False, "hidden files are not in the binary"),
    ],
)
def test_stale(
    tmp_path: Path, make: Callable[[Path], Program], change: Callable[[Path], None], stale: bool, why: str
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    program, binary = make(sources), tmp_path / "tool"
    binary.write_text("built")
    stamps.write(stamps.fingerprint(program), binary)
    assert stamps.is_fresh(program, binary)
    change(sources)
    assert stamps.is_fresh(program, binary) is not stale, why


def test_a_renamed_source_is_a_change(tmp_path: Path) -> None:
    program = _own(tmp_path)
    before = stamps.fingerprint(program)
    (tmp_path / "main.go").rename(tmp_path / "other.go")
    assert stamps.fingerprint(program) != before


def test_without_binary_or_stamp_it_is_not_built(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    program, binary = _module(sources), tmp_path / "tool"
    assert not stamps.is_fresh(program, binary)
    stamps.write(stamps.fingerprint(program), binary)
    assert not stamps.is_fresh(program, binary), "a stamp without its binary"
    binary.write_text("built")
    assert stamps.is_fresh(program, binary)
    stamps.forget(binary)
    assert not stamps.is_fresh(program, binary), "a binary without its stamp"
