"""What is not the operator's is never touched, whoever made it; a clash is a condition."""

from collections.abc import Callable, Iterator

import pytest
from devstack.echoroutes import condition, create, delete, programmed, route
from devstack.handles.answers import JsonObject, at
from devstack.handles.gateway import GatewayApi
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until
from echoroute.core.objects import Key
from echoroute.core.ownership import labels, route_id

Start = Callable[..., Operator]

_OURS, _THEIRS = "0badcafe", "5ca1ab1e"
_UPSTREAM: JsonObject = {"type": "roundrobin", "nodes": {"127.0.0.1:9": 1}}


def _put(gateway: GatewayApi, object_id: str, **fields: object) -> JsonObject:
    return gateway.put("routes", object_id, {"uri": f"/by-hand/{object_id}", "upstream": _UPSTREAM, **fields})


def _rounds(operator: Operator, number: int) -> None:
    before = operator.metric("echoroute_rounds_total")
    until(lambda: operator.metric("echoroute_rounds_total") >= before + number, timeout=60)


@pytest.fixture
def gateway(breakable_stack: Stack) -> Iterator[GatewayApi]:
    return breakable_stack.gateway.api


def test_objects_at_our_ids_that_are_not_ours(breakable_stack: Stack, start: Start, gateway: GatewayApi) -> None:
    kube = breakable_stack.kube
    marks: dict[str, JsonObject] = {
        "by-hand": {},
        "other-owner": {"labels": labels(_THEIRS, Key("default", "other-owner"))},
        "half-marked": {"labels": {"manager": "echoroute", "owner": _OURS}},
    }
    ids = {name: route_id(_OURS, Key("default", name)) for name in marks}
    stored = {name: _put(gateway, ids[name], **fields) for name, fields in marks.items()}
    create(kube, [route(name, "default", f"/{name}") for name in marks])
    operator = start(ECHOROUTE_OWNER_ID=_OURS)
    for name in marks:
        until(lambda n=name: condition(kube, "default", n, "Programmed").reason == "ForeignObject")
        assert ids[name] in condition(kube, "default", name, "Programmed").message
        assert condition(kube, "default", name, "Stalled").status == "True"
    _rounds(operator, 3)
    assert {name: gateway.get("routes", ids[name]) for name in marks} == stored
    assert operator.metric("echoroute_foreign_objects") == len(marks)

    delete(kube, "default", "by-hand")
    _rounds(operator, 3)
    assert gateway.get("routes", ids["by-hand"]) == stored["by-hand"], "nor is it deleted with the EchoRoute"
    gateway.delete("routes", ids["other-owner"])
    until(lambda: condition(kube, "default", "other-owner", "Programmed").status == "True")


def test_an_object_of_another_echoroute_of_ours(breakable_stack: Stack, start: Start, gateway: GatewayApi) -> None:
    """It is marked as the other's, which does not want it: it goes, and then the id is free."""
    kube = breakable_stack.kube
    create(kube, [route(name, "default", f"/{name}") for name in ("web", "other")])
    _put(gateway, route_id(_OURS, Key("default", "web")), labels=labels(_OURS, Key("default", "other")))
    start(ECHOROUTE_OWNER_ID=_OURS)
    until(lambda: condition(kube, "default", "web", "Programmed").status == "True")
    assert sorted(str(one["uri"]) for one in programmed(gateway, "default")) == ["/other", "/web"]


def test_a_copy_of_a_route_of_ours_is_not_ours(breakable_stack: Stack, start: Start, gateway: GatewayApi) -> None:
    """Somebody tries something out on a copy, labels and all: its id says that we did not make it."""
    create(breakable_stack.kube, [route("web", "default", "/web")])
    operator = start(ECHOROUTE_OWNER_ID=_OURS)
    until(lambda: programmed(gateway, "default"))
    stored = _put(gateway, "copy", labels=labels(_OURS, Key("default", "web")))
    delete(breakable_stack.kube, "default", "web")
    until(lambda: gateway.get("routes", route_id(_OURS, Key("default", "web"))) is None)
    _rounds(operator, 3)
    assert gateway.get("routes", "copy") == stored


def test_operators_of_two_classes_share_a_gateway(breakable_stack: Stack, start: Start, gateway: GatewayApi) -> None:
    """Each collects its own orphans only, also while the other one is down."""
    kube = breakable_stack.kube
    create(kube, [route("one", "default", "/one"), route("two", "default", "/two", gatewayClass="second")])
    first = start()
    second = start(ECHOROUTE_GATEWAY_CLASS="second")
    until(lambda: len(programmed(gateway, "default")) == 2)
    owners = {str(at(one, "labels", "owner")) for one in programmed(gateway, "default")}
    assert len(owners) == 2
    second.process.stop()
    delete(kube, "default", "two")
    _rounds(first, 3)
    assert sorted(str(one["uri"]) for one in programmed(gateway, "default")) == ["/one", "/two"]
    start(ECHOROUTE_GATEWAY_CLASS="second")
    until(lambda: [one["uri"] for one in programmed(gateway, "default")] == ["/one"])
