"""The real API server takes every folder of manifests/, and Pod Security what they make pods of."""

import copy
import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from devstack.handles.answers import accepted
from devstack.handles.kube import Kube

from .rendered import FOLDERS, MANIFESTS, SAMPLES, Manifest, containers, name_of, of_kind, render, workloads


@pytest.fixture
def restricted(kube: Kube) -> Iterator[str]:
    """A namespace that enforces Pod Security's `restricted`, with the ServiceAccounts that our pods name."""
    name = f"restricted-{secrets.token_hex(4)}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    for account in ("default", "echoroute-operator"):
        kube.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": name}},
        )
    yield name
    accepted(kube.http.delete(f"/api/v1/namespaces/{name}"))


def dry_run(kube: Kube, objects: list[Manifest]) -> tuple[int, str]:
    """Server-side apply of all, without effect but for the namespaces and the CRD, which the others need."""
    command = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    kube.run(*command, stdin=_listed(of_kind(objects, "Namespace", "CustomResourceDefinition")))
    done = kube.attempt(*command, "--dry-run=server", stdin=_listed(objects))
    return done.returncode, done.stderr


def _warnings(said: str) -> list[str]:
    """Those about the manifests: not that another test has applied the same objects from the client's side."""
    lines = [line for line in said.splitlines() if line.startswith("Warning")]
    return [line for line in lines if "last-applied-configuration" not in line]


def _listed(objects: list[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def pod(template: Manifest) -> Manifest:
    metadata = {"name": "from-template", "labels": template["metadata"]["labels"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy.deepcopy(template["spec"])}


def create_dry(kube: Kube, namespace: str, manifest: Manifest) -> tuple[int, str]:
    answer = kube.http.post(f"/api/v1/namespaces/{namespace}/pods?dryRun=All", json=manifest)
    return answer.status_code, answer.text


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_the_api_server_takes_it(kube: Kube, kubectl: Path, folder: Path) -> None:
    objects = render(kubectl, folder)
    needed = render(kubectl, MANIFESTS / "samples/echo-service") if folder in SAMPLES else []
    teams = {each["metadata"].get("namespace") for each in objects} - {None, "echoroute-system", "echo"}
    for team in sorted(str(team) for team in teams):  # those of application teams are there before us
        needed.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team}})
    code, said = dry_run(kube, [*of_kind(needed, "Namespace"), *objects])
    assert code == 0, said
    assert not _warnings(said)


def test_the_api_server_takes_the_init_librarys_sample(kube: Kube) -> None:
    """Which its README names as the whole Deployment."""
    sample = MANIFESTS.parent / "echo" / "consul-init" / "samples" / "lifespan.yaml"
    deployment = yaml.safe_load(sample.read_text())
    deployment["metadata"]["namespace"] = "orders"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "orders"}}
    code, said = dry_run(kube, [namespace, deployment])
    assert code == 0, said
    assert not _warnings(said)


def test_the_dry_run_would_notice_a_mistake(kube: Kube, kubectl: Path) -> None:
    objects = render(kubectl, MANIFESTS / "base")
    [deployment] = of_kind(objects, "Deployment")
    deployment["spec"]["template"]["spec"]["containers"][0]["redinessProbe"] = {}
    code, said = dry_run(kube, objects)
    assert code != 0
    assert "redinessProbe" in said


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_its_pods_are_admitted_where_restricted_is_enforced(
    kube: Kube, kubectl: Path, restricted: str, folder: Path
) -> None:
    found = dict(workloads(render(kubectl, folder)))
    assert found, "a folder without pods would pass unseen"
    for name, template in found.items():
        status, said = create_dry(kube, restricted, pod(template))
        assert status == 201, f"{name}: {said}"
        assert not (template["spec"].get("hostNetwork")), name


def _privileged(container: Manifest) -> None:
    container["securityContext"] = {"privileged": True}


def _root(container: Manifest) -> None:
    container["securityContext"] = {**container["securityContext"], "runAsUser": 0}


def _capabilities(container: Manifest) -> None:
    container["securityContext"] = {"allowPrivilegeEscalation": False}


@pytest.mark.parametrize(
    ("why", "spoil"),
    [
        ("a privileged container owns its node", _privileged),
        ("root", _root),
        ("capabilities that were not dropped", _capabilities),
    ],
)
def test_what_restricted_forbids_is_refused_there(
    kube: Kube, kubectl: Path, restricted: str, why: str, spoil: Callable[[Manifest], None]
) -> None:
    [(_, template)] = workloads(render(kubectl, MANIFESTS / "base"))
    manifest = pod(template)
    for container in containers(manifest):
        spoil(container)
    status, said = create_dry(kube, restricted, manifest)
    assert status == 403, why
    assert "violates PodSecurity" in said
