"""The Helm chart on a real node: a second operator beside the overlay's, with a namespace and a class of its own."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.find import require
from devstack.handles.answers import at
from devstack.paths import REPOSITORY
from devstack.waiting import until

from .installed import SYSTEM, Installed, secret

_NAMESPACE, _RELEASE = "echoroute-chart", "chart"
_VALUES = {
    "image": {"repository": "localhost/echoroute-operator", "pullPolicy": "Never"},
    "gatewayClass": "chart",
    "watchNamespaces": ["team-chart"],
    "ownerId": "c4a27000",
    "apisix": {"adminUrl": f"http://apisix-admin.{SYSTEM}:9180", "ca": {"name": "", "key": "none"}},
    "consul": {"address": f"http://consul.{SYSTEM}:8500", "ca": {"name": "", "key": "none"}},
}
_ROUTE = """
apiVersion: echoroute.dev/v1alpha1
kind: EchoRoute
metadata: {name: by-chart, namespace: team-chart}
spec:
  gatewayClass: chart
  match: {paths: ["/by-chart/*"]}
  rewrite: {stripPrefix: /by-chart}
  backends: [{service: echo}]
"""


class Release:
    """helm, as the cluster's administrator."""

    def __init__(self, kubeconfig: Path) -> None:
        self._helm = require(["helm"])["helm"].path
        self._kubeconfig = kubeconfig

    def run(self, *arguments: str) -> str:
        command = [self._helm, *arguments, "--namespace", _NAMESPACE, "--kubeconfig", self._kubeconfig]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def release(settled: Installed, tmp_path: Path) -> Iterator[Release]:
    """Installed as its notes say: Secrets first, and then until the operator is ready."""
    kube = settled.kube
    kube.run("create", "namespace", _NAMESPACE)
    kube.run("create", "namespace", "team-chart")
    copies = {
        "apisix-admin-key": {"admin-key": secret(kube, SYSTEM, "apisix-admin-key", "admin-key")},
        "echoroute-consul-token": {"token": secret(kube, SYSTEM, "echoroute-consul-token", "token")},
    }
    for name, data in copies.items():
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        metadata = {"name": name, "namespace": _NAMESPACE}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded})
    values = tmp_path / "values.json"
    values.write_text(json.dumps(_VALUES))
    release = Release(kube.kubeconfig)
    chart = str(REPOSITORY / "manifests" / "chart")
    release.run("install", _RELEASE, chart, "--values", str(values), "--wait", "--timeout", "120s")
    yield release
    # While the operator is there: what it has left in the gateway nobody else would take away.
    kube.run("-n", "team-chart", "delete", "echoroutes", "--all")
    settled.gateway.wait_for("/by-chart/hello", 404, timeout=20)
    kube.run("delete", "namespace", _NAMESPACE, "team-chart", "--ignore-not-found", timeout=90)


def test_what_the_chart_installs_serves_a_route_and_goes_without_it(settled: Installed, release: Release) -> None:
    kube = settled.kube
    kube.apply(_ROUTE)
    kube.run("-n", "team-chart", "wait", "--for=condition=Ready", "echoroute/by-chart", "--timeout=60s", timeout=70)
    settled.gateway.wait_for("/by-chart/hello", 200, timeout=20)
    pods = kube.list_all("pods", _NAMESPACE, "app.kubernetes.io/name=chart-operator")
    assert [at(pod, "status", "containerStatuses", 0, "restartCount") for pod in pods] == [0, 0]

    kube.run("-n", "team-chart", "delete", "echoroute", "by-chart")
    settled.gateway.wait_for("/by-chart/hello", 404, timeout=20)
    release.run("uninstall", _RELEASE, "--wait")
    until(
        lambda: not kube.list_all("pods", _NAMESPACE, "app.kubernetes.io/name=chart-operator"), "its pods are gone", 60
    )
    crds = kube.list_all("customresourcedefinitions")
    assert "echoroutes.echoroute.dev" in {at(crd, "metadata", "name") for crd in crds}, "and with it every EchoRoute"
