"""Each way in, with a real server: in Consul while it can serve; out of it first, then answering on, then gone."""

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from consul_init.signals import SAME_WISH
from devstack.ports import pick_ports
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import OpenHost
from .instances import stop_and_watch

DRAIN = 2.0


EXIT_CODES = {
    "starlette": -signal.SIGTERM,  # uvicorn ends by the signal it was sent
    "fastapi": -signal.SIGTERM,
    "threaded": -signal.SIGTERM,  # no handler was there before: the signal kills, after the drain
    "echo": 0,  # stops its own server
    "wrapper": 0,  # the command's
    "sidecar": 0,
}


def test_leaves_first_and_goes_on_answering(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    api, host = shared_agent.api, open_host(shared_agent.address)

    def observe(kind: str) -> None:
        service = f"way-{kind}"
        instance = host.start(kind, service, SERVICE_VERSION="2", POD_NAME="pod-1", SERVICE_DRAIN=f"{DRAIN:g}s")
        (found,) = api.wait_for_passing(service, 1, timeout=60)
        assert (found.id, found.tags, found.meta["pod"]) == (instance.id, ["version:2"], "pod-1"), kind
        still_there = stop_and_watch(instance.stop, api, service)
        assert instance.answers(), kind
        while instance.answers():
            time.sleep(0.02)
        assert time.monotonic() - still_there > DRAIN, kind
        assert instance.wait() == EXIT_CODES[kind], kind
        assert api.instances(service) == [], kind

    with ThreadPoolExecutor(len(EXIT_CODES)) as pool:
        list(pool.map(observe, EXIT_CODES))


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        ("starlette", -signal.SIGTERM),
        ("fastapi", -signal.SIGTERM),
        ("threaded", -signal.SIGTERM),
        ("echo", 0),
        ("wrapper", 0),
    ],
)
def test_a_second_signal_stops_the_server_at_once(
    kind: str, exit_code: int, shared_agent: ConsulAgent, open_host: OpenHost
) -> None:
    """As what it is told: without the rest of the drain. Within a second of the first it is the same wish."""
    service = f"second-signal-{kind}"
    instance = open_host(shared_agent.address).start(kind, service, SERVICE_DRAIN="15s")
    shared_agent.api.wait_for_passing(service, 1)
    instance.main.send()
    until(lambda: not shared_agent.api.instances(service))
    instance.main.send()
    time.sleep(SAME_WISH + 0.2)
    assert instance.answers()
    began = time.monotonic()
    instance.main.send()
    assert instance.main.wait() == exit_code
    assert time.monotonic() - began < 10


def test_ctrl_c_twice(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """An impatient person gets no traceback."""
    instance = open_host(shared_agent.address).start("echo", "impatient", SERVICE_DRAIN="15s")
    shared_agent.api.wait_for_passing("impatient", 1)
    instance.main.send(signal.SIGINT)
    until(lambda: not shared_agent.api.instances("impatient"))
    time.sleep(SAME_WISH + 0.2)
    instance.main.send(signal.SIGINT)
    assert instance.main.wait(10) == 0
    assert "Traceback" not in instance.main.log


def test_the_order_around_a_sidecar(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Leave, drain, SIGTERM to the main container, SIGTERM to the sidecar."""
    instance = open_host(shared_agent.address).start("sidecar", "order", SERVICE_DRAIN=f"{DRAIN:g}s")
    shared_agent.api.wait_for_passing("order", 1)
    instance.stop()
    until(lambda: not shared_agent.api.instances("order"))
    left = time.time()
    instance.wait()
    told = re.search(r"([\d.]+) SIGTERM", instance.main.log)
    assert told is not None
    times = {what: when for when, what in instance.steps}
    assert times["preStop hooks"] < left < left + DRAIN < float(told[1]) < times["SIGTERM to sidecar"] < times["gone"]
    assert instance.sidecar is not None
    assert "deregistered" in instance.sidecar.log
    # It had left long before: nothing of Consul's was waited for at the end, when the pod's network may be gone.
    assert times["gone"] - times["SIGTERM to sidecar"] < 5 * 1.0


def test_a_sidecar_waits_for_the_main_container(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """It starts first: an init container. And it leaves when asked to though it has never registered."""
    host, port = open_host(shared_agent.address), pick_ports(1)[0]
    variables = {"SERVICE_NAME": "late", "SERVICE_PORT": str(port)}
    sidecar = host.consul_init("sidecar", name="late", port=port)
    until(lambda: "waiting for" in sidecar.log)
    time.sleep(1.5)
    assert shared_agent.api.instances("late") == []
    main = host.run([str(host.go_server)], variables)
    shared_agent.api.wait_for_passing("late", 1)
    sidecar.send()
    assert sidecar.wait() == 0
    assert shared_agent.api.instances("late") == []
    main.send()


def test_a_sidecar_whose_pod_ends_before_it_was_healthy(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Its preStop hook must not fail, and it must not register a pod that is on its way out."""
    host, port = open_host(shared_agent.address), pick_ports(1)[0]
    sidecar = host.consul_init("sidecar", name="never", port=port)
    until(lambda: "waiting for" in sidecar.log)
    assert host.consul_init("leave", "--wait", name="never", port=port).wait() == 0
    main = host.run([str(host.go_server)], {"SERVICE_NAME": "never", "SERVICE_PORT": str(port)})
    time.sleep(1.5)
    assert shared_agent.api.instances("never") == []
    main.send()
    sidecar.send()
    assert sidecar.wait() == 0


@pytest.mark.parametrize(("kind", "exit_code"), [("starlette", 3), ("echo", 2), ("wrapper", 2), ("sidecar", 2)])
def test_a_wrong_setting_is_told_in_one_line(
    kind: str, exit_code: int, shared_agent: ConsulAgent, open_host: OpenHost
) -> None:
    """Under uvicorn the exit code is uvicorn's, 3 for a startup that failed."""
    instance = open_host(shared_agent.address).start(kind, "wrong", SERVICE_DRAIN="2")
    running = instance.main if instance.sidecar is None else instance.sidecar
    assert running.wait() == exit_code
    last = next(line for line in reversed(running.log.splitlines()) if "SERVICE_DRAIN" in line)
    assert "SERVICE_DRAIN is wrong: '2' is no duration such as 500ms, 2s or 1m30s" in last
    assert shared_agent.api.instances("wrong") == []


def test_a_failed_bind_leaves_nothing_behind(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """uvicorn binds after the lifespan's startup."""
    host = open_host(shared_agent.address)
    first = host.start("starlette", "bind")
    shared_agent.api.wait_for_passing("bind", 1)
    second = host.start("starlette", "bind-again", port=first.port)
    assert second.main.wait() == 3
    assert shared_agent.api.instances("bind-again") == []
