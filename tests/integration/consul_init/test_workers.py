"""Servers with workers that are replaced, and with several: registered once, for as long as one of them serves."""

import os
import signal
import time
from pathlib import Path

import pytest
from devstack.handles.consul import ConsulApi
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost
from .instances import Instance

# Seconds out of Consul, while gunicorn starts its new worker, which it tells the old one to stop for, and until the
# first check of the new one.
RELOADED_WITHIN = 5.0
DRAIN = 2.0


def workers(instance: Instance) -> list[int]:
    pid = instance.main.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def passing(api: ConsulApi) -> int:
    return [each.status for each in api.instances("reloaded")].count("passing")


def test_gunicorns_graceful_reload(shared_agent: ConsulAgent, open_host: OpenHost, figure: Figure) -> None:
    """It starts the new worker before it ends the old one: the new one takes the instance over."""
    api = shared_agent.api
    instance = open_host(shared_agent.address).start("gunicorn", "reloaded")
    api.wait_for_passing("reloaded", 1, timeout=60)
    for _ in range(2):
        (old,) = workers(instance)
        instance.main.send(signal.SIGHUP)
        told, out = time.monotonic(), 0.0
        while old in workers(instance) or passing(api) == 0:
            began = time.monotonic()
            assert instance.answers()
            assert began - told < 5 * RELOADED_WITHIN, "out of Consul for good"
            time.sleep(0.02)
            out += 0.0 if passing(api) else time.monotonic() - began
        figure(f"gunicorn's HUP with one worker: out of Consul's passing list for {out:.1f} s, always answering")
        assert out < 5 * RELOADED_WITHIN
        time.sleep(3.5)  # a look later
        assert passing(api) == 1
        assert instance.answers()
    instance.stop()
    instance.wait()
    assert api.instances("reloaded") == []


@pytest.mark.parametrize("kind", ["gunicorn", "gunicorn-workers", "uvicorn-workers"])
@pytest.mark.parametrize("to", ["parent", "all"])
def test_all_workers_are_told_to_stop(kind: str, to: str, shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Left at once, answering until the drain is over; also where all are signalled, and workers get two."""
    api, service = shared_agent.api, f"told-{kind}-{to}"
    instance = open_host(shared_agent.address).start(kind, service, SERVICE_DRAIN=f"{DRAIN:g}s")
    api.wait_for_passing(service, 1, timeout=60)
    until(instance.answers)
    time.sleep(1)  # all workers are up
    still_there = time.monotonic()
    for pid in workers(instance) if to == "all" else ():
        os.kill(pid, signal.SIGTERM)
    instance.stop()
    while api.instances(service):
        still_there = time.monotonic()
        time.sleep(0.02)
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
    instance = open_host(shared_agent.address).start("gunicorn-workers", service)
    api.wait_for_passing(service, 1, timeout=60)
    until(lambda: instance.main.log.count("another process keeps this instance") == 2, what="two that wait")
    for worker in workers(instance):
        os.kill(worker, how)
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            assert [each.status for each in api.instances(service)] == ["passing"]
            time.sleep(0.05)
        until(lambda worker=worker: len(set(workers(instance)) - {worker}) == 3, what="three workers again")
        time.sleep(1)
    api.deregister(instance.id)
    until(lambda: instance.id in api.registered(), timeout=5 * 3, what="somebody who keeps it")
    instance.stop()
    instance.wait()
    assert api.instances(service) == []
