"""`consul-init check`: exit code 0 agrees, 1 differs, 2 cannot be known."""

import json

from devstack.ports import pick_ports
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import OpenHost


def test_check(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    host, (port, nobody) = open_host(shared_agent.address), pick_ports(2)

    def check(**variables: str) -> tuple[int, str]:
        checked = host.consul_init("check", name="checked", port=port, **variables)
        return checked.wait(), checked.log

    exit_code, told = check(SERVICE_VERSION="3", NODE_NAME="worker-1")
    assert exit_code == 1
    assert told.splitlines() == [
        f"id       checked-127.0.0.1-{port}",
        "service  checked",
        f"address  127.0.0.1 port {port} (SERVICE_ADDRESS says so)",
        "tags     version:3",
        "meta     node=worker-1",
        f"check    GET http://127.0.0.1:{port}/health every 1s, timeout 10s, as checked-127.0.0.1-{port}",
        "         removed by Consul after 60s critical",
        f"consul   http://{shared_agent.address}",
        "differs: not registered with this agent",
    ]
    host.start("echo", "checked", port=port)
    shared_agent.api.wait_for_passing("checked", 1)
    exit_code, told = check()
    assert (exit_code, told.splitlines()[-1]) == (0, "agrees: registered with the agent of node node1, health passing")
    exit_code, told = check(SERVICE_VERSION="3")
    assert (exit_code, told.splitlines()[-1]) == (1, "differs: tags is [], not ['version:3']")
    exit_code, told = check(CONSUL_HTTP_ADDR=f"127.0.0.1:{nobody}")
    assert exit_code == 2
    assert told.splitlines()[-1].startswith(f"cannot be known: no connection to http://127.0.0.1:{nobody}")
    exit_code, told = check(SERVICE_NAME="")
    assert (exit_code, told) == (2, "consul-init: SERVICE_NAME is not set: the name of the service in Consul\n")


def test_check_says_what_consuls_check_says(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """A service that listens on loopback, uvicorn's default, and is registered with the pod's address."""
    host, api = open_host(shared_agent.address), shared_agent.api
    variables = {"SERVICE_ADDRESS": "127.0.0.2"}  # the server is at 127.0.0.1
    instance = host.start("wrapper", "loopback", **variables)
    until(lambda: "gets no traffic" in instance.main.log, timeout=5 * 10, what="the warning")
    warning = next(line for line in instance.main.log.splitlines() if "gets no traffic" in line)
    assert "WARNING consul_init" in warning
    assert f"dial tcp 127.0.0.2:{instance.port}: connect: connection refused" in warning
    assert "0.0.0.0" in warning  # noqa: S104 - the hint
    assert [each.status for each in api.instances("loopback")] == ["critical"]

    checked = host.consul_init("check", name="loopback", port=instance.port, **variables)
    assert checked.wait() == 3
    agrees, told = checked.log.splitlines()[-2:]
    assert agrees == "agrees: registered with the agent of node node1, health critical"
    assert told.startswith("gets no traffic: Get ")
    assert "0.0.0.0" in told  # noqa: S104

    as_json = host.consul_init("check", "-o", "json", name="loopback", port=instance.port, **variables)
    assert as_json.wait() == 3
    found = json.loads(as_json.log)
    assert (found["exit_code"], found["registered"], found["differences"]) == (3, True, [])
    assert (found["id"], found["node"], found["health"]) == (f"loopback-127.0.0.2-{instance.port}", "node1", "critical")
    assert "connection refused" in found["output"]


def test_a_sidecar_says_why_it_waits(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    host = open_host(shared_agent.address)
    sidecar = host.consul_init("sidecar", name="waits", port=host.free_port())
    until(lambda: "not registered yet" in sidecar.log, timeout=5 * 11, what="the warning")
    assert "refused" in sidecar.log
    sidecar.send()
    assert sidecar.wait() == 0
