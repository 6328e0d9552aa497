"""The command: how it is started, with what, and how it has ended."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .programs import finish


@pytest.mark.parametrize(
    ("code", "exit_code", "why"),
    [
        ("raise SystemExit(0)", 0, "success"),
        ("raise SystemExit(7)", 7, "the command's own code"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137, "128 + 9, as a shell says"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 139, "128 + 11"),
    ],
)
def test_exit_code(wrapped, code, exit_code, why):
    process = wrapped(code)
    finish(process)
    assert process.returncode == exit_code, why


@pytest.mark.parametrize(
    ("command", "exit_code", "message"),
    [
        (["/no/such/command"], 127, "/no/such/command: No such file or directory"),
        (["/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        ([], 2, "run: the command is missing, as in: consul-init run -- node server.js"),
    ],
)
def test_a_command_that_cannot_be_started(consul_variables, command, exit_code, message):
    command = [sys.executable, "-m", "consul_init", "run", "--", *command]
    ended = subprocess.run(command, env=consul_variables, capture_output=True, text=True, check=False)
    assert ended.returncode == exit_code
    assert [line for line in ended.stderr.splitlines() if line.startswith("consul-init: ")] == [
        f"consul-init: {message}"
    ]


def test_a_wrong_setting_is_one_line_and_the_command_is_not_started(wrapped, tmp_path):
    touched = tmp_path / "touched"
    process = wrapped("import sys, pathlib; pathlib.Path(sys.argv[1]).touch()", str(touched), SERVICE_DRAIN="2")
    finish(process)
    assert process.returncode == 2
    assert (
        tmp_path / "log"
    ).read_text() == "consul-init: SERVICE_DRAIN is wrong: '2' is no duration such as 500ms, 2s or 1m30s\n"
    assert not touched.exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_the_command_starts_with_default_signals(consul_variables):
    """Python ignores SIGPIPE for itself, which a program in a pipe must not inherit."""
    command = [sys.executable, "-m", "consul_init", "run", "cat", "/proc/self/status"]
    ended = subprocess.run(command, env=consul_variables, capture_output=True, text=True, check=True)
    masks = {name: int(value, 16) for name, value in re.findall(r"^(Sig\w+):\s*(\w+)$", ended.stdout, re.MULTILINE)}
    assert not masks["SigIgn"] & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)
    assert masks["SigBlk"] == 0


def test_the_command_does_not_get_our_token(consul_variables):
    secrets_of_ours = {"CONSUL_HTTP_TOKEN": "5c1d", "CONSUL_HTTP_AUTH": "user:5c1d", "OTHER": "kept"}
    command = [sys.executable, "-m", "consul_init", "run", "env"]
    variables = {**consul_variables, **secrets_of_ours}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert "OTHER=kept" in ended.stdout
    assert "5c1d" not in ended.stdout
