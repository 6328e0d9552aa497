"""An EchoRoute as the API server tells it: the envelope that the engine works with, around a spec as raw JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue

GROUP = "echoroute.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "EchoRoute"
PLURAL = "echoroutes"
SINGULAR = "echoroute"

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which `kubectl apply` keeps the manifest as it was applied."""

_OURS = f"{GROUP}/"


@dataclass(frozen=True, slots=True)
class EchoRouteObject:
    """One version of an EchoRoute object.

    `resource_version` compares as an integer within the resource (Kubernetes API concepts, promised since 1.35). Times
    are as the API server writes them, RFC 3339 in UTC with whole seconds, so that they compare as strings; empty where
    the object does not have them. `annotations` are those of `echoroute.dev/`, and kubectl's. `spec` is empty for
    metadata-only objects.
    """

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: int
    creation_timestamp: str
    deletion_timestamp: str
    annotations: Mapping[str, str]
    spec: Mapping[str, JsonValue]
    status: Mapping[str, JsonValue]

    @classmethod
    def from_raw(cls, raw: Mapping[str, JsonValue]) -> Self:
        """Reads an object as the API server sends it (whole or PartialObjectMetadata).

        What is absent becomes empty or 0: the API server guarantees the metadata of what it stores; files have less.
        """
        metadata = _mapping(raw.get("metadata"))
        return cls(
            namespace=_text(metadata.get("namespace")),
            name=_text(metadata.get("name")),
            uid=_text(metadata.get("uid")),
            generation=_number(metadata.get("generation")),
            resource_version=_number(metadata.get("resourceVersion")),
            creation_timestamp=_text(metadata.get("creationTimestamp")),
            deletion_timestamp=_text(metadata.get("deletionTimestamp")),
            annotations={
                key: _text(value)
                for key, value in _mapping(metadata.get("annotations")).items()
                if key.startswith(_OURS) or key == LAST_APPLIED
            },
            spec=_mapping(raw.get("spec")),
            status=_mapping(raw.get("status")),
        )


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _number(value: JsonValue) -> int:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 20 else 0
    return value if isinstance(value, int) else 0
