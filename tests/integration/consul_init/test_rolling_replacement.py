"""Ten instances are replaced one batch after the other, under load, with the default drain, and no request fails.

Once each in CI; `make soak` does it five times, three of them on a busy machine (ROLLING_RUNS).
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.load import Load
from devstack.stack import Stack

from .conftest import Figure, OpenHost
from .instances import Instance

INSTANCES, BATCH, RATE = 10, 5, 200
RUNS = os.environ.get("ROLLING_RUNS", "idle").split(",")


@contextmanager
def machine(load: str) -> Iterator[None]:
    """With `busy`, twice as many processes as cores that want all they can get."""
    count = 2 * (os.cpu_count() or 1) if load == "busy" else 0
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()


def route(gateway: GatewayApi, service: str, retries: int = 0) -> str:
    """A route to a service in Consul; returns its URL. Without retries a request that meets a dead instance fails."""
    upstream = {"type": "roundrobin", "discovery_type": "consul", "service_name": service, "retries": retries}
    gateway.put("routes", service, {"uri": f"/{service}", "plugins": REWRITE, "upstream": upstream})
    return f"{gateway.url}/{service}"


REWRITE = {"proxy-rewrite": {"uri": "/health"}}


@pytest.mark.timeout(400)  # on a busy machine
@pytest.mark.parametrize("run", range(len(RUNS)), ids=[f"{number} {load}" for number, load in enumerate(RUNS)])
@pytest.mark.parametrize("kind", ["starlette", "wrapper", "sidecar"])
def test_no_request_fails(  # noqa: PLR0917 - fixtures
    kind: str, run: int, stack: Stack, consul: ConsulApi, gateway: GatewayApi, open_host: OpenHost, figure: Figure
) -> None:
    service = f"rolling-{kind}-{run}"
    host = open_host(consul.url)
    old = [host.start(kind, service) for _ in range(INSTANCES)]
    consul.wait_for_passing(service, INSTANCES, timeout=60)
    url = route(gateway, service)
    gateway.wait_for(f"/{service}", 200)
    with machine(RUNS[run]), Load(url, RATE) as load:
        time.sleep(0.5)
        new: list[Instance] = []
        for index in range(0, INSTANCES, BATCH):
            # As a Deployment with maxSurge does it: new ones first, the old ones when those are ready.
            new += [host.start(kind, service) for _ in range(BATCH)]
            consul.wait_for_passing(service, INSTANCES + BATCH, timeout=120)
            for instance in old[index : index + BATCH]:
                instance.stop()
            for instance in old[index : index + BATCH]:
                instance.wait()
        time.sleep(0.5)
    figure(
        f"rolling replacement of {INSTANCES} ({kind}, {RUNS[run]} machine) in {load.seconds:.0f} s at"
        f" {load.sent / load.seconds:.0f} requests/s: {len(load.failures)} of {load.sent} failed"
    )
    assert load.failures == [], load.outcomes
    # The figure says how many were sent. Where others want the cores, too, these are fewer; none may fail all the same.
    assert load.sent >= RATE / 4 * load.seconds
    assert {each.id for each in consul.instances(service)} == {each.id for each in new}
