"""Processes end with their supervisor, however it ends: tried with programs that do nothing."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devstack.errors import DevstackError, PartFailed
from devstack.identity import ProcessIdentity
from devstack.processes import Command, ProcessGroup
from devstack.waiting import until

# A supervisor with three children: one in order, one that ignores SIGTERM, one that is frozen.
_SUPERVISOR = """
import sys, time
from pathlib import Path
from devstack.processes import Command, ProcessGroup
group = ProcessGroup()
scripts = {"plain": "sleep 600", "stubborn": "trap '' TERM; sleep 600 & wait", "frozen": "sleep 600"}
for name, script in scripts.items():
    child = Command(name, command=["/bin/sh", "-c", script], environment={}, group=group,
                    log=Path(sys.argv[1]) / name, on_change=lambda: None)
    child.spawn()
    print(child.pid, flush=True)
child.pause()
print(group.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def group() -> Iterator[ProcessGroup]:
    group = ProcessGroup()
    yield group
    group.close()


@pytest.fixture
def command(group: ProcessGroup, tmp_path: Path) -> Callable[[str], Command]:
    def make(script: str) -> Command:
        return Command(
            "child",
            command=["/bin/sh", "-c", script],
            environment={"COLOUR": "blue"},
            group=group,
            log=tmp_path / "child.log",
            on_change=lambda: None,
        )

    return make


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda number: number.name)
def test_nothing_outlives_a_supervisor_that_died(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, tmp_path], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = [int(supervisor.stdout.readline()) for _ in range(4)]
        children = [ProcessIdentity.of(pid) for pid in pids]
        assert all(child is not None and child.is_alive() for child in children)
        supervisor.send_signal(number)
        supervisor.wait(5)
        until(lambda: not any(child and child.is_alive() for child in children), timeout=5)


def test_what_a_child_has_started_ends_with_the_group(command: Callable[[str], Command], group: ProcessGroup) -> None:
    child = command("sleep 600 & echo $!; wait")
    child.spawn()
    until(lambda: child.output().strip().isdigit(), timeout=5)
    grandchild = ProcessIdentity.of(int(child.output()))
    assert grandchild is not None
    child.kill()
    assert grandchild.is_alive()
    group.close()
    until(lambda: not grandchild.is_alive(), timeout=5)
    with pytest.raises(DevstackError, match="the process group of this stack has ended"):
        child.spawn()


def test_stop_asks_and_then_insists(command: Callable[[str], Command]) -> None:
    polite = command("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done")
    polite.spawn()
    until(lambda: "up" in polite.output(), timeout=5)
    polite.stop()
    assert (polite.exit_status, polite.output()) == (7, "up\nbye\n")

    stubborn = command("trap '' TERM; echo up; while :; do sleep 0.01; done")
    stubborn.grace = 0.2
    stubborn.spawn()
    until(lambda: "up" in stubborn.output(), timeout=5)
    stubborn.stop()
    assert stubborn.exit_status == -signal.SIGKILL


def test_a_frozen_process_takes_sigterm(command: Callable[[str], Command]) -> None:
    child = command("exec sleep 600")
    child.spawn()
    child.pause()
    child.stop()
    assert child.exit_status == -signal.SIGTERM


def test_an_end_that_nobody_asked_for_is_a_crash(command: Callable[[str], Command]) -> None:
    child = command("echo 'no such file'; exit 3")
    child.spawn()
    with pytest.raises(
        PartFailed, match=r"(?s)child ended with status 3 before it was ready.*child\.log:\n    no such"
    ):
        child.wait_until(lambda: False, timeout=5)
    assert child.crashed
    child.stop()
    assert child.crashed, "stopping what had ended by itself changes nothing"

    child = command("exec sleep 600")
    child.spawn()
    child.kill()
    child.stop()
    assert not child.crashed
    with pytest.raises(PartFailed, match="not running"):
        child.pause()


def test_a_child_sees_what_it_is_given_only(command: Callable[[str], Command], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "secret")
    monkeypatch.setenv("ETCD_DATA_DIR", "/elsewhere")
    child = command("env")
    child.spawn()
    assert child.wait(5) == 0
    assert "COLOUR=blue" in child.output()
    assert "PATH=" in child.output()
    assert "CONSUL" not in child.output()
    assert "ETCD" not in child.output()
