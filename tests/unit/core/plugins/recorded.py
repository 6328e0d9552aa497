"""What APISIX 3.18 itself says of the open plugins: its own JSON schemas, as its Control API gave them."""

import json
from pathlib import Path

import jsonschema
from pydantic import JsonValue

_RECORDING = Path(__file__).parents[3] / "contract" / "recordings" / "plugin-schemas.json"

SCHEMAS: dict[str, dict[str, JsonValue]] = json.loads(_RECORDING.read_text())
"""Name of the plugin to the schema of its config."""

_VALIDATORS = {
    name: jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    for name, schema in SCHEMAS.items()
}


def refusal_of_apisix(name: str, config: dict[str, JsonValue]) -> str:
    """Why APISIX's schema refuses a config; empty where it does not.

    APISIX writes defaults in before it judges: else a schema's `if` would hold for what is missing.
    """
    fields = SCHEMAS[name]["properties"]
    defaults = {field: schema["default"] for field, schema in fields.items() if "default" in schema}
    return "; ".join(error.message for error in _VALIDATORS[name].iter_errors({**defaults, **config}))
