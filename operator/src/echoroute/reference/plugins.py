"""The generated reference of plugins: the open ones with their fields, the closed ones with their sentences."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from echoroute.api.schema import JsonSchema
from echoroute.core.plugins import CLOSED, META, OPEN, OpenPlugin
from echoroute.reference.tables import child_of, table, type_text, walk


def open_plugins() -> str:
    """A table of fields for each open plugin, with what is left out of APISIX's own and why."""
    names = ", ".join(f"[`{name}`](#{name})" for name in OPEN)
    return "\n".join([f"{names}.", *(line for name, plugin in OPEN.items() for line in _section(name, plugin))])


def closed_plugins() -> str:
    """A table of the closed plugins: what somebody who writes the config can do."""
    return "\n".join(
        table("| plugin | what its config can do |", ((f"`{name}`", CLOSED[name]) for name in sorted(CLOSED)))
    )


def meta() -> str:
    """The table of `_meta`, which each plugin may have."""
    return "\n".join(_fields(META))


def _section(name: str, plugin: OpenPlugin) -> Iterator[str]:
    yield from ("", f"### {name}", "")
    yield from _fields(plugin)


def _fields(plugin: OpenPlugin) -> Iterator[str]:
    schema = plugin.schema
    rows = (
        (f"`{path}`", type_text(node), f"{node.get('description', '')}{' **Required.**' if required else ''}".strip())
        for path, node, required in walk("", _inlined(schema, child_of(schema, "$defs")))
    )
    yield from table("| field | type | meaning |", rows)
    if plugin.rules:
        yield from ("", f"It {'. It '.join(rule.problem for rule in plugin.rules)}.")
    if plugin.left_out:
        yield from ("", "Closed:", "", *_left_out(plugin.left_out))


def _left_out(left_out: Mapping[str, str]) -> Iterator[str]:
    """One line for each reason."""
    fields: dict[str, list[str]] = {}
    for field, reason in left_out.items():
        fields.setdefault(reason, []).append(f"`{field}`")
    yield from (f"- {', '.join(names)}: {reason}" for reason, names in fields.items())


def _inlined(schema: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    """The schema with its references put in place; what is said outside wins over the inside."""
    node = {**child_of(definitions, str(schema.get("$ref", "")).rpartition("/")[2]), **schema}
    return {name: _inlined_value(name, value, definitions) for name, value in node.items()}


def _inlined_value(name: str, value: JsonValue, definitions: JsonSchema) -> JsonValue:
    if name == "properties" and isinstance(value, dict):
        return {field: _inlined(child, definitions) for field, child in value.items() if isinstance(child, dict)}
    return _inlined(value, definitions) if name == "items" and isinstance(value, dict) else value
