"""Both ways of docs/operations.md to take the operator away, and back again after the first."""

import time
from pathlib import Path

import pytest
from devstack.echoroutes import until
from devstack.load import Load
from devstack.paths import REPOSITORY

from .installed import ECHO, OPERATOR, OVERLAY, SYSTEM, Installed, install


def _stop_operator(installed: Installed) -> None:
    scope = f"--namespace={SYSTEM}"
    installed.kube.run("scale", "deployment/echoroute-operator", "--replicas=0", scope)
    installed.kube.run("wait", "--for=delete", "pod", f"--selector={OPERATOR}", scope, "--timeout=60s", timeout=70)


def _routes(installed: Installed) -> list[object]:
    return [route["id"] for route in installed.gateway.list_all("routes")]


def test_the_routes_stay(settled: Installed, tmp_path: Path) -> None:
    """The operator first, then EchoRoutes, CRD and rights: the gateway goes on serving. A new install takes over."""
    kube, routes = settled.kube, _routes(settled)
    with Load(settled.hello, 100) as load:
        _stop_operator(settled)
        kube.run("delete", "echoroutes", "--all", "--all-namespaces")
        kube.run("delete", "-k", str(REPOSITORY / "crds"))
        kube.run("delete", "clusterrolebinding,clusterrole", "echoroute-operator")
        kube.run("delete", "deployment,serviceaccount", "echoroute-operator", f"--namespace={SYSTEM}")
        time.sleep(3)
    assert load.outcomes == {"200": load.sent}
    assert _routes(settled) == routes != []

    again = install(kube, tmp_path)
    again.wait_for_versions()
    again.close()
    assert _routes(settled) == routes


@pytest.mark.timeout(300)
def test_the_routes_go_and_nothing_is_left(settled: Installed) -> None:
    """EchoRoutes first, while the operator can withdraw their routes; then all that the overlay has brought."""
    kube = settled.kube
    kube.run("delete", "echoroutes", "--all", "--all-namespaces")
    until(lambda: not _routes(settled))
    assert settled.gateway.request("/testecho/hello").status_code == 404
    _stop_operator(settled)
    kube.run("delete", "-k", str(OVERLAY), "--timeout=120s", timeout=150)
    for namespace in (SYSTEM, ECHO):
        assert kube.attempt("get", "namespace", namespace).returncode != 0
    left = kube.run("get", "crd,clusterrole,clusterrolebinding", "-o", "name")
    assert "echoroute" not in left
