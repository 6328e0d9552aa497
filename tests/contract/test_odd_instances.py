"""Instances that people register by mistake: what the gateway makes of each, alone and beside a good one."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from .backends import SIXTH, Backends, in_consul
from .recorded import Registration
from .target import Target

_SERVICE = "rec-odd-one"
_ROUTE = (
    '{"uri": "/odd", "upstream": {"type": "roundrobin", "discovery_type": "consul", "service_name": "rec-odd-one"}}'
)


class Odd(NamedTuple):
    """An instance at the second node's port, as somebody registers it, and who answers: a node, or a status.

    In `address` {2} and {3} are the ports of the second and third node. `beside` is who answers where the first
    node is registered, too.
    """

    why: str
    address: str
    alone: str
    beside: set[str]


_ODD = (
    Odd("the address of another family", "::1", "502", {"inst1"}),
    Odd("a name is not looked up", "localhost", "502", {"inst1", "502"}),
    Odd("nor is one that looks like an address", "127.0.0.1.example", "502", {"inst1", "502"}),
    Odd("no address", "", "502", {"inst1", "502"}),
    Odd("a blank before it", " 127.0.0.1", "502", {"inst1", "502"}),
    Odd("a blank behind it", "127.0.0.1 ", "502", {"inst1", "502"}),
    Odd("three numbers", "127.0.1", "502", {"inst1", "502"}),
    Odd("a number above 255", "127.0.0.256", "502", {"inst1", "502"}),
    Odd("leading zeros are read as decimal", "127.0.0.01", "inst2", {"inst1", "inst2"}),
    Odd("a port in the address counts, and the instance's own does not", "127.0.0.1:{3}", "inst3", {"inst1", "inst3"}),
    Odd("a port in the address that is its own, too", "127.0.0.1:{2}", "inst2", {"inst1", "inst2"}),
    Odd("a scheme", "http://127.0.0.1", "502", {"inst1", "502"}),
    Odd("a network", "127.0.0.1/8", "502", {"inst1", "502"}),
    Odd("a zone; of several nodes APISIX does not find its port", "::1%lo", "502", {"inst1", "500"}),
)
_NO_PORTS = (70_000, -1)
"""What Consul takes for a port."""


@contextmanager
def _answering(target: Target, instances: list[Registration]) -> Iterator[Counter[str]]:
    with in_consul(target.consul_url, instances):
        time.sleep(target.settle)
        target.admin("PUT", "/routes/odd", _ROUTE).raise_for_status()
        time.sleep(target.settle)
        answers = [target.request("/odd") for _ in range(8)]
        yield Counter(one.json()["instance"] if one.is_success else str(one.status_code) for one in answers)


def _instance(nodes: Backends, name: str, address: str) -> Registration:
    ports = {name: node.rpartition(":")[2] for name, node in nodes.addresses.items()}
    here = address.replace("{2}", ports["inst2"]).replace("{3}", ports["inst3"])
    return Registration(ID=f"odd-{name}", Name=_SERVICE, Address=here, Port=int(ports[name]))


@pytest.mark.parametrize("odd", _ODD, ids=lambda odd: odd.why)
def test_an_odd_instance(odd: Odd, empty: Target, nodes: Backends) -> None:
    alone = [_instance(nodes, "inst2", odd.address)]
    with _answering(empty, alone) as answers:
        assert set(answers) == {odd.alone}
    with _answering(empty, [*alone, _instance(nodes, "inst1", "127.0.0.1")]) as answers:
        assert set(answers) == odd.beside


@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_an_ipv6_address_needs_no_brackets(address: str, empty: Target, nodes: Backends) -> None:
    """The node listens there at the port of the first."""
    with _answering(empty, [_instance(nodes, "inst1", address)]) as answers:
        assert set(answers) == {SIXTH}


@pytest.mark.parametrize("port", _NO_PORTS)
def test_a_port_that_is_none_spoils_the_whole_service(port: int, empty: Target, nodes: Backends) -> None:
    odd = Registration(ID="odd-port", Name=_SERVICE, Address="127.0.0.1", Port=port)
    with _answering(empty, [odd, _instance(nodes, "inst1", "127.0.0.1")]) as answers:
        assert set(answers) == {"503"}
