"""The generated parts of the documentation: `python -m echoroute.reference [FOLDER]` writes them between their markers.

Fields and rules come from the same schema as the CRD, plugins from the table behind the policy, settings from their
model.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pydantic import JsonValue

from echoroute.api import durations
from echoroute.api.rules import VALIDATIONS
from echoroute.api.schema import JsonSchema, spec_schema
from echoroute.core.plugins import CLOSED, PluginClass, known_plugins, plugin_class
from echoroute.settings import Settings, variable


def filled(text: str, document: str) -> str:
    """The text of a document with its generated parts brought up to date.

    `document` is a key of `DOCUMENTS`. Raises `ValueError` where a marker is missing.
    """
    for name, generate in DOCUMENTS[document].items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{document} must have '{begin}' and '{end}' once")
        block = f"{begin}\n{generate()}\n{end}"
        text = pattern.sub(lambda _, block=block: block, text)  # type: ignore[misc]  # a lambda with a bound default
    return text


def _fields() -> str:
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for path, schema, required in _walk("", spec_schema()):
        needed = " **Required.**" if required else ""
        rows.append(f"| `{path}` | {_type(schema)} | {_cell(str(schema.get('description', '')))}{needed} |")
    return "\n".join(rows)


def _rules() -> str:
    fields: dict[str, list[str]] = {}
    nodes = [("spec", spec_schema()), *((f"spec.{path}", schema) for path, schema, _ in _walk("", spec_schema()))]
    for path, schema in nodes:
        for suffix, node in (("", schema), ("[]", _child(schema, "items"))):
            for rule in _list(node.get(VALIDATIONS)):
                entry = rule if isinstance(rule, dict) else {}
                fields.setdefault(str(entry["message"]), []).append(f"`{path}{suffix}{entry.get('fieldPath', '')}`")
    rows = (f"| {'<br>'.join(where)} | {_cell(message)} |" for message, where in fields.items())
    return "\n".join(["| field | rule |", "|---|---|", *rows])


def _plugins() -> str:
    def names(kind: PluginClass) -> str:
        return ", ".join(f"`{name}`" for name in sorted(known_plugins()) if plugin_class(name) is kind)

    rows = ["| closed plugin | because |", "|---|---|", *(f"| `{name}` | {_cell(CLOSED[name])} |" for name in CLOSED)]
    return (
        f"Open, plain (the route's own requests and responses): {names(PluginClass.PLAIN)}.\n\n"
        f"Open, network (they reach addresses that their config names): {names(PluginClass.NETWORK)}.\n\n"
        + "\n".join(rows)
    )


def _settings() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else _default(field.default)
        rows.append(f"| `{variable(name)}` | {default} | {_cell(field.description or '')} |")
    return "\n".join(rows)


def _default(value: object) -> str:
    """A default as it would be written in the environment; nothing where the description tells what holds."""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    # The only floats with a default are durations, in seconds.
    return f"`{value:g}s`" if isinstance(value, float) else f"`{value}`"


def _walk(prefix: str, schema: JsonSchema) -> Iterator[tuple[str, JsonSchema, bool]]:
    """The fields below an object, parents before children: path, schema, whether it is required."""
    required = _list(schema.get("required"))
    for name, child in _child(schema, "properties").items():
        node = child if isinstance(child, dict) else {}
        path = f"{prefix}{name}"
        yield path, node, name in required
        yield from _walk(f"{path}.", node)
        yield from _walk(f"{path}[].", _child(node, "items"))


def _type(schema: JsonSchema) -> str:
    kind = schema.get("type")
    if "enum" in schema:
        return " ".join(f"`{value}`" for value in _list(schema["enum"]))
    if kind == "array":
        return f"list of {_bounds(schema, 'minItems', 'maxItems')}: {_type(_child(schema, 'items'))}"
    if kind == "object" and "additionalProperties" in schema:
        return f"map of {_bounds(schema, 'minProperties', 'maxProperties')}"
    if kind == "integer":
        return f"integer, {schema.get('minimum')} to {schema.get('maximum')}"
    if kind == "string":
        duration = schema.get("maxLength") == durations.MAX_LENGTH
        return "duration" if duration else f"string of {_bounds(schema, 'minLength', 'maxLength')}"
    return str(kind)


def _bounds(schema: JsonSchema, low: str, high: str) -> str:
    least, most = schema.get(low, 0), schema[high]
    return str(most) if least == most else f"{least} to {most}"


def _child(schema: JsonSchema, name: str) -> JsonSchema:
    child = schema.get(name)
    return child if isinstance(child, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


DOCUMENTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "echoroute.md": {"fields": _fields, "rules": _rules, "plugins": _plugins},
    "operations.md": {"settings": _settings},
}
"""The documents with generated parts: file name to the names of its markers, and what writes the Markdown between."""


def main(folder: Path) -> None:
    """Brings the generated parts of all documents in a folder up to date."""
    for document in DOCUMENTS:
        path = folder / document
        path.write_text(filled(path.read_text(encoding="utf-8"), document), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
