"""`consul-init check`: exit code 0 agrees, 1 differs, 2 cannot be known."""

from devstack.ports import pick_ports

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
