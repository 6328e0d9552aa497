"""The chart on a real API server: installed, upgraded, and taken away; what the teams have made stays."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.handles.answers import at
from devstack.handles.kube import Kube

from .helm import CHART, Helm

NAMESPACE = "chart-test"


@pytest.fixture
def released(helm: Helm, kube: Kube) -> Iterator[str]:
    yield "echoroute"
    helm.attempt("uninstall", "echoroute", "--namespace", NAMESPACE, kubeconfig=kube.kubeconfig)
    kube.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")


def test_install_upgrade_uninstall(helm: Helm, kube: Kube, released: str, tmp_path: Path) -> None:
    where = ("--namespace", NAMESPACE)
    helm.run("install", released, CHART, *where, "--create-namespace", kubeconfig=kube.kubeconfig)
    kube.wait_established("crd/echoroutes.echoroute.dev")
    route = {
        "apiVersion": "echoroute.dev/v1alpha1",
        "kind": "EchoRoute",
        "metadata": {"name": "kept", "namespace": NAMESPACE},
        "spec": {"match": {"paths": ["/kept"]}, "backends": [{"service": "kept"}]},
    }
    kube.apply(route)
    values = tmp_path / "changed.yaml"
    values.write_text("settings: {ECHOROUTE_LOG_LEVEL: debug}\nnetworkPolicy: {egress: {enabled: false}}\n")
    helm.run("upgrade", released, CHART, *where, "--values", values, kubeconfig=kube.kubeconfig)
    [settings] = kube.list_all("configmaps", NAMESPACE, "app.kubernetes.io/managed-by=Helm")
    assert at(settings, "data", "ECHOROUTE_LOG_LEVEL") == "debug"
    assert "egress" not in kube.run("get", "networkpolicies", "-n", NAMESPACE, "-o", "name")

    helm.run("uninstall", released, *where, kubeconfig=kube.kubeconfig)
    assert kube.run("get", "deployments,services,configmaps", "-n", NAMESPACE, "-o", "name").split() in (
        [],
        ["configmap/kube-root-ca.crt"],
    )
    assert "echoroute.echoroute.dev/kept" in kube.run("get", "echoroutes", "-n", NAMESPACE, "-o", "name")
