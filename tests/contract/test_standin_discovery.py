"""The stand-in gateway follows a real Consul as APISIX does."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from devstack.waiting import until

from .backends import Backends
from .standin import ConsulAddress, StandIn, running_consul, running_standin

_ROUTE = '{"uri": "/t", "upstream": {"type": "roundrobin", "discovery_type": "consul", "service_name": "moving"}}'
_QUICK = 2.0  # seconds; 0.1 on an idle machine


def _put_instance(consul_url: str, address: str) -> None:
    host, port = address.split(":")
    body = {
        "ID": f"moving-{port}",
        "Name": "moving",
        "Address": host,
        "Port": int(port),
        "Check": {"CheckID": f"check-{port}", "TTL": "24h", "Status": "passing"},
    }
    httpx.put(f"{consul_url}/v1/agent/service/register", json=body, trust_env=False).raise_for_status()


def _drop(consul_url: str, instance: str) -> None:
    httpx.put(f"{consul_url}/v1/agent/service/deregister/{instance}", trust_env=False).raise_for_status()


def _serving(gateway: StandIn) -> set[str]:
    """Which nodes answer; a status where none does."""
    answers = [gateway.target.request("/t") for _ in range(4)]
    return {str(one.json()["instance"]) if one.is_success else str(one.status_code) for one in answers}


@pytest.fixture
def following(calm: StandIn, nodes: Backends) -> Iterator[StandIn]:
    """A gateway with a route to a service that has no instance yet."""
    calm.target.admin("PUT", "/routes/1", _ROUTE).raise_for_status()
    yield calm
    registered = httpx.get(f"{calm.target.consul_url}/v1/agent/services", trust_env=False).json()
    for instance in registered:
        if instance.startswith("moving-"):
            _drop(calm.target.consul_url, instance)


def test_instances_come_and_go(following: StandIn, nodes: Backends) -> None:
    consul = following.target.consul_url
    assert _serving(following) == {"503"}
    _put_instance(consul, nodes.addresses["inst1"])
    until(lambda: _serving(following) == {"inst1"}, timeout=_QUICK)
    _put_instance(consul, nodes.addresses["inst2"])
    until(lambda: _serving(following) == {"inst1", "inst2"}, timeout=_QUICK)
    _drop(consul, f"moving-{nodes.addresses['inst1'].partition(':')[2]}")
    until(lambda: _serving(following) == {"inst2"}, timeout=_QUICK)


@pytest.mark.parametrize("status", ["warning", "critical"])
def test_only_passing_instances_count(following: StandIn, nodes: Backends, status: str) -> None:
    consul = following.target.consul_url
    _put_instance(consul, nodes.addresses["inst1"])
    _put_instance(consul, nodes.addresses["inst2"])
    until(lambda: _serving(following) == {"inst1", "inst2"}, timeout=_QUICK)
    check = f"{consul}/v1/agent/check/update/check-{nodes.addresses['inst1'].partition(':')[2]}"
    httpx.put(check, json={"Status": status}, trust_env=False).raise_for_status()
    until(lambda: _serving(following) == {"inst2"}, timeout=_QUICK)


def test_a_new_port_of_an_instance_is_followed(following: StandIn, nodes: Backends) -> None:
    """The check stays as it is: only the catalog's entry changes."""
    consul = following.target.consul_url
    _put_instance(consul, nodes.addresses["inst1"])
    until(lambda: _serving(following) == {"inst1"}, timeout=_QUICK)
    old, new = (nodes.addresses[name].partition(":")[2] for name in ("inst1", "inst2"))
    body: dict[str, str | int] = {"ID": f"moving-{old}", "Name": "moving", "Address": "127.0.0.1", "Port": int(new)}
    httpx.put(f"{consul}/v1/agent/service/register", json=body, trust_env=False).raise_for_status()
    until(lambda: _serving(following) == {"inst2"}, timeout=_QUICK)


def test_the_last_list_stays_while_consul_is_away(tmp_path: Path, nodes: Backends) -> None:
    """And a Consul that comes back with other instances is believed."""
    address = ConsulAddress()
    with ExitStack() as first:
        first.enter_context(running_consul(tmp_path, address))
        with running_standin(tmp_path, address.url) as gateway:
            _put_instance(address.url, nodes.addresses["inst1"])
            gateway.target.admin("PUT", "/routes/1", _ROUTE).raise_for_status()
            until(lambda: _serving(gateway) == {"inst1"}, timeout=_QUICK)
            first.close()
            time.sleep(1)
            assert _serving(gateway) == {"inst1"}
            with running_consul(tmp_path, address):
                _put_instance(address.url, nodes.addresses["inst2"])
                until(lambda: _serving(gateway) == {"inst2"}, timeout=10)
