"""Wrapped signals, each case in a process of its own: what the server's own handler sees, and when."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence

import pytest
from consul_init.signals import SAME_WISH

NEW_PID_NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]

PRELUDE = """
import asyncio, os, signal, sys, threading, time
from consul_init import signals
from consul_init.signals import WrappedSignals

class Leaving:
    def __init__(self, seconds=0.0, until=None): self.seconds, self.until = seconds, until
    def leave(self):
        say("leaving"); time.sleep(self.seconds)
        if self.until: until(self.until)
        say("drained"); return True

said = []
def say(text): os.write(1, f"{text}\\n".encode()); said.append(text)
def until(text, times=1):
    end = time.monotonic() + 30
    while sum(each.startswith(text) for each in said) < times and time.monotonic() < end: time.sleep(0.01)
def server_handler(signum, frame):
    say(f"server got {signum} in main {threading.current_thread() is threading.main_thread()}")
"""


def start(code: str, before: Sequence[str] = ()) -> subprocess.Popen[str]:
    source = PRELUDE + textwrap.dedent(code)
    process = subprocess.Popen([*before, sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    with process.stdout as output:
        lines = output.read().splitlines()
    process.wait(timeout=60)
    return lines


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_servers_handler_is_called_after_the_drain_in_the_main_thread(signum):
    process = start("""
        for each in (signal.SIGTERM, signal.SIGINT): signal.signal(each, server_handler)
        wrapped = WrappedSignals(Leaving(0.2), 25.0)
        assert wrapped.install(server_handles_them=True)
        say("ready"); until("server got")
        wrapped.remove()
        say(f"restored {signal.getsignal(signal.SIGTERM) is server_handler}")
    """)
    process.send_signal(signum)
    assert finish(process) == ["leaving", "drained", f"server got {int(signum)} in main True", "restored True"]


def test_without_a_handler_the_process_dies_of_the_signal_after_the_drain():
    process = start("""
        WrappedSignals(Leaving(0.2), 25.0).install(server_handles_them=False)
        say("ready"); time.sleep(30)
    """)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == ["leaving", "drained"]
    assert process.returncode == -signal.SIGTERM


def test_without_a_handler_the_first_process_of_a_container_ends_too():
    """The kernel does not deliver it signals that have no handler, not even its own."""
    if subprocess.run([*NEW_PID_NAMESPACE, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no PID namespaces here")
    code = """
        import os
        assert os.getpid() == 1
        WrappedSignals(Leaving(0.2), 25.0).install(server_handles_them=False)
        threading.Timer(0.2, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)).start()
        say("ready")
        try: time.sleep(30)
        finally: say("cleaned up")
    """
    process = start(code, NEW_PID_NAMESPACE)
    assert finish(process) == ["leaving", "drained", "cleaned up"]
    assert process.returncode == 128 + signal.SIGTERM


LATER = SAME_WISH + 0.2


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


def test_a_signal_that_the_main_thread_does_not_see_is_not_lost():
    """It came just before the main thread began to wait for a lock: Python runs its handler after that wait."""
    process = start("""
        wrapped = WrappedSignals(Leaving(0.2), 25.0)
        wrapped.install(server_handles_them=False)
        # The handler is late, as it is then; what Python writes at that moment is not.
        for each in (signal.SIGTERM,): signal.signal(each, lambda *_: wrapped._delivering and wrapped._handle(*_))
        say("ready"); time.sleep(30)
    """)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == ["leaving", "drained"]
    assert process.returncode == -signal.SIGTERM


def test_the_descriptor_of_an_event_loop_is_left_alone_and_none_of_ours_stays():
    process = start("""
        read, write = os.pipe(); os.set_blocking(write, False)
        before = len(os.listdir("/proc/self/fd"))
        signal.set_wakeup_fd(write)
        for each in range(3):
            wrapped = WrappedSignals(Leaving(), 25.0)
            wrapped.install(server_handles_them=False); wrapped.remove()
        until_left = time.monotonic() + 5
        while len(os.listdir("/proc/self/fd")) != before and time.monotonic() < until_left: time.sleep(0.02)
        say("ready"); say(f"{signal.set_wakeup_fd(-1) == write} {len(os.listdir('/proc/self/fd')) - before}")
    """)
    assert finish(process) == ["True 0"]


def test_a_child_that_is_told_to_stop_tells_the_parent_nothing():
    process = start("""
        wrapped = WrappedSignals(Leaving(), 25.0)
        wrapped.install(server_handles_them=False)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(3)); time.sleep(30)
        time.sleep(0.2); os.kill(child, signal.SIGTERM); os.waitpid(child, 0); time.sleep(0.3)
        say("ready"); say("still here")
    """)
    assert finish(process) == ["still here"]


def test_quit_is_a_stop_signal_too():
    """nginx's image, and others with STOPSIGNAL SIGQUIT."""
    process = start("""
        WrappedSignals(Leaving(0.2), 25.0).install(server_handles_them=False)
        say("ready"); time.sleep(30)
    """)
    process.send_signal(signal.SIGQUIT)
    assert finish(process) == ["leaving", "drained"]
    assert process.returncode == -signal.SIGQUIT


def test_only_the_signals_that_were_asked_for():
    process = start("""
        wrapped = WrappedSignals(Leaving(), 25.0, signals=(signal.SIGUSR1,))
        wrapped.install(server_handles_them=False)
        say("ready"); time.sleep(30)
    """)
    process.send_signal(signal.SIGTERM)
    assert finish(process) == []
    assert process.returncode == -signal.SIGTERM


FORKS = {
    "os.fork": """
        child = os.fork()
        if child == 0:
            if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL: os._exit(1)
            time.sleep(30); os._exit(2)
        time.sleep(0.2); os.kill(child, signal.SIGTERM)
        say(f"child {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")
    """,
    "Process.terminate": """
        import multiprocessing
        child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(30,))
        child.start(); time.sleep(0.2); child.terminate(); child.join(20)
        say(f"child {child.exitcode}")
    """,
    "a pool that is left with a task under way": """
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.apply_async(time.sleep, (30,)); time.sleep(0.2)
        say("child -15")
    """,
}


@pytest.mark.parametrize("how", FORKS)
def test_a_forked_child_has_its_own_handlers_back(how):
    """It has none of our threads, which would do what the handler asks for."""
    process = start(
        """
        wrapped = WrappedSignals(Leaving(), 25.0)
        wrapped.install(server_handles_them=False)
        say("ready")
    """
        + FORKS[how]
        + """
        say(f"parent's own {signal.getsignal(signal.SIGTERM) == wrapped._handle}")
    """
    )
    began = time.monotonic()
    assert finish(process) == ["child -15", "parent's own True"]
    assert time.monotonic() - began < 15


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


def test_an_ignored_signal_stays_ignored():
    """As nohup and shells do for background jobs."""
    process = start("""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        WrappedSignals(Leaving(), 25.0).install(server_handles_them=False)
        say("ready"); time.sleep(0.5)
    """)
    process.send_signal(signal.SIGINT)
    assert finish(process) == []


def test_asyncio_runs_own_handler_of_sigint_is_wrapped():
    """asyncio.run cancels the main task on SIGINT; that now comes after the drain."""
    process = start("""
        async def main():
            WrappedSignals(Leaving(0.2), 25.0).install(server_handles_them=False)
            say("ready")
            try: await asyncio.sleep(30)
            finally: say("cancelled")
        try: asyncio.run(main())
        except KeyboardInterrupt: say("interrupt")
    """)
    process.send_signal(signal.SIGINT)
    assert finish(process) == ["leaving", "drained", "cancelled", "interrupt"]


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        ("asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)", "Hypercorn in one process"),
        ("signal.signal(signal.SIGTERM, signal.SIG_DFL)", "Hypercorn's workers, which their parent tells to stop"),
    ],
)
def test_a_server_that_cannot_be_preceded_is_recognised(setup, why):
    process = start(f"""
        import logging; logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
        async def main():
            {setup}
            say("ready")
            say(WrappedSignals(Leaving(), 25.0).install(server_handles_them=True))
        asyncio.run(main())
    """)
    told, installed = finish(process)
    assert told.startswith("ERROR this server does not handle SIGTERM"), why
    assert "consul-init run -- COMMAND" in told
    assert installed == "False"


def test_outside_of_the_main_thread_it_says_so():
    process = start("""
        import logging; logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
        say("ready")
        thread = threading.Thread(target=lambda: say(WrappedSignals(Leaving(), 25.0).install(server_handles_them=True)))
        thread.start(); thread.join()
    """)
    told, installed = finish(process)
    assert told.startswith("WARNING started outside of the main thread")
    assert installed == "False"
