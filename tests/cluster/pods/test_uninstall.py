"""Both ways of docs/upgrade.md to take the operator away, and back again after the first."""

import time
from pathlib import Path

import pytest
import yaml
from devstack.handles.kube import Kube
from devstack.load import Load
from devstack.paths import REPOSITORY
from devstack.waiting import until

from .installed import ECHO, OPERATOR, OVERLAY, SYSTEM, Installed, install


def _stop_operator(installed: Installed) -> None:
    scope = f"--namespace={SYSTEM}"
    installed.kube.run("scale", "deployment/echoroute-operator", "--replicas=0", scope)
    installed.kube.run("wait", "--for=delete", "pod", f"--selector={OPERATOR}", scope, "--timeout=60s", timeout=70)


def _routes(installed: Installed) -> list[object]:
    return [route["id"] for route in installed.gateway.list_all("routes")]


def _operator_alone(kube: Kube) -> str:
    """manifests/base without the namespace, in which here are also gateway and Consul, which are to stay."""
    documents = yaml.safe_load_all(kube.run("kustomize", str(REPOSITORY / "manifests" / "base")))
    return yaml.safe_dump_all(one for one in documents if one["kind"] != "Namespace")


def test_the_routes_stay(settled: Installed, tmp_path: Path) -> None:
    """The operator first, then everything at once, CRD and EchoRoutes too: the gateway serves on. And back again."""
    kube, routes = settled.kube, _routes(settled)
    with Load(settled.hello, 100) as load:
        _stop_operator(settled)
        kube.run("delete", "--ignore-not-found", "-f", "-", stdin=_operator_alone(kube))
        assert kube.attempt("get", "echoroutes").returncode != 0
        time.sleep(3)
    assert load.outcomes == {"200": load.sent}
    assert _routes(settled) == routes != []

    again = install(kube, tmp_path)
    again.wait_for_versions()
    again.close()
    assert _routes(settled) == routes, "a new installation knows them as its own"


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
