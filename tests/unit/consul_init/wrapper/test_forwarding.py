"""Signals that are forwarded to the command: stop signals after the drain, others at once."""

import os
import secrets
import select
import signal
import time

import pytest
from consul_init.signals import SAME_WISH

from .programs import TRAPPING, finish, told


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
