"""Names that look like fields of `match`, of a backend or of its subset, and are none.

Without strict validation the API server prunes a field that it does not know: a route without its hosts takes every
host, a backend without its tags is the whole service. So the CRD knows these names, each with its likeliest type, and
refuses them with the right one.
"""

from collections.abc import Mapping

from pydantic import JsonValue

_STRING: dict[str, JsonValue] = {"type": "string", "maxLength": 1024}
_STRINGS: dict[str, JsonValue] = {
    "type": "array", "maxItems": 64, "items": _STRING, "x-kubernetes-list-type": "atomic",
}  # fmt: skip
_MAP: dict[str, JsonValue] = {
    "type": "object", "maxProperties": 64, "additionalProperties": _STRING,
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

_Reserved = dict[str, tuple[dict[str, JsonValue], str]]

_CONDITION_NAMES: _Reserved = {
    "header": (_OBJECTS, f"write headers, {_CONDITIONS}"),
    "query": (_OBJECTS, f"write queries, {_CONDITIONS}"),
    "cookie": (_OBJECTS, f"write cookies, {_CONDITIONS}"),
}
_BELOW_MATCH: _Reserved = {
    "host": (_STRING, "write hosts, a list"),
    "path": (_STRING, "write paths, a list"),
    "uri": (_STRING, "write paths, a list"),
    "uris": (_STRINGS, "write paths"),
    "method": (_STRING, "write methods, a list"),
    **_CONDITION_NAMES,
    "remoteAddr": (_STRING, "write remoteAddrs, a list"),
    "var": (_EXPRESSION, "write vars"),
}
_BELOW_SPEC: _Reserved = {
    name: (kind, f"write it below match: match.{name}")
    for kind, names in (
        (_STRINGS, ("hosts", "paths", "methods", "remoteAddrs")),
        (_OBJECTS, ("headers", "queries", "cookies")),
        (_EXPRESSION, ("vars",)),
    )
    for name in names
}
_ONLY_OF_THE_ROUTE = "a canary takes some of the route's requests; write it below spec.match, or another EchoRoute"
_BELOW_CANARY_MATCH: _Reserved = {
    **_CONDITION_NAMES,
    **dict.fromkeys(("hosts", "paths", "methods", "remoteAddrs"), (_STRINGS, _ONLY_OF_THE_ROUTE)),
    "vars": (_EXPRESSION, f"write headers, queries or cookies, {_CONDITIONS}"),
}
_BELOW_RULE: _Reserved = {
    name: (_OBJECTS, f"write it below match: match.{name}") for name in ("headers", "queries", "cookies")
}
_BELOW_BACKEND: _Reserved = {
    "tag": (_STRING, "write subset.tags, a list"),
    "tags": (_STRINGS, "write it below subset: subset.tags"),
    "meta": (_MAP, "write it below subset: subset.meta"),
    "datacenter": (_STRING, "write it below subset: subset.datacenter"),
}
_BELOW_SUBSET: _Reserved = {
    "tag": (_STRING, "write tags, a list"),
    "metadata": (_MAP, "write meta"),
    "dc": (_STRING, "write datacenter"),
}
_BY_PLACE: Mapping[tuple[str, ...], _Reserved] = {
    (): _BELOW_SPEC,
    ("match",): _BELOW_MATCH,
    ("backends",): _BELOW_BACKEND,
    ("backends", "subset"): _BELOW_SUBSET,
    ("canary",): _BELOW_RULE,
    ("canary", "match"): _BELOW_CANARY_MATCH,
    ("canary", "backends"): _BELOW_BACKEND,
    ("canary", "backends", "subset"): _BELOW_SUBSET,
}
"""By the names of the fields that lead there from `spec`; of a list's items alike."""


def with_reserved(spec: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The schema of `spec` with the names that are refused."""
    return _with_reserved(spec, ())


def _with_reserved(schema: dict[str, JsonValue], place: tuple[str, ...]) -> dict[str, JsonValue]:
    items = schema.get("items")
    if isinstance(items, dict):
        return {**schema, "items": _with_reserved(items, place)}
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return schema
    inside: dict[str, JsonValue] = {
        name: _with_reserved(child, (*place, name)) if isinstance(child, dict) else child
        for name, child in properties.items()
    }
    return _refusing({**schema, "properties": inside}, _BY_PLACE.get(place, {}))


def _refusing(schema: dict[str, JsonValue], reserved: _Reserved) -> dict[str, JsonValue]:
    if not reserved:
        return schema
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        raise TypeError("no object with fields")
    return {**schema, "properties": {**properties, **{name: _refused(*one) for name, one in reserved.items()}}}


def _refused(kind: dict[str, JsonValue], advice: str) -> dict[str, JsonValue]:
    # On the field itself, a rule costs nothing where the field is absent: as a rule of the object around it, each was
    # evaluated with each write of each EchoRoute, those of its status included.
    rule: JsonValue = {"rule": "false", "message": f"is not a field of EchoRoute: {advice}"}
    return {**kind, "description": f"Not a field: {advice}.", "x-kubernetes-validations": [rule]}
