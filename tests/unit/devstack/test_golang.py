"""Which Go builds."""

from pathlib import Path

import pytest
from devstack import golang
from devstack.golang import Go
from devstack.paths import CACHE, GO_HOME


@pytest.mark.parametrize(
    ("text", "version", "why"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26), "a release"),
        ("go version go1.27rc1 linux/arm64", (1, 27), "a candidate"),
        ("go version devel +abc linux/amd64", None, "no release says no version"),
        ("gcc 12.2", None, "not Go"),
    ],
)
def test_version(text: str, version: tuple[int, int] | None, why: str) -> None:
    assert golang.parse_version(text) == version, why


@pytest.mark.parametrize(
    ("says", "found", "why"),
    [
        ("go version go1.26.0 linux/amd64", True, "the oldest that will do"),
        ("go version go1.25.9 linux/amd64", False, "too old"),
        ("", False, "not Go at all"),
    ],
)
def test_go_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, found: bool, why: str) -> None:
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\necho '{says}'\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(golang, "GO_HOME", tmp_path / "none")
    assert (golang.find_go() is not None) is found, why


def test_the_users_settings_do_not_reach_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOOS", "windows")
    monkeypatch.setenv("GOROOT", "/nowhere")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    machines = Go(Path("/usr/bin/go"), "go1.26.8")
    environment = machines.environment()
    assert environment["GOFLAGS"] == "-mod=readonly", "go.sum decides what is built"
    assert environment["CGO_ENABLED"] == "0", "no C compiler is needed"
    assert machines.environment(cgo=True)["CGO_ENABLED"] == "1"
    assert environment["GOTOOLCHAIN"] == "local", "no other Go is fetched"
    assert not {"GOOS", "GOROOT"} & set(environment)
    assert environment["GOPROXY"] == "https://proxy.example", "where modules come from is the user's to say"
    assert "GOSUMDB" not in environment or environment["GOSUMDB"] != "off"


def test_a_go_of_ours_leaves_nothing_outside_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gigabytes of modules would stay in the home of somebody who never installed Go. Another Go keeps its own."""
    for name in ("GOMODCACHE", "GOCACHE"):
        monkeypatch.delenv(name, raising=False)
    ours = Go(GO_HOME / "bin" / "go", "go1.27.3").environment()
    assert {Path(ours[name]).parent for name in ("GOMODCACHE", "GOCACHE")} == {CACHE / "go-caches"}
    assert "-modcacherw" in ours["GOFLAGS"], "`make clean` removes it without being root"
    machines = Go(Path("/usr/bin/go"), "go1.26.8").environment()
    assert not {"GOMODCACHE", "GOCACHE"} & set(machines)


@pytest.mark.parametrize(
    ("cc", "there", "why"),
    [
        ("", True, "gcc is what cgo takes where nothing is said"),
        ("clang -m64", False, "the one that was asked for, without its flags, is not there"),
        ("gcc -m64", True, "flags are no part of the name"),
    ],
)
def test_c_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cc: str, there: bool, why: str) -> None:
    (tmp_path / "gcc").write_text("#!/bin/sh\n")
    (tmp_path / "gcc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", cc)
    assert golang.has_c_compiler() is there, why
