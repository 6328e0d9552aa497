"""Configs of open plugins in which one value is as small, or as large, as the table lets it be."""

import re
from collections.abc import Iterator
from itertools import combinations

from echoroute.core.plugins import META, OPEN
from echoroute.core.policy import refusals
from pydantic import JsonValue

from .strategies import ADDRESSES, EXPRESSIONS, TEXTS

Schema = dict[str, JsonValue]
Placed = tuple[str, JsonValue]

_LARGE_EXPRESSIONS: list[JsonValue] = [
    [[f"arg_{number}", "==", "x" * 100] for number in range(64)],
    [["x" * 128, "in", ["x" * 1024, *range(31)]]],
    ["!OR", *([["!AND", ["arg_a", "has", "x"], ["arg_b", "<=", 1.5]]] * 8)],
    [[[[["arg_a", "!", "IN", ["x"]]]]]],
    [["arg_a", "~*", "^" + "x" * 1023], ["arg_b", "~=", None], ["arg_c", ">", 10**13]],
    [["remote_addr", "!", "ipmatch", [f"10.0.{number}.0/24" for number in range(64)]]],
    [["remote_addr", "ipmatch", "2001:db8::/32"]],
]


def extremes(name: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """For each value that a plugin's config may have the smallest and the largest: its place and the config."""
    schema = OPEN[name].schema
    for field, node in schema["properties"].items():
        for place, value in _bounds(_resolved(node, schema), schema):
            config = _completed(name, schema, field, value)
            if config is not None:
                yield f"{field}{place}", config


def extremes_of_meta() -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """The same for `_meta`, which any plugin may have."""
    schema = META.schema
    for field, node in schema["properties"].items():
        for place, value in _bounds(node, schema):
            yield f"_meta.{field}{place}", {"body": "x", "_meta": {field: value}}


def _completed(name: str, schema: Schema, field: str, value: JsonValue) -> dict[str, JsonValue] | None:
    """A config with the fewest other fields with which it is accepted; None where there is none."""
    needed = {other: _smallest(schema["properties"][other], schema) for other in schema.get("required", ())}
    others = {other: _others(node, schema) for other, node in schema["properties"].items() if other != field}
    for count in range(4):
        for chosen in combinations(others, count):
            config = {**needed, **{other: others[other] for other in chosen}, field: value}
            if refusals({name: config}, allowed=frozenset()) == ():
                return config
    return None


def _others(node: Schema, root: Schema) -> JsonValue:
    """What a field says that is only there for another one's sake: no '*', since cors wants others sometimes."""
    return _smallest({**node, "pattern": f"(?!\\*){node['pattern']}"} if "pattern" in node else node, root)


def _resolved(node: Schema, root: Schema) -> Schema:
    return root["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _smallest(node: Schema, root: Schema) -> JsonValue:
    return _bounds(_resolved(node, root), root)[0][1]


def _bounds(node: Schema, root: Schema) -> list[Placed]:  # noqa: PLR0911 - one for each type
    """The extreme values of a type, the smallest first: where in it each is extreme, and the value."""
    if node.get("title") == "expression":
        return [("", expression) for expression in [*EXPRESSIONS, *_LARGE_EXPRESSIONS]]
    if "enum" in node or "const" in node:
        return [("", value) for value in node.get("enum") or [node["const"]]]
    match node["type"]:
        case "object":
            return _objects(node, root) if "properties" in node else _maps(node, root)
        case "array":
            return _lists(node, root)
        case "string":
            return [("", text) for text in _texts(node)]
        case "boolean":
            return [("", False), ("", True)]
        case _:
            return [("", node["minimum"]), ("", node["maximum"])]


def _objects(node: Schema, root: Schema) -> list[Placed]:
    needed = {name: _smallest(node["properties"][name], root) for name in node.get("required", ())}
    found: list[Placed] = [("", needed)]
    for name, child in node["properties"].items():
        for place, value in _bounds(_resolved(child, root), root):
            found.append((f".{name}{place}", {**needed, name: value}))
    return found


def _maps(node: Schema, root: Schema) -> list[Placed]:
    ((pattern, values),) = node["patternProperties"].items()
    names = _texts({**node["propertyNames"], "pattern": pattern})
    least = _smallest(values, root)
    found: list[Placed] = [("", {name: least}) for name in names]
    found.append(("{}", {f"x{number}": least for number in range(node["maxProperties"])}))
    return found + [(f"{{}}{place}", {names[0]: value}) for place, value in _bounds(values, root)]


def _lists(node: Schema, root: Schema) -> list[Placed]:
    items = _resolved(node["items"], root)
    fewest = _distinct(items, root, max(node.get("minItems", 0), 1))
    found: list[Placed] = [("", fewest), ("[]", _distinct(items, root, node["maxItems"]))]
    return found + [(f"[]{place}", [value, *fewest[1:]]) for place, value in _bounds(items, root)]


def _distinct(items: Schema, root: Schema, count: int) -> list[JsonValue]:
    """So many small items, all different where there are as many."""
    if "enum" in items or items.get("title") == "expression" or items["type"] == "object":
        bounds = [value for _, value in _bounds(items, root) if value != {}]
        return (bounds * count)[:count]
    if items["maxLength"] == 43:  # the type Address
        return [f"10.0.{number // 256}.{number % 256}" for number in range(count)]
    forms = (form for form in ("x{}", "a/b{}", "X-A: b{}") if re.fullmatch(items["pattern"], form.format(0)))
    form = next(forms)
    return [form.format(number) for number in range(count)]


def _texts(node: Schema) -> list[str]:
    """The texts of a type that fit, and the longest that there may be, the shortest first."""
    least, most = node.get("minLength", 0), node["maxLength"]
    if most == 43:
        return ADDRESSES
    longest = [
        f"{start}{'x' * (most - len(start))}"
        for start in ("", "/", "*", "X-A: ", "a/", "https://", "text/plain; charset=")
    ]
    longest += ["é" * most, "x," * (most // 2 - 1) + "x", "GET, " * (most // 5) + "GET"]
    fitting = [
        text for text in [*TEXTS, *longest] if least <= len(text) <= most and re.fullmatch(node["pattern"], text)
    ]
    return sorted(dict.fromkeys(fitting), key=len)
