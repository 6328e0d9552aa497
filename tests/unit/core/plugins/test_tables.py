"""The tables of APISIX's plugins: complete, and each field with its bounds."""

import pytest
from echoroute.core.plugins import CLOSED, META, OPEN

from .recorded import SCHEMAS


def test_each_plugin_of_apisix_3_18_is_open_or_closed():
    assert len(OPEN) + len(CLOSED) == 107
    assert OPEN.keys().isdisjoint(CLOSED)


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_a_closed_plugin_has_a_sentence(name):
    """The reference and the refusal's message show it."""
    assert CLOSED[name][0].isupper()
    assert CLOSED[name].endswith(".")


@pytest.mark.parametrize("name", OPEN)
def test_each_field_of_apisix_is_open_or_left_out_with_a_reason(name):
    open_fields = OPEN[name].schema["properties"].keys()
    of_apisix = SCHEMAS[name]["properties"].keys() - {"_meta"}
    assert of_apisix <= open_fields | OPEN[name].left_out.keys()
    assert open_fields <= of_apisix, "an open field is one that APISIX has"
    assert open_fields.isdisjoint(OPEN[name].left_out)


def test_each_field_of_meta_too():
    of_apisix = SCHEMAS["cors"]["properties"]["_meta"]["properties"].keys()
    assert META.schema["properties"].keys() | META.left_out.keys() == of_apisix


def _nodes(schema, path=""):
    yield path, schema
    for keyword in ("properties", "patternProperties", "$defs"):
        for name, child in schema.get(keyword, {}).items():
            yield from _nodes(child, f"{path}.{name}")
    if "items" in schema and schema.get("title") != "expression":  # what is in one a function judges
        yield from _nodes(schema["items"], f"{path}[]")


@pytest.mark.parametrize("plugin", [*OPEN.values(), META], ids=[*OPEN, "_meta"])
def test_each_value_has_bounds(plugin):
    for path, node in _nodes(plugin.schema):
        if "enum" in node or "const" in node or "$ref" in node or node.get("title") == "expression":
            continue
        match node["type"]:
            case "string":
                assert {"maxLength", "pattern"} <= node.keys(), path
            case "integer" | "number":
                assert {"minimum", "maximum"} <= node.keys(), path
            case "array":
                assert "maxItems" in node, path
            case "object":
                free = {"patternProperties", "maxProperties"} <= node.keys()
                assert free or node["additionalProperties"] is False, path
            case other:
                assert other == "boolean", path


@pytest.mark.parametrize("name", OPEN)
def test_each_open_field_says_what_it_is_for(name):
    schema = OPEN[name].schema
    assert all("description" in node for node in schema["properties"].values())
