"""Other processes than the command: those that it has started, orphans, and the first one of a container."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .programs import TRAPPING, finish, told

# PR_SET_CHILD_SUBREAPER, which stays set over execve (prctl(2)).
BECOME_SUBREAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


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
