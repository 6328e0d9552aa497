"""Real Consul agents and real instances of services, each a process."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from devstack.find import Binaries
from devstack.golang import ensure_go
from devstack.processes import ProcessGroup

from .agent import ConsulAgent
from .instances import Host

StartAgent = Callable[..., ConsulAgent]
OpenHost = Callable[[str], Host]
Figure = Callable[[str], None]


@pytest.fixture(scope="session")
def go_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service that is not Python and knows nothing of Consul."""
    program = tmp_path_factory.mktemp("goserver") / "goserver"
    source = Path(__file__).parent / "goserver" / "main.go"
    go = ensure_go()
    subprocess.run([go.path, "build", "-o", program, source], env=go.environment(), check=True)
    return program


@pytest.fixture(scope="session")
def process_group() -> Iterator[ProcessGroup]:
    """Ends what tests have started, also when they are killed."""
    group = ProcessGroup()
    yield group
    group.close()


@pytest.fixture
def start_agent(devstack_binaries: Binaries, process_group: ProcessGroup, tmp_path: Path) -> Iterator[StartAgent]:
    """A factory of started agents; other keyword arguments are added to their configuration."""
    agents: list[ConsulAgent] = []

    def start(address: str = "127.0.0.1", http_port: int | None = None, **extra: object) -> ConsulAgent:
        directory = tmp_path / f"consul{len(agents)}"
        directory.mkdir()
        binary = devstack_binaries["consul"].path
        agent = ConsulAgent(binary, directory, process_group, extra, address=address, http_port=http_port)
        agents.append(agent)
        agent.start()
        return agent

    yield start
    for each in agents:
        each.close()


@pytest.fixture(scope="session")
def shared_agent(
    devstack_binaries: Binaries, process_group: ProcessGroup, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConsulAgent]:
    """One agent for tests that leave it as it is, and use service names of their own."""
    directory = tmp_path_factory.mktemp("consul")
    agent = ConsulAgent(devstack_binaries["consul"].path, directory, process_group, {})
    agent.start()
    yield agent
    agent.close()


@pytest.fixture
def open_host(process_group: ProcessGroup, go_server: Path, tmp_path: Path) -> Iterator[OpenHost]:
    """A factory of hosts; the argument is what their services have as CONSUL_HTTP_ADDR."""
    hosts: list[Host] = []

    def start(consul: str) -> Host:
        directory = tmp_path / f"host{len(hosts)}"
        directory.mkdir()
        hosts.append(Host(process_group, directory, go_server, consul))
        return hosts[-1]

    yield start
    for each in hosts:
        each.close()
