"""The models: what they refuse and how they say it, and that what they accept reads back as it was written."""

import json

import pytest
from echoroute.api import EchoRouteSpec, parse_spec
from echoroute.core.policy import Policy
from echoroute.errors import FieldError, InvalidSpec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from .fields.table import MALFORMED, WELL_FORMED
from .made_up.specs import FIELDS, near_specs, specs

_BY_MODELS = [case for case in MALFORMED if case.ring != "operator"]
_BY_OPERATOR = [case for case in MALFORMED if case.ring == "operator"]

SECRET = "s3cr3t-value"


def _problems(spec: dict[str, object]) -> tuple[FieldError, ...]:
    """What parse_spec and the policy of a platform team that allows nothing extra say."""
    try:
        return Policy().refusals(parse_spec(spec))
    except InvalidSpec as error:
        return error.errors


def _dump(spec: EchoRouteSpec) -> object:
    return spec.model_dump(by_alias=True, exclude_unset=True, mode="json")


@pytest.mark.parametrize("case", _BY_MODELS, ids=lambda case: f"{case.field}: {case.why}")
def test_refuses_and_names_the_field(case):
    found = _problems(case.spec)
    assert any(case.field == one.field and case.says in one.problem for one in found), (case.why, found)


@pytest.mark.parametrize("case", _BY_MODELS, ids=lambda case: f"{case.field}: {case.why}")
def test_the_models_alone_refuse_what_the_api_server_refuses(case):
    with pytest.raises(ValidationError):
        EchoRouteSpec.model_validate(case.spec)


@pytest.mark.parametrize("case", _BY_OPERATOR, ids=lambda case: f"{case.field}: {case.why}")
def test_the_operator_refuses_what_only_it_can_see(case):
    found = _problems(case.spec)
    assert any(case.field == one.field and case.says in one.problem for one in found), (case.why, found)


def test_the_table_has_at_least_forty_cases_and_tells_them_apart():
    names = [(case.field, case.why) for case in MALFORMED]
    assert len(names) >= 40
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("spec", WELL_FORMED.values(), ids=WELL_FORMED)
def test_accepts_and_reads_back_as_written(spec):
    assert _problems(spec) == ()
    assert _dump(parse_spec(spec)) == spec


@given(specs())
def test_round_trip(spec):
    parsed = parse_spec(spec)
    assert json.dumps(_dump(parsed), sort_keys=True) == json.dumps(spec, sort_keys=True)
    assert parse_spec(_dump(parsed)) == parsed


@given(near_specs())
def test_says_something_usable_of_anything(spec):
    for one in _problems(spec):
        assert one.field.startswith("spec")
        assert one.problem
        assert len(str(one)) < 1000


_junk = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), _junk, max_size=6))
def test_any_json_is_parsed_or_refused(raw):
    try:
        parse_spec(raw)
    except InvalidSpec as error:
        problems = error.errors
    else:
        return
    assert problems


@pytest.mark.parametrize(
    ("why", "spec"),
    [
        ("a plugin's value of the wrong type", {"plugins": {"jwt-auth": SECRET}}),
        ("a plugin's map", {"plugins": SECRET}),
        ("beside what is wrong elsewhere", {"plugins": {"jwt-auth": {"secret": SECRET}}, "match": {"paths": ["x"]}}),
        ("a header's value", {"rewrite": {"headers": {"set": {"Authorization": f"{SECRET}\n"}}}}),
        ("a header's value of the wrong type", {"rewrite": {"headers": {"add": {"Authorization": [SECRET]}}}}),
        ("a header's value that is too long", {"rewrite": {"headers": {"add": {"Authorization": SECRET * 500}}}}),
        ("all headers", {"rewrite": {"headers": {"set": SECRET}}}),
        ("a string where an object belongs", {"rewrite": {"headers": SECRET}}),
        (
            "a plugin that is nested too deeply",
            {"plugins": {"x": json.loads('{"a":' * 300 + f'"{SECRET}"' + "}" * 300)}},
        ),
    ],
)
def test_no_message_shows_what_may_be_a_secret(why, spec):
    with pytest.raises(InvalidSpec) as caught:
        parse_spec({"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], **spec})
    assert SECRET not in str(caught.value), why
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__  # a traceback would show pydantic's text


@pytest.mark.parametrize("name", ["", "[key]", "a.b", "0", "ä"])
def test_a_field_of_any_name_is_named(name):
    with pytest.raises(InvalidSpec) as caught:
        parse_spec({"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], name: 1})
    (error,) = caught.value.errors
    assert error.field == f"spec.{name}"


def test_a_message_shows_what_was_found_and_cuts_it():
    with pytest.raises(InvalidSpec) as caught:
        parse_spec({"match": {"paths": ["a" * 500]}, "backends": [{"service": "echo"}]})
    (error,) = caught.value.errors
    assert error.problem.startswith("must start with '/' (found \"aaa")
    assert len(error.problem) < 120


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"match": {"paths": ["/a"], "hosts": None}}, "spec.match.hosts"),
        ({"match": {"paths": ["/a"], "methods": None}}, "spec.match.methods"),
        ({"match": {"paths": ["/a"], "priority": None}}, "spec.match.priority"),
        ({"match": None}, "spec.match"),
        ({"rewrite": None}, "spec.rewrite"),
        ({"rewrite": {"headers": None, "host": "a"}}, "spec.rewrite.headers"),
        ({"rewrite": {"headers": {"set": {"X-A": "1"}, "remove": None}}}, "spec.rewrite.headers.remove"),
        ({"enabled": None}, "spec.enabled"),
        ({"plugins": None}, "spec.plugins"),
        ({"plugins": {"key-auth": None}}, "spec.plugins.key-auth"),
        ({"upstream": {"timeout": None}}, "spec.upstream.timeout"),
    ],
)
def test_a_null_is_refused_by_name(fields, refused):
    """It is what a template with an empty value renders; as an absent field it would open what was to be closed."""
    with pytest.raises(InvalidSpec) as caught:
        parse_spec({"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], **fields})
    assert f"{refused}: must not be null" in str(caught.value)


def test_specs_cannot_be_changed():
    spec = parse_spec(WELL_FORMED["the smallest one"])
    with pytest.raises(ValidationError):
        spec.name = "other"
