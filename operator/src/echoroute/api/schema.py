"""The models as Kubernetes structural schemas (apiextensions.k8s.io/v1): references inlined, no null unions."""

from functools import cache

from pydantic import BaseModel, JsonValue

from echoroute.api.rules import INT_OR_STRING
from echoroute.api.spec import EchoRouteSpec
from echoroute.api.status import EchoRouteStatus

JsonSchema = dict[str, JsonValue]


@cache
def spec_schema() -> JsonSchema:
    """The structural schema of `spec`."""
    return structural(EchoRouteSpec)


@cache
def status_schema() -> JsonSchema:
    """The structural schema of `status`."""
    return structural(EchoRouteStatus)


def fields_at(location: tuple[int | str, ...]) -> list[str]:
    """The names of the fields that an EchoRoute's spec has at a location; empty where it is no object with fields."""
    schema: JsonValue = spec_schema()
    for step in location:
        if not isinstance(schema, dict):
            return []
        properties = schema.get("properties")
        schema = schema.get("items") if isinstance(step, int) else isinstance(properties, dict) and properties.get(step)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return list(properties) if isinstance(properties, dict) else []


def structural(model: type[BaseModel]) -> JsonSchema:
    """The structural schema of a model."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return _structural(schema, definitions)


_KEYWORDS = (
    "type", INT_OR_STRING, "nullable", "description", "format", "enum", "default", "pattern", "minLength", "maxLength",
    "minimum", "maximum", "minItems", "maxItems", "minProperties", "maxProperties", "required",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
)  # fmt: skip
_DROPPED = {"title", "additionalProperties", "anyOf", "$ref", "properties", "items"}


def _structural(schema: JsonSchema, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """One node: `$ref` and `anyOf: [X, null]` resolved into X, keywords in a fixed order, children likewise."""
    node = _resolved(schema, definitions)
    unknown = node.keys() - set(_KEYWORDS) - _DROPPED
    if unknown:
        raise ValueError(f"no structural form for {sorted(unknown)} in {node}")
    out: JsonSchema = {keyword: node[keyword] for keyword in _KEYWORDS if keyword in node}
    if out.get("default", "") is None:
        del out["default"]
    properties = node.get("properties")
    if isinstance(properties, dict):
        out["properties"] = {name: _structural(_schema(child), definitions) for name, child in properties.items()}
    if "items" in node:
        out["items"] = _structural(_schema(node["items"]), definitions)
    additional = node.get("additionalProperties")
    if additional is True:
        out["x-kubernetes-preserve-unknown-fields"] = True
    elif isinstance(additional, dict):
        child = _resolved(additional, definitions)
        if child:
            out["additionalProperties"] = _structural(child, definitions)
        else:
            out["x-kubernetes-preserve-unknown-fields"] = True
    return out


def _resolved(schema: JsonSchema, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """The schema with its reference and its optional branch merged in; what is said outside wins over the inside."""
    node = dict(schema)
    while "$ref" in node or "anyOf" in node:
        if "$ref" in node:
            inner = definitions[str(node.pop("$ref")).removeprefix("#/$defs/")]
        else:
            inner = _only_branch(node.pop("anyOf"))
        node = {**inner, **node}
    return node


def _only_branch(branches: JsonValue) -> JsonSchema:
    given = [branch for branch in branches if branch != {"type": "null"}] if isinstance(branches, list) else []
    if len(given) != 1:
        raise ValueError(f"no structural form for a union of {given}")
    return _schema(given[0])


def _schema(value: JsonValue) -> JsonSchema:
    if not isinstance(value, dict):
        raise TypeError(f"not a schema: {value!r}")
    return value
