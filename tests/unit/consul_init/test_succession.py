"""Several processes keep one instance, one after the other: the workers of a server, the new one of a reload."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from consul_init.control import ask_to_leave, control_address
from consul_init.presence import Presence

from .fake_consul import Consul, wait_for

ID = "echo-10.0.0.7-8000"


@pytest.fixture
def keep(settings):
    """A factory of started presences of one instance, as each worker has one; they stop after the test."""
    started: list[Presence] = []

    def start(**changed: object) -> Presence:
        hands_over = bool(changed.pop("hands_over", True))
        started.append(Presence(replace(settings, **changed), hands_over=hands_over))
        assert started[-1].start()
        return started[-1]

    yield start
    for each in reversed(started):
        each.stop()


def version(consul: Consul) -> list[str]:
    return consul.held[ID]["Tags"] if ID in consul.held else ["not there"]


@pytest.mark.parametrize("ends", [Presence.leave, Presence.stop], ids=["a signal to it alone", "--limit-max-requests"])
def test_the_next_takes_the_registration_over_without_a_gap(keep, consul, ends):
    first = keep(tags=("first",))
    wait_for(lambda: version(consul) == ["first"])
    keep(tags=("second",))
    wait_for(first._control.has_successor)
    removed: list[int] = []
    consul.on_deregister = lambda: removed.append(1)
    ends(first)
    wait_for(lambda: version(consul) == ["second"])
    first.stop()
    time.sleep(0.1)
    assert (version(consul), removed) == (["second"], [])


def test_the_new_worker_of_a_reload_that_comes_while_the_old_one_drains(keep, consul):
    """Gunicorn tells the old worker to stop before the new one has started: then nobody is there to hand over to."""
    old = keep(drain=3.0, tags=("old",))
    wait_for(lambda: version(consul) == ["old"])
    leaving = threading.Thread(target=old.leave)
    leaving.start()
    wait_for(lambda: version(consul) == ["not there"])
    began = time.monotonic()
    keep(tags=("new",))
    wait_for(lambda: version(consul) == ["new"])
    assert time.monotonic() - began < 2.5, "not only after the drain"
    leaving.join()
    old.stop()
    assert version(consul) == ["new"]


def test_workers_that_are_all_told_to_stop_leave_and_all_drain(keep, consul):
    workers = [keep(drain=0.5) for _ in range(3)]
    wait_for(lambda: ID in consul.held and len(workers[0]._control._successors) == 2)
    took: list[float] = []

    def stop(worker: Presence) -> None:
        began = time.monotonic()
        worker.leave()
        took.append(time.monotonic() - began)
        worker.stop()

    threads = [threading.Thread(target=stop, args=(each,)) for each in workers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert consul.held == {}
    assert consul.registrations == 1
    assert min(took) >= 0.5, "connections to the others are used, too"


def test_a_new_worker_that_comes_before_the_old_one_has_left_is_not_forgotten(keep, consul):
    """It asks after the old one saw nobody to hand over to, and before that one knows that it has left."""
    old = keep(drain=3.0, tags=("old",))
    wait_for(lambda: version(consul) == ["old"])
    leave = old._keeper.leave

    def slowly() -> None:
        old._keeper.leave = leave
        leave()
        wait_for(lambda: old._control._successors)

    old._keeper.leave = slowly
    leaving = threading.Thread(target=old.leave)
    leaving.start()
    wait_for(lambda: version(consul) == ["not there"])
    keep(tags=("new",))
    wait_for(lambda: version(consul) == ["new"])
    leaving.join()


def test_when_the_whole_instance_is_asked_to_leave_nobody_takes_over(keep, consul, settings):
    """By `consul-init leave`, as a preStop hook."""
    first, second = keep(), keep()
    wait_for(lambda: ID in consul.held and first._control._successors)
    assert ask_to_leave(control_address(settings, ID), wait=1.0)
    third = keep()
    wait_for(lambda: second._succession._given_up.is_set() and third._succession._given_up.is_set())
    for each in (first, second, third):
        each.stop()
    time.sleep(0.2)
    assert consul.held == {}
    assert consul.registrations == 1


def test_a_wrapper_does_not_hand_over_to_what_it_has_started(keep, consul):
    """An application with a lifespan behind `consul-init run`: it is told to stop by the wrapper, after the drain."""
    wrapper = keep(hands_over=False)
    wait_for(lambda: ID in consul.held)
    keep()
    time.sleep(0.2)
    wrapper.leave()
    assert consul.held == {}


def test_it_is_told_who_keeps_it(keep, caplog):
    caplog.set_level(logging.WARNING)
    keep()
    keep()
    (line,) = [each for each in caplog.messages if "another process keeps this instance" in each]
    assert "waiting for its end" in line
    assert "consul-init run -- COMMAND" in line


KEEPER = """
import os, signal, sys, time
from consul_init import Registered
with Registered():
    os.write(1, b"ready\\n")
    {then}
"""


@pytest.fixture
def process(settings):
    """A factory of processes that keep the instance."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(then: str) -> subprocess.Popen[bytes]:
        variables = {
            **os.environ,
            "SERVICE_NAME": settings.name,
            "SERVICE_PORT": str(settings.port),
            "SERVICE_ADDRESS": str(settings.address),
            "CONSUL_HTTP_ADDR": str(settings.consul.address),
            "CONSUL_INIT_SOCKET": str(settings.control_socket),
        }
        command = [sys.executable, "-c", KEEPER.format(then=then)]
        each = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE)
        processes.append(each)
        assert each.stdout is not None
        assert each.stdout.readline() == b"ready\n"
        return each

    yield start
    for each in processes:
        each.kill()
        each.communicate()


def test_a_killed_one_is_succeeded_at_once(process, keep, consul):
    first = process("time.sleep(60)")
    wait_for(lambda: ID in consul.held)
    second = keep(tags=("second",))
    wait_for(lambda: second._waiting)
    time.sleep(0.2)
    first.kill()
    began = time.monotonic()
    wait_for(lambda: version(consul) == ["second"])
    assert time.monotonic() - began < 5 * 0.5


def test_an_orphan_of_a_forked_child_does_not_hold_the_name(process, keep, consul):
    """A child inherits the listening socket: a service that is started again would wait for the orphan's end."""
    then = "print(os.fork() or time.sleep(60), flush=True); time.sleep(60)"
    first = process(then)
    child = int(first.stdout.readline())
    first.send_signal(signal.SIGKILL)
    first.wait()
    try:
        keep(tags=("restarted",))
        wait_for(lambda: version(consul) == ["restarted"])
    finally:
        os.kill(child, signal.SIGKILL)
