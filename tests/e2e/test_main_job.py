"""From `kubectl apply` to the gateway and back to the status: real API server, Consul, gateway and operator process."""

import time
from collections.abc import Callable

import pytest
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.product import Operator, install, start_operator
from devstack.pytest_plugin import FreshStack

JsonDict = dict[str, object]


def until(holds: Callable[[], object], timeout: float = 15) -> None:
    """Wait until something holds; the assertion says what did not."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, "not so within the deadline"
        time.sleep(0.05)


def route(name: str, namespace: str, path: str, **spec: object) -> JsonDict:
    return {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"match": {"paths": [path]}, "backends": [{"service": f"{namespace}-{name}"}], **spec},
    }


def conditions(kube: Kube, namespace: str, name: str) -> dict[str, tuple[str, str, str]]:
    """Status, reason and message by type; empty where the operator has not spoken yet."""
    found = kube.read(f"/apis/echoroute.dev/v1alpha1/namespaces/{namespace}/echoroutes/{name}")
    status = found.get("status")
    assert isinstance(status, dict)
    if status.get("observedGeneration") != found["metadata"]["generation"]:  # type: ignore[index,call-overload]
        return {}
    items = status["conditions"]
    assert isinstance(items, list)
    return {
        str(c["type"]): (str(c["status"]), str(c["reason"]), str(c["message"])) for c in items if isinstance(c, dict)
    }


def ours(gateway: GatewayApi, namespace: str) -> list[dict[str, object]]:
    routes = gateway.list_all("routes")
    return [one for one in routes if (one.get("labels") or {}).get("namespace") == namespace]  # type: ignore[union-attr]


pytestmark = pytest.mark.usefixtures("operator")


def test_new_object_is_pending_until_the_operator_has_seen_it(kube: Kube, namespace: str) -> None:
    """The CRD's default status: nothing is green before it was seen, and `kubectl wait` works right after apply."""
    foreign = route("other", namespace, "/other", gatewayClass="somebody-else")
    kube.apply(foreign)
    time.sleep(3)  # longer than a round: an object of another class is never touched
    found = kube.read(f"/apis/echoroute.dev/v1alpha1/namespaces/{namespace}/echoroutes/other")
    status = found["status"]
    assert isinstance(status, dict)
    assert status["observedGeneration"] == -1
    assert {c["reason"] for c in status["conditions"]} == {"Pending"}  # type: ignore[union-attr,index,call-overload]


def test_ready_with_a_healthy_instance_and_told_without(
    kube: Kube, namespace: str, gateway: GatewayApi, consul: ConsulApi
) -> None:
    kube.apply(route("web", namespace, "/web/*"))
    until(lambda: conditions(kube, namespace, "web").get("Ready", ("",) * 3)[:2] == ("False", "ServiceNotFound"))
    consul.register(f"{namespace}-web", port=1)
    until(lambda: conditions(kube, namespace, "web")["Ready"][:2] == ("True", "Ready"))
    assert conditions(kube, namespace, "web")["Programmed"][0] == "True"
    [programmed] = ours(gateway, namespace)
    assert programmed["uri"] == "/web/*"


def test_a_changed_spec_replaces_the_route(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("web", namespace, "/one"))
    until(lambda: [r["uri"] for r in ours(gateway, namespace)] == ["/one"])
    kube.apply(route("web", namespace, "/two"))
    until(lambda: [r["uri"] for r in ours(gateway, namespace)] == ["/two"])


def test_rejected_by_the_gateway_names_the_field_and_delays_nobody(
    kube: Kube, namespace: str, gateway: GatewayApi
) -> None:
    bad = {"ip-restriction": {"whitelist": ["999.1.1.1"]}}
    kube.apply(route("bad", namespace, "/bad", plugins=bad), route("good", namespace, "/good"))
    until(lambda: [r["uri"] for r in ours(gateway, namespace)] == ["/good"])
    until(lambda: conditions(kube, namespace, "bad").get("Programmed", ("",) * 3)[1] == "GatewayRejected")
    told = conditions(kube, namespace, "bad")
    assert "whitelist" in told["Programmed"][2]
    assert told["Stalled"][0] == "True"


def test_refused_by_policy_is_withdrawn(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("lua", namespace, "/lua"))
    until(lambda: ours(gateway, namespace))
    kube.apply(route("lua", namespace, "/lua", plugins={"serverless-pre-function": {"functions": ["return 1"]}}))
    until(lambda: conditions(kube, namespace, "lua").get("Accepted", ("",) * 3)[:2] == ("False", "NotAllowed"))
    until(lambda: not ours(gateway, namespace))


def test_the_older_of_two_claims_wins_and_the_other_follows_it(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    path = f"/{namespace}/shared"
    kube.apply(route("first", namespace, path))
    until(lambda: ours(gateway, namespace))
    time.sleep(1.1)  # creationTimestamps have whole seconds
    kube.apply(route("second", namespace, path))
    until(lambda: conditions(kube, namespace, "second").get("Accepted", ("",) * 3)[1] == "Conflicted")
    assert f"{namespace}/first" in conditions(kube, namespace, "second")["Accepted"][2]
    kube.run("delete", "er", "first", "-n", namespace)
    until(lambda: conditions(kube, namespace, "second").get("Programmed", ("",) * 3)[0] == "True")
    # The winner's own deletion waits up to a second for a look at the CRD, and the loser does not wait for it.
    until(lambda: len(ours(gateway, namespace)) == 1)


def test_hand_edits_and_deletions_are_mended(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("web", namespace, "/mine"))
    until(lambda: ours(gateway, namespace))
    identity = str(ours(gateway, namespace)[0]["id"])
    gateway.delete("routes", identity)
    until(lambda: ours(gateway, namespace))


def test_a_foreign_object_is_never_touched(kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator) -> None:
    body = {"uri": f"/{namespace}/by-hand", "upstream": {"type": "roundrobin", "nodes": {"127.0.0.1:1": 1}}}
    stored = gateway.put("routes", f"{namespace}-by-hand", body)  # type: ignore[arg-type]
    kube.apply(route("web", namespace, "/beside"))
    until(lambda: ours(gateway, namespace))
    rounds = operator.metric("echoroute_rounds_total")
    until(lambda: operator.metric("echoroute_rounds_total") >= rounds + 2)
    found = gateway.get("routes", f"{namespace}-by-hand")
    assert found is not None
    assert found["update_time"] == stored["update_time"]
    gateway.delete("routes", f"{namespace}-by-hand")


def test_deletion_removes_the_route_soon(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("web", namespace, "/gone"))
    until(lambda: ours(gateway, namespace))
    kube.run("delete", "er", "web", "-n", namespace)
    until(lambda: not ours(gateway, namespace), timeout=5)


def test_restart_writes_nothing_and_an_outage_is_told_once(fresh_stack: FreshStack) -> None:
    """Invariants 4 and 3: zero writes over unchanged routes; a missing CRD deletes nothing; recovery by itself."""
    stack = fresh_stack()
    install(stack)
    operator = start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": "1s"})
    kube, gateway = stack.kube, stack.gateway.api
    kube.apply(*[route(f"r{number}", "default", f"/r{number}") for number in range(20)])
    until(lambda: len(gateway.list_all("routes")) == 20)
    until(lambda: operator.metric("echoroute_status_patches_total") >= 20)
    operator.process.stop()

    gateway.reset_stats()
    operator = start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": "1s"})
    until(lambda: operator.metric("echoroute_rounds_total") >= 3)
    assert gateway.stats().writes == 0
    assert operator.metric("echoroute_status_patches_total") == 0

    gateway.wipe()
    until(lambda: len(gateway.list_all("routes")) == 20)

    stack.gateway.kill()
    kube.apply(route("late", "default", "/late"))
    until(lambda: conditions(kube, "default", "late").get("Programmed", ("",) * 3)[1] == "GatewayUnreachable")
    assert conditions(kube, "default", "r0")["Ready"][1] != "GatewayUnreachable"
    stack.gateway.start()
    until(lambda: conditions(kube, "default", "late")["Programmed"][0] == "True", timeout=30)

    kube.run("delete", "crd", "echoroutes.echoroute.dev")
    time.sleep(4)
    assert len(gateway.list_all("routes")) == 21
