"""What the folders of manifests/ become: objects, as `kubectl kustomize` builds them."""

import functools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from devstack.handles.answers import at
from devstack.paths import REPOSITORY

Manifest = dict[str, Any]

MANIFESTS = REPOSITORY / "manifests"
OVERLAYS = sorted(path.parent for path in (MANIFESTS / "overlays").glob("*/kustomization.yaml"))
SAMPLES = sorted(path.parent for path in (MANIFESTS / "samples").glob("*/kustomization.yaml"))
FOLDERS = [MANIFESTS / "base", *OVERLAYS, *SAMPLES]


def name_of(folder: Path) -> str:
    return str(folder.relative_to(MANIFESTS))


def render(kubectl: Path, folder: Path) -> list[Manifest]:
    return [each for each in yaml.load_all(_built(kubectl, folder), Loader=yaml.CSafeLoader) if each]


@functools.cache
def _secrets() -> None:
    """The dev overlay takes them from files that are made on each machine."""
    subprocess.run([MANIFESTS / "overlays/dev/make-secrets"], check=True)


@functools.cache
def _built(kubectl: Path, folder: Path) -> str:
    _secrets()
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def render_with(kubectl: Path, folder: Path, component: str, scratch: Path) -> list[Manifest]:
    """A folder with one more component, as somebody would write it into a kustomization of their own."""
    kustomization = {
        "resources": [os.path.relpath(folder, scratch.resolve())],
        "components": [os.path.relpath(MANIFESTS / "components" / component, scratch.resolve())],
    }
    (scratch / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return render(kubectl, scratch)


def of_kind(objects: list[Manifest], *kinds: str) -> list[Manifest]:
    return [each for each in objects if each["kind"] in kinds]


def workloads(objects: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Name and pod template of whatever makes pods, with the volumes that a StatefulSet's controller adds."""
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        template = each["spec"]["template"]
        claims = [claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])]
        added = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
        template["spec"]["volumes"] = [*template["spec"].get("volumes", []), *added]
        yield f"{each['kind']}/{each['metadata']['name']}", template


def containers(template: Manifest) -> list[Manifest]:
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def environment(container: Manifest, objects: list[Manifest]) -> dict[str, str]:
    """As Kubernetes fills it in: ConfigMaps, the downward API, and a stand-in for what a Secret holds."""
    found: dict[str, str] = {}
    config_maps = {each["metadata"]["name"]: each["data"] for each in of_kind(objects, "ConfigMap")}
    for source in container.get("envFrom", []):
        found |= config_maps[source["configMapRef"]["name"]]
    downward = {"status.podIP": "10.0.0.7", "metadata.uid": "6f9619ff-8b86-d011-b42d-00c04fc964ff"}
    for variable in container.get("env", []):
        field = at(variable, "valueFrom", "fieldRef", "fieldPath")
        found[variable["name"]] = variable.get("value", downward.get(str(field), "x"))
    return found
