"""Backends that the operator resolves: how soon an instance is out, what that costs, and what an outage changes.

Promises in seconds are asserted with five times their bound, and printed.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from devstack.echoroutes import condition, create, path_of, route
from devstack.handles.answers import JsonObject, accepted, at
from devstack.handles.gateway import GatewayApi, Write
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

from .promises import MERGE

Start = Callable[..., Operator]
Figure = Callable[[str], None]

_SERVICES = 80
"""So many services have a query of their own."""
_OF_ONE = 200
"""EchoRoutes of one of them."""
_SOON = 1.0
"""Seconds from Consul's knowledge to the gateway's, as promised."""
_ADDRESS = "10.20.0.{}"


def _resolved(name: str, service: str, **subset: object) -> JsonObject:
    backend: JsonObject = {"service": service, "resolve": "Operator"}
    if subset:
        backend["subset"] = subset
    return route(name, "default", f"/{name}", backends=[backend])


def _hosts(gateway: GatewayApi, name: str) -> list[str]:
    """The nodes of the only Upstream of an EchoRoute."""
    for upstream in gateway.list_all("upstreams"):
        if at(upstream, "labels", "name") == name:
            nodes = at(upstream, "nodes")
            return [str(at(node, "host")) for node in nodes] if isinstance(nodes, list) else []
    return ["nothing is there"]


@pytest.fixture
def registered(breakable_stack: Stack) -> Iterator[Callable[..., str]]:
    """Registers instances at addresses that nobody answers at; they are gone after the test."""
    ids: list[str] = []

    def register(service: str, number: int, **more: object) -> str:
        api = breakable_stack.consul.api
        ids.append(api.register(service, port=80, address=_ADDRESS.format(number), **more))
        return ids[-1]

    yield register
    for instance in ids:
        breakable_stack.consul.api.deregister(instance)


def _of_kind(writes: list[Write], kind: str) -> list[Write]:
    return [write for write in writes if write.kind == kind]


def test_an_instance_that_fails_is_out_within_a_second(
    breakable_stack: Stack, start: Start, registered: Callable[..., str], figure: Figure
) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul.api
    failing = [registered(f"service-{number}", number) for number in range(_SERVICES)]
    for number in range(_SERVICES):
        registered(f"service-{number}", 100 + number)
    many = [f"many-{number}" for number in range(_OF_ONE)]
    create(kube, [_resolved(f"one-{number}", f"service-{number}") for number in range(_SERVICES)])
    create(kube, [_resolved(name, "service-0") for name in many])
    operator = start(ECHOROUTE_DRIFT_INTERVAL="60s")
    until(lambda: gateway.stats().objects["routes"] == _SERVICES + _OF_ONE, timeout=120)
    until(lambda: operator.metric("echoroute_queue_depth") == 0)
    took = []
    for turn, instance in enumerate((failing[0], *failing[1::26])):
        gateway.reset_stats()
        consul.set_status(instance, "critical")
        known = time.time()
        expected = 1 + _OF_ONE if turn == 0 else 1
        until(lambda expected=expected: len(gateway.writes()) >= expected, timeout=60)
        took.append(max(write.time for write in gateway.writes()) - known)
        time.sleep(2)  # whatever else it would write comes until then
        writes = gateway.writes()
        assert len(writes) == expected, "one Upstream for each EchoRoute"
        assert _of_kind(writes, "routes") == [], "and no Route"
    assert _hosts(gateway, many[7]) == [_ADDRESS.format(100)]
    figure(
        f"an instance that fails its check is out of the gateway, {_SERVICES} services: after {took[0]:.2f} s of "
        f"{1 + _OF_ONE} EchoRoutes, {max(took[1:]):.2f} s of one (promised: {_SOON:g} s)"
    )
    assert max(took) < 5 * _SOON


def test_consul_away_and_a_restart_meanwhile(
    breakable_stack: Stack, start: Start, registered: Callable[..., str]
) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul
    instances = registered("echo", 1, tags=["version:2"]), registered("echo", 2, tags=["version:1"])
    create(kube, [_resolved("web", "echo", tags=["version:2"])])
    operator = start()
    until(lambda: condition(kube, "default", "web", "Ready")[:2] == ("True", "Ready"), timeout=60)
    assert _hosts(gateway, "web") == [_ADDRESS.format(1)]
    gateway.reset_stats()
    consul.kill()
    until(lambda: operator.check("consul").startswith("[-]consul: "))
    _edit(breakable_stack, "web", {"match": {"paths": ["/moved"]}})
    until(lambda: [write.kind for write in gateway.writes()] == ["routes"], timeout=60)
    operator.process.stop()

    operator = start()
    _edit(breakable_stack, "web", {"match": {"paths": ["/again"]}})
    until(lambda: at(gateway.list_all("routes")[0], "uri") == "/again", timeout=60)
    until(lambda: condition(kube, "default", "web", "Programmed").status == "True", timeout=60)
    _edit(breakable_stack, "web", {"backends": [{"service": "echo", "subset": {"tags": ["version:1"]}}]})
    until(lambda: condition(kube, "default", "web", "Programmed")[:2] == ("False", "RefsNotResolved"), timeout=60)
    assert condition(kube, "default", "web", "Reconciling").status == "True"
    time.sleep(3)  # three rounds
    assert _of_kind(gateway.writes(), "upstreams") == [], "nodes stay as they are"
    assert at(gateway.list_all("routes")[0], "uri") == "/again"

    consul.start()
    for instance in instances:
        consul.api.set_status(instance, "passing")  # an agent that restarts takes all for critical until it is told
    until(lambda: condition(kube, "default", "web", "Ready")[:2] == ("True", "Ready"), timeout=90)
    until(lambda: _hosts(gateway, "web") == [_ADDRESS.format(2)], timeout=60)
    assert "Traceback" not in operator.process.output()


def _edit(stack: Stack, name: str, spec: JsonObject) -> None:
    accepted(stack.kube.http.patch(path_of("default", name), headers=MERGE, json={"spec": spec}))


def test_an_unknown_datacenter_delays_nobody(
    breakable_stack: Stack, start: Start, registered: Callable[..., str], figure: Figure
) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul.api
    instance = registered("well", 1)
    registered("well", 2)
    lost = [_resolved(f"lost-{number}", f"lost-{number}", datacenter="nowhere") for number in range(100)]
    create(kube, [*lost, _resolved("well", "well")])
    operator = start()
    until(lambda: _hosts(gateway, "well") == [_ADDRESS.format(1), _ADDRESS.format(2)], timeout=60)
    until(lambda: condition(kube, "default", "lost-99", "Ready")[:2] == ("False", "DatacenterNotFound"), timeout=60)
    assert condition(kube, "default", "lost-99", "Programmed")[:2] == ("False", "RefsNotResolved")
    gateway.reset_stats()
    consul.set_status(instance, "critical")
    known = time.time()
    until(lambda: gateway.writes() != [], timeout=60)
    took = gateway.writes()[0].time - known
    figure(f"beside 100 EchoRoutes of an unknown datacenter: {took:.2f} s (promised: {_SOON:g} s)")
    assert took < 5 * _SOON
    assert gateway.stats().objects == {"routes": 1, "upstreams": 1}
    assert operator.check("consul") == "[+]consul"


def test_services_that_flap_cost_one_upstream_a_second_and_no_route(
    breakable_stack: Stack, start: Start, registered: Callable[..., str], figure: Figure
) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul.api
    services, seconds = [f"flaps-{number}" for number in range(10)], 5.0
    instances = [registered(service, 10 * at_ + n) for at_, service in enumerate(services) for n in range(5)]
    create(kube, [_resolved(service, service) for service in services])
    operator = start()
    until(lambda: gateway.stats().objects["routes"] == len(services), timeout=60)
    until(lambda: operator.metric("echoroute_queue_depth") == 0)
    time.sleep(2)
    gateway.reset_stats()
    began, transitions = time.monotonic(), 0
    while time.monotonic() < began + seconds:
        consul.set_status(
            instances[transitions % len(instances)], "critical" if transitions // 50 % 2 == 0 else "passing"
        )
        transitions += 1
    took = time.monotonic() - began
    for instance in instances:
        consul.set_status(instance, "passing")
    until(lambda: all(len(_hosts(gateway, service)) == 5 for service in services), timeout=60)
    writes = gateway.writes()
    assert _of_kind(writes, "routes") == []
    most = len(services) * (took + 5)
    figure(
        f"{len(services)} services that flap, {transitions} transitions in {took:.1f} s: {len(writes)} Upstream writes"
    )
    assert len(writes) <= min(most, transitions + len(instances))
