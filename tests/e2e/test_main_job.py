"""From `kubectl apply` to the gateway and back to the status: real API server, Consul, gateway and operator process."""

import time

import pytest
from devstack.echoroutes import condition, conditions, programmed, route
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.product import Operator, install, start_operator
from devstack.pytest_plugin import FreshStack
from devstack.waiting import until

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
    until(lambda: condition(kube, namespace, "web", "Ready")[:2] == ("False", "ServiceNotFound"))
    consul.register(f"{namespace}-web", port=1)
    until(lambda: conditions(kube, namespace, "web")["Ready"][:2] == ("True", "Ready"))
    assert conditions(kube, namespace, "web")["Programmed"][0] == "True"
    [found] = programmed(gateway, namespace)
    assert found["uri"] == "/web/*"


def test_a_changed_spec_replaces_the_route(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("web", namespace, "/one"))
    until(lambda: [r["uri"] for r in programmed(gateway, namespace)] == ["/one"])
    kube.apply(route("web", namespace, "/two"))
    until(lambda: [r["uri"] for r in programmed(gateway, namespace)] == ["/two"])


def test_rejected_by_the_gateway_names_the_plugin_and_delays_nobody(
    kube: Kube, namespace: str, gateway: GatewayApi
) -> None:
    bad = {"uri-blocker": {"block_rules": ["("]}}
    kube.apply(route("bad", namespace, "/bad", plugins=bad), route("good", namespace, "/good"))
    until(lambda: [r["uri"] for r in programmed(gateway, namespace)] == ["/good"])
    until(lambda: condition(kube, namespace, "bad", "Programmed")[1] == "GatewayRejected")
    told = conditions(kube, namespace, "bad")
    assert "uri-blocker" in told["Programmed"][2]
    assert told["Stalled"][0] == "True"


def test_refused_by_policy_is_withdrawn(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("lua", namespace, "/lua"))
    until(lambda: programmed(gateway, namespace))
    kube.apply(route("lua", namespace, "/lua", plugins={"serverless-pre-function": {"functions": ["return 1"]}}))
    until(lambda: condition(kube, namespace, "lua", "Accepted")[:2] == ("False", "NotAllowed"))
    until(lambda: not programmed(gateway, namespace))


def test_the_older_of_two_claims_wins_and_the_other_follows_it(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    path = f"/{namespace}/shared"
    kube.apply(route("first", namespace, path))
    until(lambda: programmed(gateway, namespace))
    time.sleep(1.1)  # creationTimestamps have whole seconds
    kube.apply(route("second", namespace, path))
    until(lambda: condition(kube, namespace, "second", "Accepted")[1] == "Conflicted")
    assert f"{namespace}/first" in conditions(kube, namespace, "second")["Accepted"][2]
    kube.run("delete", "er", "first", "-n", namespace)
    until(lambda: condition(kube, namespace, "second", "Programmed")[0] == "True")
    # The winner's own deletion waits up to a second for a look at the CRD, and the loser does not wait for it.
    until(lambda: len(programmed(gateway, namespace)) == 1)


def test_hand_edits_and_deletions_are_mended(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("web", namespace, "/mine"))
    until(lambda: programmed(gateway, namespace))
    identity = str(programmed(gateway, namespace)[0]["id"])
    gateway.delete("routes", identity)
    until(lambda: programmed(gateway, namespace))


def test_a_foreign_object_is_never_touched(kube: Kube, namespace: str, gateway: GatewayApi, operator: Operator) -> None:
    body = {"uri": f"/{namespace}/by-hand", "upstream": {"type": "roundrobin", "nodes": {"127.0.0.1:1": 1}}}
    stored = gateway.put("routes", f"{namespace}-by-hand", body)  # type: ignore[arg-type]
    kube.apply(route("web", namespace, "/beside"))
    until(lambda: programmed(gateway, namespace))
    rounds = operator.metric("echoroute_rounds_total")
    until(lambda: operator.metric("echoroute_rounds_total") >= rounds + 2)
    found = gateway.get("routes", f"{namespace}-by-hand")
    assert found is not None
    assert found["update_time"] == stored["update_time"]
    gateway.delete("routes", f"{namespace}-by-hand")


def test_deletion_removes_the_route_soon(kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    kube.apply(route("web", namespace, "/gone"))
    until(lambda: programmed(gateway, namespace))
    kube.run("delete", "er", "web", "-n", namespace)
    until(lambda: not programmed(gateway, namespace), timeout=5)


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
    until(lambda: condition(kube, "default", "late", "Programmed")[1] == "GatewayUnreachable")
    assert conditions(kube, "default", "r0")["Ready"][1] != "GatewayUnreachable"
    stack.gateway.start()
    until(lambda: conditions(kube, "default", "late")["Programmed"][0] == "True", timeout=30)

    kube.run("delete", "crd", "echoroutes.echoroute.dev")
    time.sleep(4)
    assert len(gateway.list_all("routes")) == 21
