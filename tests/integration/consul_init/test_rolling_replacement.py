"""Ten instances are replaced one batch after the other, under load, and no request fails."""

import time

import pytest
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.load import Load
from devstack.stack import Stack

from .conftest import Figure, OpenHost
from .instances import Instance

INSTANCES, BATCH, RATE = 10, 5, 200
# Twice the default: on a machine that is busy with other tests the gateway hears of it later.
DRAIN = "4s"


def route(gateway: GatewayApi, service: str, retries: int = 0) -> str:
    """A route to a service in Consul; returns its URL. Without retries a request that meets a dead instance fails."""
    upstream = {"type": "roundrobin", "discovery_type": "consul", "service_name": service, "retries": retries}
    gateway.put("routes", service, {"uri": f"/{service}", "plugins": REWRITE, "upstream": upstream})
    return f"{gateway.url}/{service}"


REWRITE = {"proxy-rewrite": {"uri": "/health"}}


@pytest.mark.parametrize("kind", ["starlette", "wrapper", "sidecar"])
def test_no_request_fails(  # noqa: PLR0917 - fixtures
    kind: str, stack: Stack, consul: ConsulApi, gateway: GatewayApi, open_host: OpenHost, figure: Figure
) -> None:
    service = f"rolling-{kind}"
    host = open_host(consul.url)
    old = [host.start(kind, service, SERVICE_DRAIN=DRAIN) for _ in range(INSTANCES)]
    consul.wait_for_passing(service, INSTANCES, timeout=60)
    url = route(gateway, service)
    gateway.wait_for(f"/{service}", 200)
    with Load(url, RATE) as load:
        time.sleep(0.5)
        new: list[Instance] = []
        for index in range(0, INSTANCES, BATCH):
            # As a Deployment with maxSurge does it: new ones first, the old ones when those are ready.
            new += [host.start(kind, service, SERVICE_DRAIN=DRAIN) for _ in range(BATCH)]
            consul.wait_for_passing(service, INSTANCES + BATCH, timeout=60)
            for instance in old[index : index + BATCH]:
                instance.stop()
            for instance in old[index : index + BATCH]:
                instance.wait()
        time.sleep(0.5)
    figure(
        f"rolling replacement of {INSTANCES} ({kind}) in {load.seconds:.0f} s at {load.sent / load.seconds:.0f}"
        f" requests/s: {len(load.failures)} of {load.sent} failed"
    )
    assert load.failures == [], load.outcomes
    assert load.sent >= 0.95 * RATE * load.seconds
    assert {each.id for each in consul.instances(service)} == {each.id for each in new}
