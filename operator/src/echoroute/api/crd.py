"""The CustomResourceDefinition, generated from the models: `python -m echoroute.api.crd [FOLDER]` writes `crds/`."""

import sys
from pathlib import Path

import yaml
from pydantic import JsonValue

from echoroute.api.objects import GROUP, KIND, PLURAL, SINGULAR, VERSION
from echoroute.api.reserved import with_reserved
from echoroute.api.schema import JsonSchema, spec_schema, status_schema
from echoroute.api.status import pending_status

NAME = f"{PLURAL}.{GROUP}"
HEADER = "# Generated from the models in echoroute.api by `python -m echoroute.api.crd`. Do not edit.\n"


def _column(name: str, json_path: str, kind: str = "string", *, wide: bool = False, about: str) -> JsonSchema:
    column: JsonSchema = {"name": name, "type": kind, "jsonPath": json_path, "description": about}
    if wide:
        column["priority"] = 1
    return column


_READY = '.status.conditions[?(@.type=="Ready")]'

_COLUMNS: list[JsonValue] = [
    _column("Paths", ".spec.match.paths", about="Paths that the route takes."),
    _column("Service", ".status.services", about="Services in Consul that answer, with their shares."),
    _column(
        "Ready",
        f"{_READY}.status",
        about="Whether the route serves. It stays True for 30 s without a healthy instance.",
    ),
    _column(
        "Healthy",
        ".status.instances.healthy",
        "integer",
        about="Instances that take traffic now. At 0 the gateway answers 503.",
    ),
    _column(
        "Reason", f"{_READY}.reason", about="Why the route is ready or not: docs/reference/reasons.md says what to do."
    ),
    _column("Hosts", ".spec.match.hosts", wide=True, about="Hosts that the route takes; empty for any."),
    _column("Route-ID", ".status.routeId", wide=True, about="Id of the route in the gateway."),
    _column("Class", ".spec.gatewayClass", wide=True, about="Which operator serves it; empty for apisix."),
    _column("Age", ".metadata.creationTimestamp", "date", about="Time since the object was made."),
]


def custom_resource_definition() -> JsonSchema:
    """The CRD as the API server takes it (apiextensions.k8s.io/v1)."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": ["er"],
                "categories": ["echoroute"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _COLUMNS,
                    "schema": {"openAPIV3Schema": _object_schema()},
                }
            ],
        },
    }


def _object_schema() -> JsonSchema:
    return {
        "type": "object",
        "description": "An EchoRoute is a route of an Apache APISIX gateway to a service that is discovered in Consul.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            "metadata": {"type": "object"},
            "spec": with_reserved(spec_schema()),
            "status": {**status_schema(), "default": pending_status()},
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes equal parts out again in place of YAML aliases, which read badly."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def files() -> dict[str, str]:
    """The files of `crds/`: name to text."""
    name = f"{NAME}.yaml"
    text = yaml.dump(custom_resource_definition(), Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)
    kustomization = f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- {name}\n"
    return {name: HEADER + text, "kustomization.yaml": HEADER + kustomization}


def main(folder: Path) -> None:
    """Writes the files of `crds/` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "crds"))
