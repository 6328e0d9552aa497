"""Made-up configs of plugins: right ones, made from the table's own types, and the same with something odd in them."""

import copy
import re

from echoroute.core.plugins import OPEN
from hypothesis import strategies as st
from pydantic import JsonValue

from .recorded import SCHEMAS

EXPRESSIONS = [
    [["arg_a", "==", "1"]],
    [["http_x_a", "!", "~~", "^a"], ["arg_b", "in", ["1", 2]]],
    ["OR", ["arg_a", ">", 1], ["AND", ["cookie_c", "~=", None], ["remote_addr", "ipmatch", ["10.0.0.0/8"]]]],
]
_COMPARED: dict[str, list[JsonValue]] = {
    **{operator: ["1", 1, 0.5, True, "é", None] for operator in ("==", "~=")},
    **{operator: ["^a", "é+", "("] for operator in ("~~", "~*")},
    **{operator: [1, 0.5, -1] for operator in (">", ">=", "<", "<=")},
    "in": [["1", 2], ["a"]],
    "has": ["1", 1],
    "ipmatch": [["10.0.0.0/8", "::1"], "10.0.0.1"],
}
_comparisons = st.sampled_from([*_COMPARED]).flatmap(
    lambda operator: st.tuples(
        st.sampled_from(["arg_a", "http_x_a", "cookie_c", "remote_addr", "no.such-one", "method", "uri_param_a"]),
        st.sampled_from([[], ["!"]]),
        st.sampled_from([operator, operator.upper()]),
        st.sampled_from(_COMPARED[operator]),
    ).map(lambda parts: [parts[0], *parts[1], parts[2], parts[3]])
)
_logic = st.recursive(
    _comparisons,
    lambda inner: st.tuples(st.sampled_from(["AND", "or", "!AND", "!Or"]), inner, inner).map(list),
    max_leaves=4,
)
expressions = st.lists(_logic, min_size=1, max_size=3) | _logic.filter(lambda item: item[0].upper() in {"AND", "!AND"})
"""Expressions that are nearly all right: some are nested too deep."""
ADDRESSES = ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"]
TEXTS = [
    "", "a", "X-A", "x_a", "api key", "Bearer", "key", "é", "日本", "a\tb", "two\nlines", "^/a/(.*)", "/b/$1",
    "/a b?c=$args",     "remote_addr", "$remote_addr", "$remote_addr $consumer_name", "consumer_name", "https://www.example.com",
    "https://a.example,http://[::1]:80", "*", "**", "null", "GET,POST", "X-A, X-B", "X-A:b", "X-A: $host", "X-A: b/c",
    "Content-Length", "text/html", "application/json;charset=utf8", "text/plain", "*.example.com",
    "api.example.com:8080",     "$scheme://${host}/x$uri", "curl/.*",
    "x" * 50, "x" * 128, "x" * 200, "x" * 1024, "x" * 4096, "s3cr3t!", "%",
]  # fmt: skip
CONTROL = ["\n", "\r", "\x00", "\x1b", "\x7f", "\x85", "\x9b"]


def conforming(schema: dict[str, JsonValue], root: dict[str, JsonValue]) -> st.SearchStrategy[JsonValue]:  # noqa: PLR0911 - one for each type
    """Values that a schema of the table takes."""
    if "$ref" in schema:
        return conforming(root["$defs"][str(schema["$ref"]).rpartition("/")[2]], root)
    if schema.get("title") == "expression":
        return st.sampled_from(EXPRESSIONS) | expressions
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    match schema["type"]:
        case "object":
            return _object(schema, root)
        case "array":
            items = conforming(schema["items"], root)
            least = schema.get("minItems", 0)
            return st.lists(items, min_size=least, max_size=min(schema["maxItems"], least + 2), unique_by=repr)
        case "string":
            return _text(schema)
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.floats(schema["minimum"], schema["maximum"]).map(lambda number: round(number, 3))
        case _:
            return st.booleans()


def _object(schema: dict[str, JsonValue], root: dict[str, JsonValue]) -> st.SearchStrategy[JsonValue]:
    if "properties" in schema:
        parts = {name: conforming(child, root) for name, child in schema["properties"].items()}
        needed = {name: parts.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=parts)
    ((pattern, values),) = schema["patternProperties"].items()
    names = st.sampled_from([text for text in TEXTS if re.fullmatch(pattern, text)])
    return st.dictionaries(names, conforming(values, root), min_size=1, max_size=3)


def _text(schema: dict[str, JsonValue]) -> st.SearchStrategy[str]:
    if schema["maxLength"] == 43:  # the type Address
        return st.sampled_from(ADDRESSES)
    fitting = [text for text in TEXTS if re.fullmatch(schema["pattern"], text)]
    return st.sampled_from([text for text in fitting if schema.get("minLength", 0) <= len(text) <= schema["maxLength"]])


def right(name: str) -> st.SearchStrategy[dict[str, JsonValue]]:
    """Configs of an open plugin whose fields are right each by itself."""
    schema = OPEN[name].schema
    configs = conforming(schema, schema)
    return configs.map(_one_each) if name == "multi-auth" else configs


def _one_each(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """One plugin in each object, which the types alone do not say."""
    return {"auth_plugins": [dict([*entry.items(), ("key-auth", {})][:1]) for entry in config["auth_plugins"]]}


_ODD: list[JsonValue] = [
    None, True, -1, 0, 10**12, 1.5, "", "x", "x" * 20_000, [], {}, [[]], {"a": {"a": 1}}, ["x"] * 500,
    *(f"a{control}b" for control in CONTROL), "http_x_a", "$http_x_a", "Content-Length", "redis", "127.0.0.1:2379",
]  # fmt: skip
_LEFT_OUT = sorted({field for plugin in OPEN.values() for field in plugin.left_out})


def _places(value: JsonValue) -> list[tuple[dict[str, JsonValue] | list[JsonValue], str | int]]:
    """The places of all values below a value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, child in steps for place in [(value, step), *_places(child)]]


@st.composite
def odd(draw: st.DrawFn, name: str) -> dict[str, JsonValue]:
    """Configs with an odd value somewhere, or with a field that APISIX has, or once had, or never."""
    config = copy.deepcopy(draw(right(name)))
    places = _places(config)
    if places and draw(st.booleans()):
        where, step = draw(st.sampled_from(places))
        where[step] = draw(st.sampled_from(_ODD))
    else:
        objects = [config, *(where[step] for where, step in places if isinstance(where[step], dict))]
        field = draw(st.sampled_from([*SCHEMAS[name]["properties"], *_LEFT_OUT, "x", "Content-Length", "a\nb"]))
        draw(st.sampled_from(objects))[field] = draw(st.sampled_from(_ODD))
    return config
