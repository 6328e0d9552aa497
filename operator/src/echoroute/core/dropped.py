"""Nulls that `kubectl apply` has dropped: a manifest's null is not in the object, and yet it is what somebody applied.

Client-side apply leaves fields with a null out when it creates an object, and removes them when it changes one. So the
API server never sees the null of a template with an empty value, and what was to be closed would be open. The manifest
as it was applied stands in an annotation (https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/).
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue
from pydantic_core import from_json

from echoroute.api.schema import JsonSchema, spec_schema


def dropped_null(spec: Mapping[str, JsonValue], last_applied: str) -> str | None:
    """What to say of the first null in the manifest that the spec has nothing for, where its absence opens something.

    `last_applied` is the annotation's text, which anybody may have written: what is no manifest says nothing.
    """
    if "null" not in last_applied:
        return None
    try:
        manifest = from_json(last_applied)
    except ValueError:
        return None
    applied = manifest.get("spec") if isinstance(manifest, dict) else None
    path = next(_nulls(spec_schema(), applied, dict(spec), "spec"), None) if isinstance(applied, dict) else None
    if path is None:
        return None
    return f"{path}: must not be null, which kubectl apply drops: leave it out of the manifest, or give it a value"


def _nulls(schema: JsonSchema, applied: JsonValue, live: JsonValue, path: str) -> Iterator[str]:
    """The paths of nulls in what was applied, where the object has no value."""
    if applied is None:
        if live is None and schema.get("nullable"):
            yield path
    elif isinstance(applied, dict):
        for name, value in applied.items():
            child = live.get(name) if isinstance(live, dict) else None
            yield from _nulls(_below(schema, name), value, child, f"{path}.{name}")
    elif isinstance(applied, list):
        same = isinstance(live, list) and len(live) == len(applied)
        for index, value in enumerate(applied):
            child = live[index] if same and isinstance(live, list) else None
            yield from _nulls(_items(schema), value, child, f"{path}[{index}]")


_ANYTHING: JsonSchema = {"nullable": True, "x-kubernetes-preserve-unknown-fields": True}
"""Below a plugin's config each null counts: what a plugin makes of a missing field is its own affair."""


def _below(schema: JsonSchema, name: str) -> JsonSchema:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return _ANYTHING
    properties = schema.get("properties")
    child = properties.get(name) if isinstance(properties, dict) else schema.get("additionalProperties")
    return child if isinstance(child, dict) else {}


def _items(schema: JsonSchema) -> JsonSchema:
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return _ANYTHING
    items = schema.get("items")
    return items if isinstance(items, dict) else {}
