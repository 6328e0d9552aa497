"""What stands in the generated parts of the documents, and how a document is brought up to date.

Fields and rules come from the same schema as the CRD, plugins from the table behind the policy, settings from their
model.
"""

import re
from collections.abc import Callable, Mapping

from echoroute.api.rules import VALIDATIONS
from echoroute.api.schema import spec_schema
from echoroute.reference.conditions import conditions
from echoroute.reference.metrics import metrics
from echoroute.reference.plugins import closed_plugins, meta, open_plugins
from echoroute.reference.reasons import reasons
from echoroute.reference.tables import cell, child_of, list_of, type_text, walk
from echoroute.run.settings import Settings, variable


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
    for path, schema, required in walk("", spec_schema()):
        needed = " **Required.**" if required else ""
        rows.append(f"| `{path}` | {type_text(schema)} | {cell(str(schema.get('description', '')))}{needed} |")
    return "\n".join(rows)


def _rules() -> str:
    fields: dict[str, list[str]] = {}
    nodes = [("spec", spec_schema()), *((f"spec.{path}", schema) for path, schema, _ in walk("", spec_schema()))]
    for path, schema in nodes:
        for suffix, node in (("", schema), ("[]", child_of(schema, "items"))):
            for rule in list_of(node.get(VALIDATIONS)):
                entry = rule if isinstance(rule, dict) else {}
                fields.setdefault(str(entry["message"]), []).append(f"`{path}{suffix}{entry.get('fieldPath', '')}`")
    rows = (f"| {'<br>'.join(where)} | {cell(message)} |" for message, where in fields.items())
    return "\n".join(["| field | rule |", "|---|---|", *rows])


def _settings() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else _default(field.default)
        rows.append(f"| `{variable(name)}` | {default} | {cell(field.description or '')} |")
    return "\n".join(rows)


def _default(value: object) -> str:
    """A default as it would be written in the environment; nothing where the description tells what holds."""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    # The only floats with a default are durations, in seconds.
    return f"`{value:g}s`" if isinstance(value, float) else f"`{value}`"


DOCUMENTS: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "echoroute.md": {"fields": _fields, "conditions": conditions, "rules": _rules},
    "plugins.md": {"meta": meta, "open plugins": open_plugins, "closed plugins": closed_plugins},
    "reference/settings.md": {"settings": _settings},
    "reference/metrics.md": {"metrics": metrics},
    "reference/reasons.md": {"reasons": reasons},
}
"""The documents with generated parts: path below docs/ to the names of its markers, and what writes between."""
