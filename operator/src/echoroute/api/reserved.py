"""Names that look like fields of `match`, and are none.

Without strict validation the API server prunes a field that it does not know: a route without its hosts takes every
host. So the CRD knows these names, each with its likeliest type, and refuses them with the right one.
"""

from pydantic import JsonValue

_STRING: dict[str, JsonValue] = {"type": "string", "maxLength": 1024}
_STRINGS: dict[str, JsonValue] = {
    "type": "array", "maxItems": 64, "items": _STRING, "x-kubernetes-list-type": "atomic",
}  # fmt: skip
_OBJECTS: dict[str, JsonValue] = {
    "type": "array",
    "maxItems": 64,
    "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "x-kubernetes-list-type": "atomic",
}
# CEL cannot see a list of lists of anything; an expression is refused here for not being a list of objects.
_EXPRESSION = _OBJECTS
_CONDITIONS = "a list of {name, op, value}"

_BELOW_MATCH: dict[str, tuple[dict[str, JsonValue], str]] = {
    "host": (_STRING, "write hosts, a list"),
    "path": (_STRING, "write paths, a list"),
    "uri": (_STRING, "write paths, a list"),
    "uris": (_STRINGS, "write paths"),
    "method": (_STRING, "write methods, a list"),
    "header": (_OBJECTS, f"write headers, {_CONDITIONS}"),
    "query": (_OBJECTS, f"write queries, {_CONDITIONS}"),
    "cookie": (_OBJECTS, f"write cookies, {_CONDITIONS}"),
    "remoteAddr": (_STRING, "write remoteAddrs, a list"),
    "var": (_EXPRESSION, "write vars"),
}
_BELOW_SPEC: dict[str, tuple[dict[str, JsonValue], str]] = {
    name: (kind, f"write it below match: match.{name}")
    for kind, names in (
        (_STRINGS, ("hosts", "paths", "methods", "remoteAddrs")),
        (_OBJECTS, ("headers", "queries", "cookies")),
        (_EXPRESSION, ("vars",)),
    )
    for name in names
}


def with_reserved(spec: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The schema of `spec` with the names that are refused."""
    properties = spec["properties"]
    if not isinstance(properties, dict) or not isinstance(match := properties["match"], dict):
        raise TypeError("spec is no object with a match")
    below = {**spec, "properties": {**properties, "match": _refusing(match, _BELOW_MATCH)}}
    return _refusing(below, _BELOW_SPEC)


def _refusing(
    schema: dict[str, JsonValue], reserved: dict[str, tuple[dict[str, JsonValue], str]]
) -> dict[str, JsonValue]:
    properties, rules = schema.get("properties"), schema.get("x-kubernetes-validations", [])
    if not isinstance(properties, dict) or not isinstance(rules, list):
        raise TypeError("no object with fields")
    refused: dict[str, JsonValue] = {
        name: {**kind, "description": f"Not a field: {advice}."} for name, (kind, advice) in reserved.items()
    }
    own: list[JsonValue] = [
        {"rule": f"!has(self.{name})", "message": f"is not a field of EchoRoute: {advice}", "fieldPath": f".{name}"}
        for name, (_, advice) in reserved.items()
    ]
    return {**schema, "properties": {**properties, **refused}, "x-kubernetes-validations": [*rules, *own]}
