"""Files added to a pinned module: a module of four files, from a proxy that is a folder."""

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from devstack import builder, stamps
from devstack.errors import BuildFailed
from devstack.golang import ensure_go
from devstack.programs import Program

_MODULE = "example.org/page"
_GO_MOD = f"module {_MODULE}\n\ngo 1.26\n"
_MAIN = """package main

import "embed"

//go:embed build
var files embed.FS

func main() {
	page, err := files.ReadFile("build/index.html")
	if err != nil {
		println("no page")
		return
	}
	println(string(page))
}
"""


def _publish(proxy: Path) -> None:
    """The module's v1.0.0, as a module proxy serves it (https://go.dev/ref/mod#goproxy-protocol)."""
    folder = proxy / _MODULE / "@v"
    folder.mkdir(parents=True)
    (folder / "list").write_text("v1.0.0\n")
    (folder / "v1.0.0.info").write_text('{"Version": "v1.0.0", "Time": "2026-01-01T00:00:00Z"}')
    (folder / "v1.0.0.mod").write_text(_GO_MOD)
    with zipfile.ZipFile(folder / "v1.0.0.zip", "w") as archive:
        for name, text in {"go.mod": _GO_MOD, "main.go": _MAIN, "build/robots.txt": "none"}.items():
            archive.writestr(f"{_MODULE}@v1.0.0/{name}", text)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: Callable[[Program], Program]) -> Program:
    """The module's program, pinned, to be built into a folder of the test's."""
    _publish(tmp_path / "proxy")
    monkeypatch.setenv("GOPROXY", (tmp_path / "proxy").as_uri())
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    go = ensure_go()
    monkeypatch.setenv("PATH", f"{go.path.parent}:/usr/bin:/bin")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "")
    directory = tmp_path / "pinned"
    directory.mkdir()
    (directory / "go.mod").write_text(f"module pinned\n\ngo 1.26\n\ntool {_MODULE}\n\nrequire {_MODULE} v1.0.0\n")
    settings = go.environment() | {"GOFLAGS": "-mod=mod -modcacherw", "GONOSUMDB": _MODULE}
    subprocess.run([go.path, "mod", "tidy"], cwd=directory, env=settings, check=True)
    return only(Program("page", directory, _MODULE, module=_MODULE))


def _built() -> str:
    binary = builder.build(["page"])["page"].path
    return subprocess.run([binary], capture_output=True, text=True, check=True).stderr.strip()


def test_a_file_is_added_and_a_changed_one_builds_it_again(page: Program) -> None:
    assert _built() == "no page"
    added = page.directory / "additions/build/index.html"
    added.parent.mkdir(parents=True)
    added.write_text("one")
    assert not stamps.is_fresh(page, builder.BIN / "page")
    assert _built() == "one"
    added.write_text("two")
    assert _built() == "two"


def test_a_module_that_cannot_be_had_is_said(page: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (page.directory / "additions").mkdir()
    (page.directory / "additions/index.html").write_text("one")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("GOPROXY", "off")
    with pytest.raises(BuildFailed, match=r"go mod download -json example.org/page` failed: module lookup disabled"):
        builder.build(["page"])
