"""Who else deals with signals in the process: event loops, children, servers, threads."""

import signal
import time

import pytest

from .process import finish, start


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
