"""The CRD: up to date, and in the form that Kubernetes, kubectl and its cost estimator want."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from echoroute.api import crd
from echoroute.api.rules import INT_OR_STRING
from echoroute.api.schema import fields_at, spec_schema, status_schema, structural
from echoroute.api.spec import EchoRouteSpec
from echoroute.api.status import EchoRouteStatus, pending_status

_ROOT = Path(__file__).parents[3]


def _nodes(schema: dict, path: str) -> Iterator[tuple[str, dict]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            yield from _nodes(schema[keyword], f"{path}[]")


_SPEC = dict(_nodes(spec_schema(), "spec"))
_ALL = {**_SPEC, **dict(_nodes(status_schema(), "status"))}


@pytest.mark.parametrize("name", crd.files())
def test_the_committed_files_are_what_the_models_say(name):
    assert (_ROOT / "crds" / name).read_text(encoding="utf-8") == crd.files()[name], (
        "crds/ is not what the models say; run: python -m echoroute.api.crd"
    )


def test_nothing_else_lies_in_the_folder():
    assert {path.name for path in (_ROOT / "crds").iterdir()} == set(crd.files())


NULLABLE = {
    *(
        f"spec.{backends}[].{field}"
        for backends in ("backends", "canary[].backends")
        for field in ("weight", "subset", "subset.tags", "subset.meta", "subset.meta[]", "subset.datacenter")
    ),
    "spec.canary[].match.headers", "spec.canary[].match.queries", "spec.canary[].match.cookies",
    "spec.enabled", "spec.match.cookies", "spec.match.headers", "spec.match.hosts", "spec.match.methods",
    "spec.match.queries", "spec.match.remoteAddrs", "spec.match.vars", "spec.plugins", "spec.plugins[]",
    "spec.rewrite", "spec.rewrite.headers", "spec.rewrite.headers.remove", "spec.rewrite.headers.set",
    "spec.rewrite.headers.set[]", "spec.rewrite.headers.add[]", "spec.gatewayClass",
}  # fmt: skip
"""Fields whose absence opens something: the API server must not prune their null before the operator sees it."""


ANY_JSON = {"spec.match.vars[]"}
"""Where the operator alone judges: a comparison is a list of texts, numbers and lists."""


def test_writes_the_files(tmp_path):
    crd.main(tmp_path / "new")
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()} == crd.files()


def test_the_text_is_the_definition():
    text = next(text for name, text in crd.files().items() if name.startswith(crd.NAME))
    assert yaml.safe_load(text) == crd.custom_resource_definition()


@pytest.mark.parametrize("path", [path for path in _ALL if not path.endswith("[]")])
def test_each_field_explains_itself(path):
    assert _ALL[path].get("description", "").endswith((".", ".)")), "kubectl explain would show nothing"


@pytest.mark.parametrize("path", _ALL)
def test_is_structural(path):
    schema = _ALL[path]
    assert ("type" in schema or INT_OR_STRING in schema) is (path not in ANY_JSON)
    assert path not in ANY_JSON or schema == {"x-kubernetes-preserve-unknown-fields": True}
    assert not schema.keys() & {"$ref", "anyOf", "oneOf", "allOf", "title"}
    assert ("nullable" in schema) is (path in NULLABLE)


@pytest.mark.parametrize("path", sorted(_ALL.keys() - ANY_JSON))
def test_each_string_and_collection_is_bounded(path):
    schema = _ALL[path]
    bounded = {
        "string": {"maxLength"} if not {"enum", "format"} & schema.keys() else set(),
        "array": {"maxItems", "x-kubernetes-list-type"},
        "object": {"maxProperties"} if "additionalProperties" in schema else set(),
        "integer": {"minimum"} if path != "status.observedGeneration" else set(),
        "boolean": set(),
    }
    assert bounded[schema.get("type", "string")] <= schema.keys()


@pytest.mark.parametrize("path", _SPEC)
def test_defaults_are_told_and_not_set(path):
    """An object reads back as it was applied, so that GitOps tools see no difference."""
    assert "default" not in _SPEC[path]


@pytest.mark.parametrize(
    ("path", "rule"), [(p, r) for p, s in _SPEC.items() for r in s.get("x-kubernetes-validations", ())]
)
def test_each_rule_has_one_line_to_say_and_a_field_that_exists(path, rule):
    assert "\n" not in rule["rule"] + rule["message"]
    assert 0 < len(rule["message"]) <= 2048
    assert rule["message"].startswith(("must", "may", "has", "is"))  # reads on from the field's name
    if "fieldPath" in rule:
        assert path + rule["fieldPath"] in _SPEC


def test_plugins_are_opaque_below_their_names():
    plugins = _SPEC["spec.plugins"]
    assert "x-kubernetes-preserve-unknown-fields" not in plugins  # CEL must see the names
    assert plugins["additionalProperties"] == {
        "type": "object",
        "nullable": True,
        "x-kubernetes-preserve-unknown-fields": True,
    }


def test_the_default_status_is_one_and_nothing_in_it_is_green():
    status = pending_status()
    parsed = EchoRouteStatus.model_validate(status)
    assert parsed.observed_generation == -1
    assert [one.type for one in parsed.conditions] == ["Accepted", "ResolvedRefs", "Programmed", "Ready"]
    assert {(one.status, one.reason, one.observed_generation) for one in parsed.conditions} == {
        ("Unknown", "Pending", None)
    }
    assert {one.last_transition_time for one in parsed.conditions} == {dt.datetime.fromtimestamp(0, dt.UTC)}
    version = crd.custom_resource_definition()["spec"]["versions"][0]
    assert version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"] == status


def test_the_columns():
    version = crd.custom_resource_definition()["spec"]["versions"][0]
    columns = version["additionalPrinterColumns"]
    assert [one["name"] for one in columns if "priority" not in one] == [
        "Paths", "Service", "Ready", "Healthy", "Reason", "Age",
    ]  # fmt: skip
    assert [one["name"] for one in columns if one.get("priority") == 1] == ["Hosts", "Route-ID", "Class"]


def test_knows_the_fields_at_a_place():
    assert fields_at(("match",)) == [
        "paths", "hosts", "methods", "headers", "queries", "cookies", "remoteAddrs", "vars", "priority",
    ]  # fmt: skip
    assert fields_at(("backends", 0)) == ["service", "weight", "subset", "resolve"]
    assert fields_at(("name",)) == []
    assert fields_at(("nowhere", "at", 3)) == []


def test_says_so_where_there_is_no_structural_form():
    class WithUnion(EchoRouteSpec):
        odd: int | str | None = None

    with pytest.raises(ValueError, match="no structural form for a union"):
        structural(WithUnion)
