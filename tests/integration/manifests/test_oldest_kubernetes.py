"""The oldest Kubernetes that is supported knows every field that the manifests use.

An API server drops what it does not know, and the one that the tests run is years newer. So objects are
compared with the schemas that Kubernetes 1.31 was published with, out of its Go module.
"""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ..gitops.schemas import Schema
from .rendered import FOLDERS, MANIFESTS, Manifest, name_of, of_kind, render, render_with

_PUBLISHED = Schema(
    "k8s.io/kubernetes@v1.31.14", "h1:UtjLfqvXLuSVDdJ4+NpQCIfFkKkLnAAVmxAEMsnkhjk=", "api/openapi-spec/v3"
)
# Kinds of others, which have schemas of their own: our CRD's, and the Prometheus Operator's.
_FOREIGN = ("echoroute.dev/", "monitoring.coreos.com/")
_COMPONENTS = ["assigned-user", "ephemeral", "ipv6", "monitoring"]


@functools.cache
def _specification(api_version: str) -> dict[str, Any]:
    group = f"apis__{api_version.replace('/', '__')}" if "/" in api_version else f"api__{api_version}"
    found: dict[str, Any] = json.loads((_PUBLISHED.fetch() / f"{group}_openapi.json").read_text())
    for schema in found["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return found


def _validator(manifest: Manifest) -> jsonschema.Draft202012Validator:
    specification = _specification(manifest["apiVersion"])
    group, _, version = manifest["apiVersion"].rpartition("/")
    wanted = {"group": group, "version": version, "kind": manifest["kind"]}
    [name] = [
        name
        for name, schema in specification["components"]["schemas"].items()
        if wanted in schema.get("x-kubernetes-group-version-kind", ())
    ]
    return jsonschema.Draft202012Validator({**specification, "$ref": f"#/components/schemas/{name}"})


def _complaints(objects: list[Manifest]) -> list[str]:
    return [
        f"{each['kind']} {each['metadata']['name']}: {error.json_path}: {error.message[:200]}"
        for each in objects
        if not each["apiVersion"].startswith(_FOREIGN)
        for error in _validator(each).iter_errors(each)
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_it_knows_all_that_the_manifests_say(kubectl: Path, folder: Path) -> None:
    assert _complaints(render(kubectl, folder)) == []


@pytest.mark.parametrize("component", _COMPONENTS)
def test_and_what_the_components_change(kubectl: Path, tmp_path: Path, component: str) -> None:
    assert _complaints(render_with(kubectl, MANIFESTS / "overlays/dev", component, tmp_path)) == []


@pytest.mark.parametrize(
    ("path", "value", "said", "why"),
    [
        (("spec", "template", "spec", "hostnameOverride"), "x", "hostnameOverride", "a field of a newer Kubernetes"),
        (("spec", "replicas"), "2", "not of type 'integer'", "another type"),
    ],
)
def test_it_would_notice(kubectl: Path, path: tuple[str, ...], value: object, said: str, why: str) -> None:
    [deployment] = of_kind(render(kubectl, MANIFESTS / "base"), "Deployment")
    place = functools.reduce(lambda inside, step: inside[step], path[:-1], deployment)
    place[path[-1]] = value
    assert said in "\n".join(_complaints([deployment])), why
