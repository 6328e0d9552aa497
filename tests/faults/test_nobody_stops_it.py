"""What one person without the platform's rights, or another tool, can do: it costs the others nothing.

Promises in seconds are asserted with five times their bound, and printed (`pytest -s`).
"""

import time
from collections.abc import Callable

import pytest
from devstack.echoroutes import condition, create, create_with_plugins, delete, path_of, programmed, route
from devstack.handles.answers import accepted, at
from devstack.handles.gateway import Fault
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until
from echoroute.core.json import parse

from .promises import MERGE, change, say, told

Start = Callable[..., Operator]

_SECRET = "S3CRET-VALUE"
_SLOW_ROUNDS = {"ECHOROUTE_DRIFT_INTERVAL": "30s"}


def _deep(levels: int, shape: str) -> str:
    opening, closing = {"lists": ("[", "]"), "objects": ('{"a":', "}")}[shape]
    return opening * levels + f'"{_SECRET}"' + closing * levels


def _plugins(levels: int, shape: str) -> str:
    return f'{{"csrf": {{"key": "{_SECRET}"}}, "mocking": {{"a": {_deep(levels, shape)}}}}}'


def _refusal(kube: Kube, name: str) -> str:
    """Why an EchoRoute is not accepted; by the operator's own parser, since others give up at some hundred levels."""
    answer = accepted(kube.http.get(path_of("default", name)))
    items = at(parse(answer.content), "status", "conditions")
    for item in items if isinstance(items, list) else ():
        if at(item, "type") == "Accepted" and at(item, "reason") == "Invalid":
            return str(at(item, "message"))
    return ""


def _unharmed(operator: Operator) -> None:
    assert operator.process.running
    assert "Traceback" not in operator.process.output()
    assert _SECRET not in operator.process.output()


@pytest.mark.parametrize(
    ("levels", "shape"), [(210, "objects"), (300, "lists"), (900, "objects"), (1_500, "lists"), (5_000, "objects")]
)
def test_a_deeply_nested_echoroute_is_refused_and_stops_nobody(
    breakable_stack: Stack, start: Start, levels: int, shape: str
) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(name, "default", f"/{name}") for name in ("stays", "changes")])
    operator = start(**_SLOW_ROUNDS)
    until(lambda: len(programmed(gateway, "default")) == 2)
    until(lambda: operator.check("watch") == "[+]watch")

    create_with_plugins(kube, "deep", "default", "/deep", _plugins(levels, shape))
    took = until(lambda: _refusal(kube, "deep"), timeout=60)
    # kopf ends on what is nested deeper than about 1,000 levels; then lists tell.
    told(f"refused, {levels} levels", took, 2)
    assert "spec.plugins.mocking" in _refusal(kube, "deep")
    watched = 1 if levels <= 900 else 5
    for turn in range(3):
        told("a change of another", change(breakable_stack, "default", "changes", f"/changed-{turn}"), watched)
    create(kube, [route("new", "default", "/new")])
    until(lambda: condition(kube, "default", "new", "Programmed").status == "True")
    _unharmed(operator)
    operator.process.stop()

    operator = start(**_SLOW_ROUNDS)
    told("a change after a restart", change(breakable_stack, "default", "changes", "/after"), watched)
    assert _refusal(kube, "deep")
    assert len(programmed(gateway, "default")) == 3
    _unharmed(operator)
    delete(kube, "default", "deep")
    until(lambda: operator.check("watch") == "[+]watch", timeout=90)


@pytest.mark.parametrize("levels", [210, 1_500, 5_000])
def test_a_deeply_nested_route_of_somebody_else_stops_nobody(breakable_stack: Stack, start: Start, levels: int) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    plugins = f'{{"echo": {{"body": "x", "deep": {_deep(levels, "lists")}}}}}'
    upstream = '{"type": "roundrobin", "nodes": {"127.0.0.1:9": 1}}'
    body = f'{{"uri": "/theirs", "plugins": {plugins}, "upstream": {upstream}}}'
    accepted(
        gateway.http.put(
            f"{gateway.admin_url}/apisix/admin/routes/theirs",
            content=body,
            headers={"X-API-KEY": gateway.admin_key_file.read_text().split()[0]},
        )
    )
    create(kube, [route("ours", "default", "/ours")])
    operator = start()
    until(lambda: condition(kube, "default", "ours", "Programmed").status == "True")
    ours = str(at(kube.read(path_of("default", "ours")), "status", "routeId"))
    gateway.delete("routes", ours)
    until(lambda: gateway.get("routes", ours) is not None)
    assert operator.check("gateway") == "[+]gateway"
    assert operator.metric("echoroute_foreign_objects") == 1
    _unharmed(operator)


def test_refused_writes_beside_reads_that_work_are_tried_one_at_a_time(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(f"r{number}", "default", f"/r{number}") for number in range(100)])
    operator = start(ECHOROUTE_DRIFT_INTERVAL="10s")
    until(lambda: len(programmed(gateway, "default")) == 100)
    until(lambda: operator.check("watch") == "[+]watch", timeout=60)
    gateway.add_fault(Fault(action="status", status=503, writes=True))
    gateway.reset_stats()
    for number in range(100):
        path = path_of("default", f"r{number}")
        accepted(kube.http.patch(path, headers=MERGE, json={"spec": {"websocket": True}}))
    time.sleep(60)
    stats = gateway.stats()
    lists = sum(stats.requests.get("upstreams", {}).get("GET", {}).values())
    say(f"60 s of refused writes: {stats.writes} tries, {lists} full lists (promised: 30 and 6)")
    assert stats.writes <= 30
    assert lists <= 6
    assert operator.check("gateway").startswith("[-]gateway: GatewayUnreachable")
    gateway.clear_faults()
    took = until(lambda: all("enable_websocket" in one for one in programmed(gateway, "default")), timeout=60)
    told("back after the refusals", took, 10)
    until(lambda: operator.check("gateway") == "[+]gateway")


def test_one_object_that_always_fails_is_noticed_by_nobody_else(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(name, "default", f"/{name}") for name in ("stuck", "other")])
    operator = start(**_SLOW_ROUNDS)
    until(lambda: len(programmed(gateway, "default")) == 2)
    until(lambda: operator.check("watch") == "[+]watch")
    gateway.add_fault(Fault(action="status", status=500, writes=True, id_contains="stuck"))
    gateway.reset_stats()
    accepted(kube.http.patch(path_of("default", "stuck"), headers=MERGE, json={"spec": {"websocket": True}}))
    for turn in range(10):
        told("a change of another", change(breakable_stack, "default", "other", f"/other-{turn}"), 0.5)
        time.sleep(0.6)
    until(lambda: condition(kube, "default", "stuck", "Programmed").reason == "GatewayUnreachable")
    assert operator.check("gateway") == "[+]gateway"
    assert sum(write.id.endswith("stuck") for write in gateway.writes()) <= 6
    assert not [line for line in operator.said("ERROR") if "takes no writes" in line]


def test_an_etcd_that_was_replaced_by_an_empty_one_gets_all_back(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route(f"r{number}", "default", f"/r/{number}") for number in range(16)])
    operator = start()
    until(lambda: len(programmed(gateway, "default")) == 16)
    until(lambda: operator.metric("echoroute_rounds_total") >= 2)
    gateway.wipe(directories=True)
    until(lambda: gateway.stats().objects["routes"] == 16)
    until(lambda: any("the gateway had lost the objects of 16 EchoRoutes" in line for line in operator.said("WARNING")))
    assert operator.check("gateway") == "[+]gateway"
    assert operator.said("ERROR") == []
