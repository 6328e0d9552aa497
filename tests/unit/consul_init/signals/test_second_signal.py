"""A second signal: from whoever cannot wait, or from us to a server that does not stop in time."""

import signal
import time

import pytest

from .process import LATER, finish, start


def test_a_second_signal_goes_to_the_server_at_once():
    process = start("""
        signal.signal(signal.SIGTERM, server_handler)
        WrappedSignals(Leaving(until="server got"), 25.0).install(server_handles_them=True)
        say("ready"); until("drained")
    """)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "leaving\n"
    time.sleep(LATER)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == ["server got 15 in main True", "drained"]


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (signal.SIGTERM, "dumb-init and systemd signal the process and its group"),
        (signal.SIGINT, "a terminal signals all, and a supervisor then tells its children in its own way"),
    ],
)
def test_a_doubled_signal_is_one_wish(second, why):
    process = start("""
        for each in (signal.SIGTERM, signal.SIGINT): signal.signal(each, server_handler)
        WrappedSignals(Leaving(0.7), 25.0).install(server_handles_them=True)
        say("ready"); until("server got")
    """)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "leaving\n"
    process.send_signal(second)
    assert finish(process) == ["drained", "server got 15 in main True"], why


def test_a_second_signal_without_a_handler_kills_at_once():
    process = start("""
        WrappedSignals(Leaving(30.0), 25.0).install(server_handles_them=False)
        say("ready"); until("never")
    """)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "leaving\n"
    time.sleep(LATER)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == []
    assert process.returncode == -signal.SIGTERM


def test_a_server_that_does_not_stop_in_time_gets_a_second_signal():
    process = start("""
        for each in (signal.SIGTERM, signal.SIGINT): signal.signal(each, server_handler)
        WrappedSignals(Leaving(), 0.5).install(server_handles_them=True)
        say("ready"); until("server got 2")
    """)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == ["leaving", "drained", "server got 15 in main True", "server got 2 in main True"]


def test_where_sigint_is_ignored_such_a_server_gets_the_first_signal_again():
    """A background job of a shell ignores SIGINT, and so would the server that is told to hurry."""
    process = start("""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, server_handler)
        WrappedSignals(Leaving(), 0.5).install(server_handles_them=True)
        say("ready"); until("server got 15", times=2)
    """)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == ["leaving", "drained", *["server got 15 in main True"] * 2]


def test_a_server_that_stops_in_time_gets_none():
    process = start("""
        for each in (signal.SIGTERM, signal.SIGINT): signal.signal(each, server_handler)
        wrapped = WrappedSignals(Leaving(), 30.0)
        wrapped.install(server_handles_them=True)
        say("ready"); until("server got 15"); wrapped.remove()
        (waiting,) = (each for each in threading.enumerate() if each.name == "consul-init signals")
        waiting.join()
    """)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == ["leaving", "drained", "server got 15 in main True"]
