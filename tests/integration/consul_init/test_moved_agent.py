"""A Consul server behind a headless Service restarts at a new address, while another one answers to the same name."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost, StartAgent
from .instances import APPS, Host, Running, stop_and_watch

# Seconds of silence after which the agent is looked for, and two looks.
FOUND_WITHIN = 16.0
DRAIN = 2.0


class Servers:
    """Two with one name, which has the addresses that `named` says."""

    def __init__(self, start_agent: StartAgent, names: Path) -> None:
        self.first = start_agent("127.0.0.2")
        self.second = start_agent("127.0.0.3", self.first.http_port, node_name="node2")
        self._names = names
        self.named("127.0.0.2", "127.0.0.3")

    def named(self, *addresses: str) -> None:
        self._names.write_text(f"consul.test {' '.join(addresses)}\n")

    def run(self, host: Host, service: str) -> Running:
        """An instance that is wrapped, and finds Consul by name."""
        port = host.free_port()
        variables = host.environment(service, port, CONSUL_HTTP_ADDR=f"consul.test:{self.first.http_port}")
        command = [sys.executable, str(APPS / "with_names.py"), str(self._names), "run", "--", str(host.go_server)]
        running = host.run(command, variables)
        self.first.api.wait_for_passing(service, 1)
        return running


@pytest.fixture
def servers(start_agent: StartAgent, tmp_path: Path) -> Servers:
    return Servers(start_agent, tmp_path / "names")


@pytest.fixture
def ended(open_host: OpenHost) -> Iterator[list[Running]]:
    """What is put in here is stopped in the end, if it is not yet."""
    running: list[Running] = []
    yield running
    for each in running:
        if each.process.poll() is None:
            each.send()
            each.wait()


def stop_well(server: ConsulAgent, service: str, running: Running) -> None:
    """Out of this server's Consul first, then the drain."""

    def serves() -> None:
        assert running.process.poll() is None, "it ended while it was in Consul"

    still_there = stop_and_watch(running.send, server.api, service, serves)
    running.wait()
    assert time.monotonic() - still_there > DRAIN
    assert server.api.instances(service) == []


def test_it_is_found_again_by_its_nodes_name(
    servers: Servers, open_host: OpenHost, ended: list[Running], figure: Figure
) -> None:
    first, second = servers.first, servers.second
    running = servers.run(open_host(""), "moved")
    ended.append(running)
    first.stop()
    servers.named("127.0.0.3")
    time.sleep(1)
    first.move("127.0.0.4")
    first.start()
    servers.named("127.0.0.3", "127.0.0.4")
    took = until(
        lambda: "the agent of node node1 is at 127.0.0.4 now" in running.log, timeout=5 * FOUND_WITHIN, what="the agent"
    )
    figure(f"a Consul server at a new address: found after {took:.1f} s, not left for another")
    time.sleep(3.5)  # a look later
    assert second.api.registered() == set()
    assert "several agents" not in running.log
    stop_well(first, "moved", running)


def test_told_to_stop_just_after_it_has_moved(servers: Servers, open_host: OpenHost, ended: list[Running]) -> None:
    """As in an upgrade of Consul that replaces pods at the same time: it is not left in the one that comes back."""
    first, second = servers.first, servers.second
    running = servers.run(open_host(""), "at-once")
    ended.append(running)
    first.stop()
    first.move("127.0.0.4")
    first.start()
    servers.named("127.0.0.3", "127.0.0.4")
    first.api.wait_for_passing("at-once", 1)
    stop_well(first, "at-once", running)
    assert second.api.registered() == set()


def test_one_that_stays_away_is_replaced_and_cleared_when_it_is_back(
    servers: Servers, open_host: OpenHost, ended: list[Running]
) -> None:
    """After a minute another one is better than none; a twin at the first would get traffic after the end."""
    first, second = servers.first, servers.second
    running = servers.run(open_host(""), "twin")
    ended.append(running)
    first.stop()
    servers.named("127.0.0.3")
    second.api.wait_for_passing("twin", 1, timeout=5 * 65)
    first.move("127.0.0.4")
    first.start()
    servers.named("127.0.0.3", "127.0.0.4")
    until(lambda: first.api.registered() == set(), timeout=5 * 3, what="the removal of the twin")
    assert second.api.registered() != set()
    stop_well(second, "twin", running)
