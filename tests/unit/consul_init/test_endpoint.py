"""One agent: a name is resolved once, and the address that answered is kept."""

import socket

import pytest
from consul_init import endpoint
from consul_init.consul_settings import ConsulAddress
from consul_init.endpoint import Endpoint
from consul_init.errors import UnreachableError

NAME = "consul.test"


class Dns:
    """What the name resolves to; each lookup is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.lookups = 0
        monkeypatch.setattr(endpoint.socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: str, port: int, **_kinds: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        assert host == NAME
        self.lookups += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self.addresses]


@pytest.fixture
def agents():
    """Two agents on one port, at 127.0.0.2 and 127.0.0.3."""
    with socket.create_server(("127.0.0.2", 0)) as first:
        port = first.getsockname()[1]
        with socket.create_server(("127.0.0.3", port)) as second:
            yield port, first, second


def reached(to: Endpoint) -> str:
    with to.connect(1.0) as connection:
        host: str = connection.getpeername()[0]
    return host


def test_a_name_that_changes_its_order_leads_to_the_same_agent(agents, monkeypatch):
    """Round robin DNS in front of several servers."""
    dns = Dns(monkeypatch, "127.0.0.2", "127.0.0.3")
    to = Endpoint(ConsulAddress(scheme="http", host=NAME, port=agents[0]))
    assert reached(to) == "127.0.0.2"
    dns.addresses.reverse()
    assert [reached(to) for _ in range(5)] == ["127.0.0.2"] * 5
    assert dns.lookups == 1


def test_the_first_address_that_answers_is_the_one(agents, monkeypatch):
    Dns(monkeypatch, "127.0.0.4", "127.0.0.3")
    assert reached(Endpoint(ConsulAddress(scheme="http", host=NAME, port=agents[0]))) == "127.0.0.3"


def test_an_agent_that_is_down_is_waited_for(agents, monkeypatch):
    """Its name still has the address: the registration is there, and so will the agent be."""
    monkeypatch.setattr(endpoint, "MOVED_AFTER", 0.0)
    port, first, _second = agents
    Dns(monkeypatch, "127.0.0.2", "127.0.0.3")
    to = Endpoint(ConsulAddress(scheme="http", host=NAME, port=port))
    assert reached(to) == "127.0.0.2"
    first.close()
    for _ in range(3):
        with pytest.raises(UnreachableError):
            to.connect(1.0)
    with socket.create_server(("127.0.0.2", port)):
        assert reached(to) == "127.0.0.2"


@pytest.mark.parametrize(("silent_for", "moves"), [(0.0, True), (60.0, False)])
def test_an_agent_that_moved_is_found_but_not_in_haste(agents, monkeypatch, silent_for, moves):
    """A pod of an agent that is restarted gets a new address."""
    monkeypatch.setattr(endpoint, "MOVED_AFTER", silent_for)
    port, first, _second = agents
    dns = Dns(monkeypatch, "127.0.0.2")
    to = Endpoint(ConsulAddress(scheme="http", host=NAME, port=port))
    assert reached(to) == "127.0.0.2"
    first.close()
    dns.addresses = ["127.0.0.3"]
    with pytest.raises(UnreachableError):
        to.connect(1.0)
    if moves:
        assert reached(to) == "127.0.0.3"
    else:
        with pytest.raises(UnreachableError):
            to.connect(1.0)


def test_unix_socket(tmp_path):
    path = str(tmp_path / "consul.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        Endpoint(ConsulAddress(scheme="unix", host=path, port=0)).connect(1.0).close()
