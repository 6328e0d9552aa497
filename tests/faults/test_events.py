"""Events about the operator itself: on its pod, where `kubectl describe pod` shows them."""

from collections.abc import Callable

from devstack.echoroutes import create, route
from devstack.handles.answers import JsonObject, accepted, at
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

Start = Callable[..., Operator]

_NAMESPACE = "echoroute-system"


def _pod(name: str) -> JsonObject:
    """A pod that nobody runs: there is no node, and the Events are about the object."""
    restricted: JsonObject = {
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "serviceAccountName": "echoroute-operator",
            "containers": [{"name": "operator", "image": "operator", "securityContext": restricted}],
        },
    }


def test_an_outage_is_an_event_on_the_operators_pod(breakable_stack: Stack, start: Start) -> None:
    kube = breakable_stack.kube
    pod = accepted(kube.http.post(f"/api/v1/namespaces/{_NAMESPACE}/pods", json=_pod("operator-0"))).json()
    create(kube, [route("web", "default", "/web")])
    operator = start(
        POD_NAME="operator-0", POD_NAMESPACE=_NAMESPACE, POD_UID=str(at(pod, "metadata", "uid"))
    )  # fmt: skip
    until(lambda: operator.check("watch") == "[+]watch")
    breakable_stack.gateway.kill()
    until(lambda: "GatewayUnreachable" in _described(breakable_stack))
    breakable_stack.gateway.start()
    breakable_stack.consul.kill()
    until(lambda: "GatewayReachable" in _described(breakable_stack))
    until(lambda: "ConsulUnreachable" in _described(breakable_stack))
    told = [event for event in kube.list_all("events", _NAMESPACE) if event["reason"] == "GatewayUnreachable"]
    assert len(told) == 1, "an outage is one Event, however long"
    assert at(told[0], "type") == "Warning"
    assert at(told[0], "source", "component") == "echoroute-operator"


def _described(stack: Stack) -> str:
    return stack.kube.run("describe", "pod", "operator-0", "-n", _NAMESPACE)
