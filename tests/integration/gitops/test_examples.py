"""The manifests for Argo CD and Flux: valid for their own CRDs, and true of this repository."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from devstack.find import Binaries
from devstack.handles.kube import Kube
from devstack.stack import Stack

from ...docs.reader import Reader
from .schemas import SCHEMAS

_ROOT = Path(__file__).parents[3]
_GITOPS = _ROOT / "manifests/gitops"
_APPLICATIONS = _GITOPS / "argocd/applications.yaml"
_KUSTOMIZATIONS = _GITOPS / "flux/kustomizations.yaml"
_SAMPLES = sorted(path for path in (_ROOT / "manifests/samples").glob("*.yaml"))
_CRD = "echoroutes.echoroute.dev"

Manifest = dict[str, object]


def _documents(text: str) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(text) if document]


def _build(kubectl: Path, folder: Path) -> list[Manifest]:
    command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return _documents(answer.stdout)


def _crd_annotations(manifests: list[Manifest]) -> dict[str, str]:
    [crd] = [one for one in manifests if one["kind"] == "CustomResourceDefinition"]
    return crd["metadata"].get("annotations", {})  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def kube_with_tools(stack: Stack) -> Iterator[Kube]:
    """The Kubernetes API with the CRDs of Argo CD and Flux, and their namespaces."""
    kube = stack.kube
    files = [str(schema.fetch()) for schema in SCHEMAS]
    for file in files:
        kube.run("apply", "--server-side", "-f", file)
        kube.wait_established("-f", file)
    for namespace in ("argocd", "flux-system"):
        kube.run("create", "namespace", namespace)
    yield kube
    for file in files:
        kube.run("delete", "-f", file, "--wait=false")
    kube.run("delete", "namespace", "argocd", "flux-system", "--wait=false")


@pytest.mark.parametrize("file", [_APPLICATIONS, _KUSTOMIZATIONS], ids=lambda path: path.name)
def test_the_tools_own_schemas_take_them(kube_with_tools: Kube, file: Path) -> None:
    said = kube_with_tools.run("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", str(file))
    assert len(said.splitlines()) == len(_documents(file.read_text()))


def test_a_misspelt_field_would_be_noticed(kube_with_tools: Kube) -> None:
    wrong = _APPLICATIONS.read_text().replace("targetRevision:", "targetRevison:")
    answer = kube_with_tools.attempt(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-", stdin=wrong
    )
    assert answer.returncode != 0
    assert "targetRevison" in answer.stderr


def test_argocd_deploys_a_folder_of_ours_with_the_crd_first_and_never_pruned(
    devstack_binaries: Binaries, tmp_path: Path
) -> None:
    operator, _ = _documents(_APPLICATIONS.read_text())
    source = operator["spec"]["source"]  # type: ignore[index]
    _wrap(tmp_path, _ROOT / source["path"], source["kustomize"]["patches"])
    annotations = _crd_annotations(_build(devstack_binaries["kubectl"].path, tmp_path))
    assert annotations["argocd.argoproj.io/sync-wave"] == "-1", "all else is in wave 0"
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_flux_deploys_a_folder_of_ours_and_never_prunes_the_crd(devstack_binaries: Binaries, tmp_path: Path) -> None:
    kustomizations = [one for one in _documents(_KUSTOMIZATIONS.read_text()) if one["kind"] == "Kustomization"]
    operator, routes = (one["spec"] for one in kustomizations)
    _wrap(tmp_path, _ROOT / operator["path"], operator["patches"])  # type: ignore[index]
    annotations = _crd_annotations(_build(devstack_binaries["kubectl"].path, tmp_path))
    assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    assert operator["wait"] is routes["wait"] is True  # type: ignore[index]
    assert routes["dependsOn"] == [{"name": kustomizations[0]["metadata"]["name"]}]  # type: ignore[index]


def _wrap(folder: Path, base: Path, patches: object) -> None:
    """A kustomization that is to `base` what the tool makes of it."""
    assert (base / "kustomization.yaml").is_file()
    kustomization = {"resources": [os.path.relpath(base, folder)], "patches": patches}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))


def test_the_health_check_arrives_in_argocds_configuration_as_it_is(
    devstack_binaries: Binaries, tmp_path: Path
) -> None:
    installed = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"}}
    (tmp_path / "argocd.yaml").write_text(yaml.safe_dump({**installed, "data": {"url": "https://argocd.example.com"}}))
    component = os.path.relpath(_GITOPS / "argocd", tmp_path)
    kustomization = {"resources": ["argocd.yaml"], "components": [component]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    [config] = _build(devstack_binaries["kubectl"].path, tmp_path)
    assert config["metadata"]["name"] == "argocd-cm", "Argo CD reads this name, without a hash"  # type: ignore[index]
    assert config["data"] == {
        "url": "https://argocd.example.com",
        "resource.customizations.health.echoroute.dev_EchoRoute": (_GITOPS / "argocd/health.lua").read_text(),
    }


def test_the_pages_command_adds_the_health_check(kube_with_tools: Kube, tmp_path: Path) -> None:
    kube = kube_with_tools
    kube.run("-n", "argocd", "create", "configmap", "argocd-cm", "--from-literal=url=https://argocd.example.com")
    (tmp_path / "manifests").symlink_to(_ROOT / "manifests")
    (tmp_path / "kubectl").symlink_to(kube.kubectl)
    person = Reader(tmp_path, {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KUBECONFIG": str(kube.kubeconfig)})
    try:
        person.follow("gitops.md", "Argo CD", {})
    finally:
        person.end()
    assert kube.get("configmap", "argocd-cm", "argocd")["data"] == {
        "url": "https://argocd.example.com",
        "resource.customizations.health.echoroute.dev_EchoRoute": (_GITOPS / "argocd/health.lua").read_text(),
    }


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda path: path.name)
def test_the_api_server_adds_nothing_to_a_spec(kube: Kube, namespace: str, sample: Path) -> None:
    """So there is nothing to ignore: in the cluster is what is in Git, and the operator writes the status only."""
    kube.apply(_ROOT / "crds")
    kube.wait_established(f"crd/{_CRD}")
    for wanted in _documents(sample.read_text()):
        kube.run("apply", "--server-side", "--namespace", namespace, "-f", "-", stdin=yaml.safe_dump(wanted))
        name = wanted["metadata"]["name"]  # type: ignore[index]
        found = kube.get("echoroutes.echoroute.dev", name, namespace)
        assert found["spec"] == wanted["spec"]
