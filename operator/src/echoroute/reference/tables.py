"""What the generated tables of the documents say of a JSON schema."""

from collections.abc import Iterator

from pydantic import JsonValue

from echoroute.api import durations
from echoroute.api.rules import INT_OR_STRING
from echoroute.api.schema import JsonSchema


def walk(prefix: str, schema: JsonSchema) -> Iterator[tuple[str, JsonSchema, bool]]:
    """The fields below an object, parents before children: path, schema, whether it is required."""
    required = list_of(schema.get("required"))
    for name, child in child_of(schema, "properties").items():
        node = child if isinstance(child, dict) else {}
        path = f"{prefix}{name}"
        yield path, node, name in required
        yield from walk(f"{path}.", node)
        yield from walk(f"{path}[].", child_of(node, "items"))


def type_text(schema: JsonSchema) -> str:
    """The type and the bounds of a value, in a few words."""
    if "enum" in schema or "const" in schema:
        return " ".join(f"`{value}`" for value in list_of(schema.get("enum", [schema.get("const")])))
    if schema.get("title") == "expression":
        return "expression"
    kind = "string" if INT_OR_STRING in schema else schema.get("type")  # a number is let through to be refused
    if kind is None:
        return "any JSON"
    return _TYPES.get(str(kind), lambda node: str(node.get("type")))(schema)


def _array(schema: JsonSchema) -> str:
    return f"list of {_bounds(schema, 'minItems', 'maxItems')}: {type_text(child_of(schema, 'items'))}"


def _object(schema: JsonSchema) -> str:
    return f"map of {_bounds(schema, 'minProperties', 'maxProperties')}" if "maxProperties" in schema else "object"


def _string(schema: JsonSchema) -> str:
    duration = schema.get("maxLength") == durations.MAX_LENGTH
    return "duration" if duration else f"string of {_bounds(schema, 'minLength', 'maxLength')}"


def _number(schema: JsonSchema) -> str:
    return f"{schema['type']}, {schema.get('minimum')} to {schema.get('maximum')}"


_TYPES = {"array": _array, "object": _object, "string": _string, "integer": _number, "number": _number}


def _bounds(schema: JsonSchema, low: str, high: str) -> str:
    least, most = schema.get(low, 0), schema[high]
    return str(most) if least == most else f"{least} to {most}"


def table(header: str, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a Markdown table; `header` is its first line."""
    yield header
    yield "|" + "---|" * (header.count("|") - 1)
    yield from (f"| {' | '.join(map(cell, row))} |" for row in rows)


def child_of(schema: JsonSchema, name: str) -> JsonSchema:
    child = schema.get(name)
    return child if isinstance(child, dict) else {}


def list_of(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def cell(text: str) -> str:
    return text.replace("|", "\\|")
