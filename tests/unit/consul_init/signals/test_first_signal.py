"""The first signal, each case in a process of its own: what the server's own handler sees, and when."""

import signal
import subprocess

import pytest

from .process import NEW_PID_NAMESPACE, finish, start


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


def test_an_ignored_signal_stays_ignored():
    """As nohup and shells do for background jobs."""
    process = start("""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        WrappedSignals(Leaving(), 25.0).install(server_handles_them=False)
        say("ready"); time.sleep(0.5)
    """)
    process.send_signal(signal.SIGINT)
    assert finish(process) == []
