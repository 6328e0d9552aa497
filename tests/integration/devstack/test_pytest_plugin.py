"""The fixtures in a test run of their own, of which some tests fail."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from devstack.paths import REPOSITORY
from devstack.state import read_state

_TESTS = """
import os, signal, time
from devstack.pytest_plugin import FreshStack
from devstack.stack import Stack

def test_passes(fresh_stack: FreshStack) -> None:
    print("kept nothing of", fresh_stack().directory)

def test_fails(stack: Stack) -> None:
    print("kept", stack.directory)
    assert not stack.consul.is_ready()

def test_kills_a_part_that_is_shared(stack: Stack) -> None:
    os.kill(stack.gateway.pid, signal.SIGKILL)
    while stack.gateway.running:
        time.sleep(0.01)
"""


def test_what_a_failed_run_says_and_keeps(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(_TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "devstack.pytest_plugin", "-c", "/dev/null", "-rP", "-q", tmp_path]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "2 passed" in run.stdout, run.stdout
    assert "1 failed" in run.stdout
    assert "1 error" in run.stdout

    kept = _directory(r"^kept (\S+)$", run.stdout)
    shown = (kept / "logs").relative_to(REPOSITORY)
    assert re.search(rf"logs of the devstack -+\n{re.escape(str(shown))}", run.stdout), "a failure says where to look"
    assert (kept / "logs" / "consul.log").exists()
    assert not (kept / "data").exists()
    assert read_state(kept) is None, "nothing of it runs"
    assert re.search(
        rf"PartFailed: gateway has ended with status -9, which ends all of [\w-]+; the last lines of {kept}", run.stdout
    )
    shutil.rmtree(kept)
    assert not _directory(r"^kept nothing of (\S+)$", run.stdout).exists()


def _directory(pattern: str, output: str) -> Path:
    found = re.search(pattern, output, re.MULTILINE)
    assert found is not None, output
    return Path(found.group(1))
