"""Consul and a service that have IPv6 addresses only."""

import socket

import pytest
from devstack.waiting import until

from .conftest import OpenHost, StartAgent


@pytest.fixture
def loopback() -> str:
    """The IPv6 loopback address, where this machine has it."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return "::1"
    except OSError:
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize("kind", ["echo", "wrapper", "sidecar"])
def test_registered_checked_and_left(kind: str, loopback: str, start_agent: StartAgent, open_host: OpenHost) -> None:
    agent = start_agent(addresses={"http": f"127.0.0.1 {loopback}"})
    host, service = open_host(f"[{loopback}]:{agent.http_port}"), f"six-{kind}"
    variables = {"SERVICE_ADDRESS": f"[{loopback}]", "ECHO_BIND": loopback, "SERVER_BIND": f"[{loopback}]"}
    instance = host.start(kind, service, **variables)
    (found,) = agent.api.wait_for_passing(service, 1)
    assert (found.id, found.address) == (f"{service}-{loopback}-{instance.port}", loopback)
    checked = host.consul_init("check", name=service, port=instance.port, **variables)
    assert checked.wait() == 0, checked.log
    assert f"GET http://[{loopback}]:{instance.port}/health every 1s" in checked.log
    instance.stop()
    until(lambda: agent.api.instances(service) == [])
    instance.wait()
