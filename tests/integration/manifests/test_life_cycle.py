"""The steps of docs/install.md and docs/upgrade.md: install, upgrade, both ways to uninstall, and install again.

There is no kubelet here, so the operator is a process under its pod's account; `make cluster-test` has pods.
"""

import time

from devstack.echoroutes import condition, create, delete, programmed, route
from devstack.product import Operator, start_operator
from devstack.pytest_plugin import FreshStack
from devstack.stack import Stack
from devstack.waiting import until

from .rendered import MANIFESTS

_OVERLAY = MANIFESTS / "overlays/production"
_CRDS = MANIFESTS.parent / "crds"
_CLOCKS_MAY_DIFFER = 62.0
"""Only by so much is a CRD seen to be younger than a route: the gateway's clock is not the API server's."""
_PATHS = {"one": "/one/*", "two": "/two/*"}


def _install(stack: Stack) -> Operator:
    stack.kube.apply(_OVERLAY)
    stack.kube.wait_established("crd/echoroutes.echoroute.dev")
    return start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": "1s"})


def _remove(stack: Stack) -> None:
    stack.kube.run("delete", "-k", str(_OVERLAY), "--timeout=60s", timeout=90)
    left = stack.kube.run("get", "namespaces,crd,clusterroles,clusterrolebindings", "-o", "name")
    assert "echoroute" not in left


def _paths(stack: Stack) -> set[object]:
    return {each["uri"] for each in programmed(stack.gateway.api, "default")}


def test_from_install_to_both_ways_of_uninstall(fresh_stack: FreshStack) -> None:
    stack = fresh_stack(controller_manager=True)
    kube, gateway = stack.kube, stack.gateway.api

    operator = _install(stack)
    create(kube, [route(name, "default", path) for name, path in _PATHS.items()])
    written = time.monotonic()
    for name in _PATHS:
        until(lambda name=name: condition(kube, "default", name, "Programmed").status == "True")
    gateway.reset_stats()

    # Upgrade: the CRD first; then the operator, which ends before the next one starts.
    kube.apply(_CRDS)
    operator.process.stop()
    operator = _install(stack)
    until(lambda: operator.metric("echoroute_rounds_total") >= 2)
    assert gateway.stats().writes == 0, "over unchanged routes a new operator writes nothing"

    # Uninstall that leaves them serving.
    operator.process.stop()
    _remove(stack)
    assert _paths(stack) == set(_PATHS.values())

    # Installed again: what is asked for is taken up without a write, what is not is held, since the CRD is younger.
    time.sleep(max(0.0, written + _CLOCKS_MAY_DIFFER - time.monotonic()))
    operator = _install(stack)
    create(kube, [route("one", "default", _PATHS["one"])])
    until(lambda: condition(kube, "default", "one", "Programmed").status == "True")
    # How many, is frozen when the brake engages: on a quick machine that is before the one is there again.
    until(lambda: operator.metric("echoroute_orphans") >= 1)
    assert "[-]deletions" in operator.readyz()
    assert gateway.stats().writes == 0
    assert _paths(stack) == set(_PATHS.values())

    # Uninstall that removes them.
    delete(kube, "default")
    until(lambda: "/one/*" not in _paths(stack))
    until(lambda: operator.metric("echoroute_queue_depth") == 0)
    operator.process.stop()
    _remove(stack)
    assert _paths(stack) == {"/two/*"}, "what was held stays: nobody has confirmed its deletion"
