"""The wrapper's dealings with its command, each in a process of its own; what answers as Consul refuses everything."""

import os
import re
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from consul_init.signals import SAME_WISH

# PR_SET_CHILD_SUBREAPER, which stays set over execve (prctl(2)).
BECOME_SUBREAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

# Handlers first, then the word that it is ready. Ends when its standard input does.
TRAPPING = """
import select, signal, sys
def got(signum, frame): print("got", signal.Signals(signum).name, flush=True)
for each in sys.argv[1].split(","): signal.signal(getattr(signal, each), got)
print("ready", flush=True)
while not select.select([0], [], [], 0.02)[0]: pass
sys.exit(3)
"""


@pytest.fixture(autouse=True)
def _default_hangup():
    """A test run under nohup ignores SIGHUP, and so would all programs that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def consul_variables(scripted) -> dict[str, str]:
    """The environment of the wrapper."""
    consul = scripted(lambda _seen: (404, ""))
    return {
        **os.environ,
        "SERVICE_NAME": "wrapped",
        "SERVICE_PORT": "8000",
        "SERVICE_ADDRESS": "127.0.0.1",
        "SERVICE_DRAIN": "300ms",
        "CONSUL_HTTP_ADDR": f"127.0.0.1:{consul.port}",
        "CONSUL_INIT_SOCKET": f"@{secrets.token_hex(8)}",
    }


@pytest.fixture
def wrapped(consul_variables, tmp_path):
    """A factory of wrapped Python programs; what is still there after the test is killed."""
    log = (tmp_path / "log").open("w")
    processes: list[subprocess.Popen[str]] = []

    def start(
        code: str, *arguments: str, before: Sequence[str] = (), group: int | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        run = [sys.executable, "-m", "consul_init", "run", "--", sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(
            [*before, *run],
            env={**consul_variables, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            process_group=group,
        )
        processes.append(process)
        assert process.stdout is not None
        if "ready" in code:
            assert process.stdout.readline() == "ready\n", (tmp_path / "log").read_text()
        return process

    yield start
    for each in processes:
        if each.poll() is None:
            each.kill()
        each.wait()
        each.stdin.close()
        each.stdout.close()
    log.close()


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Have it end, by its standard input; the lines that have not been read yet."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    lines = process.stdout.read().splitlines()
    process.wait(timeout=60)
    return lines


def told(process: subprocess.Popen[str], count: int = 1) -> list[str]:
    """The next lines of the command's."""
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


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


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_a_stop_signal_is_forwarded_after_the_drain_and_as_it_was(wrapped, name):
    process = wrapped(TRAPPING, "SIGTERM,SIGINT,SIGQUIT", SERVICE_DRAIN="500ms")
    began = time.monotonic()
    process.send_signal(getattr(signal, name))
    assert told(process) == [f"got {name}"]
    assert time.monotonic() - began > 0.5
    assert finish(process) == []
    assert process.returncode == 3


def test_a_second_signal_is_forwarded_at_once(wrapped, tmp_path):
    """Once the first is taken: until then the kernel keeps two of a kind as one."""
    process = wrapped(TRAPPING, "SIGTERM", SERVICE_DRAIN="60s", SERVICE_STOP_TIMEOUT="90s")
    process.send_signal(signal.SIGTERM)
    while "received SIGTERM" not in (tmp_path / "log").read_text():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)  # within a second: dumb-init and systemd signal the group, too
    time.sleep(SAME_WISH + 0.2)
    assert not select.select([process.stdout], [], [], 0)[0], "the second is the same wish as the first"
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert told(process) == ["got SIGTERM"]
    assert time.monotonic() - began < 30
    assert "killing" not in (tmp_path / "log").read_text()
    assert finish(process) == []


def test_no_signal_is_lost_when_several_come_at_once(wrapped):
    """The kernel then gives some to other threads than the main one, which nothing wakes."""
    variables = [{"CONSUL_INIT_SOCKET": f"@{secrets.token_hex(8)}"} for _ in range(8)]
    processes = [wrapped(TRAPPING, "SIGUSR1,SIGTERM", **each) for each in variables]
    for process in processes:
        for signum in (signal.SIGUSR1, signal.SIGCONT, signal.SIGTERM):
            process.send_signal(signum)
    assert [told(process, 2) for process in processes] == [["got SIGUSR1", "got SIGTERM"]] * 8
    assert [finish(process) for process in processes] == [[]] * 8


@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGWINCH"])
def test_other_signals_are_forwarded_as_they_come(wrapped, name):
    process = wrapped(
        TRAPPING, name, SERVICE_STOP_SIGNALS="TERM,SIGINT", SERVICE_DRAIN="60s", SERVICE_STOP_TIMEOUT="90s"
    )
    process.send_signal(getattr(signal, name))
    assert told(process) == [f"got {name}"]


def test_ctrl_c_in_a_terminal_reaches_the_wrapper_alone(wrapped):
    """A terminal signals its whole foreground process group: the command must not stop before the drain."""
    process = wrapped(TRAPPING, "SIGINT", group=0, SERVICE_DRAIN="500ms")
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    assert told(process) == ["got SIGINT"]
    assert time.monotonic() - began > 0.5
    assert finish(process) == []


def test_a_server_that_a_shell_has_started_is_told_and_waited_for(wrapped, tmp_path):
    """The shell dies of the signal without a word to its child."""
    (tmp_path / "server.py").write_text(TRAPPING.replace("sys.exit(3)", "print('server ends', flush=True)"))
    shell = f"import os; os.execvp('sh', ['sh', '-c', '{sys.executable} {tmp_path}/server.py SIGTERM; true'])  # ready"
    process = wrapped(shell, SERVICE_DRAIN="300ms")
    process.send_signal(signal.SIGTERM)
    assert told(process) == ["got SIGTERM"]
    while "processes that it has started are still there" not in (tmp_path / "log").read_text():
        time.sleep(0.02)
    assert process.poll() is None
    assert finish(process) == ["server ends"]
    assert process.returncode == 128 + signal.SIGTERM


def test_a_server_whose_shell_has_died_is_stopped_well(wrapped, tmp_path):
    """It would serve on, and be out of Consul."""
    (tmp_path / "server.py").write_text(TRAPPING)
    shell = f"import os; os.execvp('sh', ['sh', '-c', 'echo $$; {sys.executable} {tmp_path}/server.py SIGTERM; true'])"
    process = wrapped(shell, SERVICE_DRAIN="300ms")
    pid = int(told(process)[0])
    assert told(process) == ["ready"]
    os.kill(pid, signal.SIGKILL)
    assert told(process) == ["got SIGTERM"]
    log = (tmp_path / "log").read_text()
    assert log.index("are still there") < log.index("draining")
    finish(process)
    assert process.returncode == 128 + signal.SIGKILL


SLOW_DNS = """
import socket, sys, time
from consul_init.cli import main
def look_up(*_arguments, **_kinds):
    print("looking up", file=sys.stderr, flush=True)
    time.sleep(2)
    raise OSError("no such name")
socket.getaddrinfo = look_up
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PID namespaces are Linux's")
@pytest.mark.parametrize(
    ("arguments", "exit_code"), [(["run", "--", "echo", "started"], 128 + signal.SIGTERM), (["sidecar"], 0)]
)
def test_the_first_process_of_a_container_loses_no_signal_while_names_are_looked_up(
    arguments, exit_code, consul_variables, tmp_path
):
    """The kernel drops what it has no handler for."""
    namespace = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no PID namespaces here")
    command = [*namespace, sys.executable, "-c", SLOW_DNS, *arguments]
    variables = {**consul_variables, "CONSUL_HTTP_ADDR": "consul.example:8500", "SERVICE_ADDRESS": ""}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=log, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while "looking up" not in (tmp_path / "log").read_text():
        time.sleep(0.02)
    os.kill(int(children.read_text()), signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert output == "", "the command is not started"
    assert process.returncode == exit_code
    assert "registered" not in (tmp_path / "log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="PID namespaces are Linux's")
@pytest.mark.parametrize(
    ("arguments", "exit_code"), [(["run", "--", "echo", "started"], 128 + signal.SIGTERM), (["sidecar"], 0)]
)
def test_the_first_process_of_a_container_loses_no_signal_while_it_loads(arguments, exit_code, consul_variables):
    """It is sent as soon as the process holds signals back, which is before it has loaded anything else."""
    namespace = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no PID namespaces here")
    command = [*namespace, sys.executable, "-m", "consul_init", *arguments]
    process = subprocess.Popen(command, env=consul_variables, stdout=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (child := children.read_text().strip()):
        time.sleep(0.001)
    status = Path(f"/proc/{child}/status")
    blocked = 0
    while not blocked >> signal.SIGUSR1 - 1 & 1:  # before it starts us, `unshare` blocks SIGTERM, and no other
        blocked = int(re.findall(r"^SigBlk:\s*(\w+)$", status.read_text(), re.MULTILINE)[0], 16)
    os.kill(int(child), signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert (output, process.returncode) == ("", exit_code), "it ends, and the command is not started"


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


# Five processes whose parents have ended. They end with the pipe that only their grandparent still has open.
ORPHANING = """
import os, sys
read, write = os.pipe()
for _ in range(5):
    if os.fork() == 0:
        if os.fork() == 0:
            os.close(write)
            os.read(read, 1)
        os._exit(0)
    os.wait()
print("ready", flush=True)
sys.stdin.readline()
os.close(write)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="orphans come to the first process of a container, which is Linux")
def test_orphans_are_reaped(wrapped):
    """As a subreaper the wrapper gets orphans as the first process of a container does."""
    process = wrapped(ORPHANING, before=[sys.executable, "-c", BECOME_SUBREAPER])
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    assert len(children.read_text().split()) == 6, "the orphans are the wrapper's now"
    process.stdin.write("end\n")
    process.stdin.flush()
    end = time.monotonic() + 30
    while len(children.read_text().split()) > 1:
        assert time.monotonic() < end, "zombies stay"
        time.sleep(0.02)
    finish(process)
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="PID namespaces are Linux's")
def test_as_the_first_process_of_a_container(wrapped):
    """It reaps, forwards after the drain, and keeps the exit code. Zombies would stay in /proc."""
    namespace = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no PID namespaces here")
    code = """
import os, signal, subprocess, sys, time
assert os.getppid() == 1
def processes(): return [each for each in os.listdir("/proc") if each.isdigit()]
def got(signum, frame): print("got", signal.Signals(signum).name, flush=True); sys.exit(9)
signal.signal(signal.SIGTERM, got)
for _ in range(5): subprocess.run(["sh", "-c", "sleep 0.1 &"])
while len(processes()) > 2: time.sleep(0.02)
print("ready", flush=True)
os.kill(1, signal.SIGTERM)
time.sleep(60)
"""
    process = wrapped(code, before=namespace)
    assert finish(process) == ["got SIGTERM"]
    assert process.returncode == 9
