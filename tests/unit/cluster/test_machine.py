"""Where a test cluster cannot run, one line says why, and `make cluster-test` is no failure."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest
from cluster import cli, machine


def _not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")


def _not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def _no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    _not_root(monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    refused = subprocess.CompletedProcess([], 1, "", "unshare failed: Operation not permitted")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: refused)


def _no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    _no_namespaces(monkeypatch)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)


@pytest.mark.parametrize(
    ("missing", "said", "why"),
    [
        (_not_linux, "needs Linux", "another system"),
        (_not_root, "needs root", "an ordinary user"),
        (_no_namespaces, "namespaces", "root of a container, say"),
        (_no_packages, "containerd", "another distribution, and no containerd on it"),
    ],
)
def test_cannot_run(
    missing: Callable[[pytest.MonkeyPatch], None],
    said: str,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CLUSTER_TEST", raising=False)
    missing(monkeypatch)
    with pytest.raises(machine.CannotRun, match=said):
        machine.require_machine()
    monkeypatch.setattr(sys, "argv", ["cluster", "test"])
    assert cli.main() == 0, why
    output = capsys.readouterr().out
    assert output.startswith("cluster-test: not run: ")
    assert output.count("\n") == 1
    monkeypatch.setenv("CLUSTER_TEST", "required")
    assert cli.main() == 1, "where it has to run, 'not run' is a failure"
    assert said in capsys.readouterr().err
    monkeypatch.delenv("CLUSTER_TEST")
    monkeypatch.setattr(sys, "argv", ["cluster", "up"])
    assert cli.main() == 1, "a cluster that was asked for is another matter"
