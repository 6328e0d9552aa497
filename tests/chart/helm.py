"""Helm on the chart of this repository, and what its objects are compared with."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from devstack.paths import REPOSITORY

Manifest = dict[str, Any]
Objects = dict[str, Manifest]
"""By kind, namespace and name."""

CHART = REPOSITORY / "manifests" / "chart"
MANIFESTS = REPOSITORY / "manifests"
RELEASE, NAMESPACE = "echoroute", "echoroute-system"
_HASH = re.compile(r"(?<=^echoroute-operator)-[a-z0-9]{10}$")


@dataclass(frozen=True, slots=True)
class Helm:
    """Its program, with folders of its own: nobody's repositories and plugins are read."""

    program: Path
    home: Path

    def attempt(self, *arguments: str | Path, kubeconfig: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}),
        }
        return subprocess.run(
            [self.program, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
        )

    def run(self, *arguments: str | Path, kubeconfig: Path | None = None) -> str:
        done = self.attempt(*arguments, kubeconfig=kubeconfig)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def template(self, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        file = self.home / "values.json"
        file.write_text(json.dumps(values or {}))
        common = ("--namespace", NAMESPACE, "--include-crds", "--kube-version", "1.31.0", "--values", file)
        return self.attempt("template", RELEASE, CHART, *common)

    def render(self, values: Mapping[str, Any] | None = None) -> Objects:
        done = self.template(values)
        assert done.returncode == 0, done.stderr
        return objects(done.stdout)


def objects(text: str) -> Objects:
    """The objects of a rendering, without what has to differ between Helm and kustomize."""
    found: Objects = {}
    for each in yaml.safe_load_all(text):
        if each is None or each["kind"] == "Namespace":  # Helm's --create-namespace
            continue
        manifest = _normal(each)
        metadata = manifest["metadata"]
        key = f"{manifest['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
        assert key not in found, f"{key} is there twice"
        found[key] = manifest
    return found


def _normal(value: Any) -> Any:
    """Who manages it, and how a change of settings makes a new pod: by a hash in the name, or by an annotation."""
    if isinstance(value, dict):
        kept = {name: _normal(each) for name, each in value.items()}
        for name in ("app.kubernetes.io/managed-by", "checksum/settings"):
            kept.pop(name, None)
        for name in ("annotations", "labels"):
            if kept.get(name) == {}:
                del kept[name]
        return kept
    if isinstance(value, list):
        return [_normal(each) for each in value]
    return _HASH.sub("", value) if isinstance(value, str) else value
