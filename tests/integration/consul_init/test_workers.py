"""Servers with workers that are replaced, and with several: registered once, for as long as one of them serves."""

import os
import signal
import time
from pathlib import Path

import pytest
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost
from .instances import Instance, stop_and_watch

# Seconds that a large application takes to load.
IMPORT = 3.0
DRAIN = 2.0
WORKERS = {"gunicorn": 1, "gunicorn-workers": 3, "uvicorn-workers": 2}


def workers(instance: Instance) -> list[int]:
    pid = instance.main.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for_started(instance: Instance, count: int) -> None:
    """So many workers have started, all in all. Gunicorn's lose a SIGTERM that comes while they start, and it kills
    them 30 s later: then they cannot leave Consul.
    """
    until(
        lambda: instance.main.log.count("Application startup complete") >= count, f"{count} started workers", timeout=60
    )


@pytest.mark.parametrize(("kind", "seconds"), [("gunicorn", 0.0), ("gunicorn", IMPORT), ("gunicorn-workers", IMPORT)])
def test_gunicorns_graceful_reload(
    kind: str, seconds: float, shared_agent: ConsulAgent, open_host: OpenHost, figure: Figure
) -> None:
    """It starts new workers and tells the old ones to stop long before the new ones can answer: they are waited for."""
    api, service = shared_agent.api, f"reloaded-{kind}-{seconds:g}"
    instance = open_host(shared_agent.address).start(kind, service, IMPORT_SECONDS=f"{seconds:g}")
    api.wait_for_passing(service, 1, timeout=60)
    count = WORKERS[kind]
    wait_for_started(instance, count)
    for reload in (1, 2):
        old = set(workers(instance))
        told = time.monotonic()
        instance.main.send(signal.SIGHUP)
        while old & set(workers(instance)):
            assert [each.status for each in api.instances(service)] == ["passing"], instance.main.log
            assert instance.answers()
            assert time.monotonic() - told < 5 * (IMPORT + 2)
            time.sleep(0.02)
        figure(
            f"HUP, {len(old)} workers that take {seconds:g} s to load: replaced after {time.monotonic() - told:.1f} s"
        )
        wait_for_started(instance, count * (reload + 1))
        end = time.monotonic() + 3.5  # a look later
        while time.monotonic() < end:
            assert [each.status for each in api.instances(service)] == ["passing"], instance.main.log
            assert instance.answers()
            time.sleep(0.02)
    instance.stop()
    instance.wait()
    assert api.instances(service) == []


@pytest.mark.parametrize("what", ["the master is told to stop", "the new worker is killed"])
def test_the_new_worker_never_comes(what: str, shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """It leaves and drains as if there had been no reload."""
    api, service = shared_agent.api, f"no-successor-{what.split()[1]}"
    instance = open_host(shared_agent.address).start("gunicorn", service, IMPORT_SECONDS="8", SERVICE_DRAIN="2s")
    api.wait_for_passing(service, 1, timeout=60)
    (old,) = workers(instance)
    instance.main.send(signal.SIGHUP)
    until(lambda: "waiting for it" in instance.main.log or len(workers(instance)) == 2)
    time.sleep(0.5)
    assert [each.status for each in api.instances(service)] == ["passing"]
    (new,) = set(workers(instance)) - {old}

    def stop() -> None:
        os.kill(new, signal.SIGTERM)
        if what == "the master is told to stop":
            instance.stop()

    def serves() -> None:
        assert instance.answers()

    still_there = stop_and_watch(stop, api, service, serves)
    while Path(f"/proc/{old}/fd/0").exists():  # a zombie has none
        time.sleep(0.02)
    assert time.monotonic() - still_there > DRAIN
    if what == "the new worker is killed":
        wait_for_started(instance, 2)  # gunicorn starts another one
        instance.stop()
        instance.wait()
        assert api.instances(service) == []
    # Else gunicorn starts another one just before it stops: whether that one ever learns of it is gunicorn's matter.


@pytest.mark.parametrize("kind", WORKERS)
@pytest.mark.parametrize("to", ["parent", "all"])
def test_all_workers_are_told_to_stop(kind: str, to: str, shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Left at once, answering until the drain is over; also where all are signalled, and workers get two."""
    api, service = shared_agent.api, f"told-{kind}-{to}"
    instance = open_host(shared_agent.address).start(kind, service, SERVICE_DRAIN=f"{DRAIN:g}s")
    api.wait_for_passing(service, 1, timeout=60)
    wait_for_started(instance, WORKERS[kind])

    def stop() -> None:
        for pid in workers(instance) if to == "all" else ():
            os.kill(pid, signal.SIGTERM)
        instance.stop()

    still_there = stop_and_watch(stop, api, service)
    while instance.answers():
        assert api.instances(service) == []
        time.sleep(0.02)
    assert time.monotonic() - still_there > DRAIN
    instance.wait()
    assert api.instances(service) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_one_worker_of_several_ends(how: signal.Signals, shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """The others serve on: it stays registered, and another one keeps it."""
    api, service = shared_agent.api, f"one-of-{how.name.lower()}"
    # A check that the killed worker was about to answer fails, and is no trouble: the next one comes a second later.
    instance = open_host(shared_agent.address).start("gunicorn-workers", service, SERVICE_CHECK_FAILURES="3")
    api.wait_for_passing(service, 1, timeout=60)
    until(lambda: instance.main.log.count("another process keeps this instance") == 2, what="two that wait")
    for ended, worker in enumerate(workers(instance), 1):
        os.kill(worker, how)
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            assert [each.status for each in api.instances(service)] == ["passing"]
            time.sleep(0.05)
        wait_for_started(instance, WORKERS["gunicorn-workers"] + ended)
    api.deregister(instance.id)
    until(lambda: instance.id in api.registered(), timeout=5 * 3, what="somebody who keeps it")
    instance.stop()
    instance.wait()
    assert api.instances(service) == []
