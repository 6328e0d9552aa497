"""Policy: what an EchoRoute's plugins ask for and are not allowed, at any depth."""

import pytest
from echoroute.api import parse_spec
from echoroute.core.plugins import CLOSED, PluginClass, known_plugins, plugin_class
from echoroute.core.policy import PRE_FUNCTION, Policy, refusals
from hypothesis import given
from hypothesis import strategies as st

NOBODY = frozenset()
OPEN = sorted(name for name in known_plugins() if plugin_class(name) is not PluginClass.CLOSED)
SECRET = "s3cr3t-value"


def _fields(plugins, allowed=NOBODY):
    return [one.field for one in refusals(plugins, allowed=frozenset(allowed))]


@pytest.mark.parametrize("name", OPEN)
def test_open_plugins_are_for_everybody(name):
    assert _fields({name: {}}) == []


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_closed_plugins_need_the_platform_team(name):
    (error,) = refusals({name: {}}, allowed=NOBODY)
    assert error.field == f"spec.plugins.{name}"
    assert CLOSED[name] in error.problem
    assert _fields({name: {}}, {name}) == []


_FUNCTION = {"_meta": {"pre_function": "return function() end"}}
_SERVERLESS = {"functions": ["return function() end"]}


@pytest.mark.parametrize(
    ("why", "plugins", "allowed", "fields"),
    [
        ("none asked for", {}, [], []),
        ("an unknown name", {"corz": {}}, [], ["spec.plugins.corz"]),
        ("an own plugin that is allowed", {"my-plugin": {"a": 1}}, ["my-plugin"], []),
        ("letter case counts in names", {"Serverless-Pre-Function": {}}, [], ["spec.plugins.Serverless-Pre-Function"]),
        ("one allowed does not open another", {"inspect": {}}, ["file-logger"], ["spec.plugins.inspect"]),
        ("a disabled one too", {"inspect": {"_meta": {"disable": True}}}, [],
         ["spec.plugins.inspect"]),
        ("Lua in _meta", {"cors": _FUNCTION}, [], ["spec.plugins.cors._meta.pre_function"]),
        ("Lua in _meta, allowed", {"cors": _FUNCTION}, [PRE_FUNCTION], []),
        ("an allowed plugin does not open its _meta", {"inspect": _FUNCTION}, ["inspect"],
         ["spec.plugins.inspect._meta.pre_function"]),
        ("a filter is an expression, not code", {"cors": {"_meta": {"filter": [["arg_a", "==", "1"]]}}}, [], []),
        ("multi-auth runs plugins", {"multi-auth": {"auth_plugins": [{"key-auth": {}}, {"corz": {}}]}}, [],
         ["spec.plugins.multi-auth.auth_plugins[1].corz"]),
        ("multi-auth, closed", {"multi-auth": {"auth_plugins": [{"opa": {}}]}}, [],
         ["spec.plugins.multi-auth.auth_plugins[0].opa"]),
        ("multi-auth, allowed", {"multi-auth": {"auth_plugins": [{"opa": {}}, {"jwt-auth": {}}]}}, ["opa"], []),
        ("workflow runs plugins", {"workflow": {"rules": [{"actions": [["return", {"code": 403}]]},
                                                         {"actions": [["limit-count", {}], ["corz", {}]]}]}}, [],
         ["spec.plugins.workflow.rules[1].actions[1]"]),
        ("workflow, closed", {"workflow": {"rules": [{"actions": [["ai", {}]]}]}}, [],
         ["spec.plugins.workflow.rules[0].actions[0]"]),
        ("a closed plugin in a place that nobody knows yet", {"traffic-split": {"rules": [{"plugins": {
            "serverless-pre-function": _SERVERLESS}}]}}, [],
         ["spec.plugins.traffic-split.rules[0].plugins.serverless-pre-function"]),
        ("also as a pair", {"cors": {"then": [["file-logger", {"path": "/x"}]]}}, [], ["spec.plugins.cors.then[0]"]),
        ("_meta in a plugin inside a plugin", {"multi-auth": {"auth_plugins": [{"key-auth": _FUNCTION}]}}, [],
         ["spec.plugins.multi-auth.auth_plugins[0].key-auth._meta.pre_function"]),
        ("a property of a JSON schema is no plugin", {"request-validation": {"body_schema": {"properties": {
            "ai": {"type": "string"}, "inspect": {"type": "object"}, "opa": {}}}}}, [], []),
        ("a name as a value is no plugin", {"response-rewrite": {"body": "serverless-pre-function"}}, [], []),
        ("the gateway's environment", {"echo": {"body": "$env://KEY"}}, [], ["spec.plugins.echo.body"]),
        ("in any letter case", {"echo": {"body": "$EnV://KEY"}}, [], ["spec.plugins.echo.body"]),
        ("its secrets", {"echo": {"headers": [{"a": "$SECRET://vault/1/a"}]}}, [], ["spec.plugins.echo.headers[0].a"]),
        ("inside a longer text", {"echo": {"body": "a $env://KEY"}}, [], ["spec.plugins.echo.body"]),
        ("as a key", {"echo": {"headers": {"$env://KEY": 1}}}, [], ["spec.plugins.echo.headers"]),
        ("as the name of a plugin", {"$env://KEY": {}}, [], ["spec.plugins.$env://KEY", "spec.plugins"]),
        ("nothing opens them", {"inspect": {"a": "$env://K"}}, ["inspect", "$env://"], ["spec.plugins.inspect.a"]),
        ("a variable is no reference", {"echo": {"body": "$env_KEY ${env} $arg_a"}}, [], []),
    ],
)  # fmt: skip
def test_refuses(why, plugins, allowed, fields):
    assert _fields(plugins, allowed) == fields, why


def test_odd_configs_are_read_without_a_crash():
    """The gateway refuses them; here they only must not hide anything."""
    odd = [None, 5, "x", [], {}, [None], [[]], {"rules": None}, {"rules": [None, {"actions": [None, [], [5]]}]}]
    for config in odd:
        for name in ("workflow", "multi-auth", "traffic-split"):
            assert _fields({name: config}) == []
    assert _fields({"multi-auth": {"auth_plugins": [None, "x"]}}) == []


_leaf = st.none() | st.booleans() | st.integers() | st.text("ab$:/", max_size=6)
_json = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
)


def _buried(value, path):
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [*([0] * step), value]
    return value


_paths = st.lists(st.text("abc", min_size=1, max_size=3) | st.integers(0, 3), max_size=12)


@given(_paths, st.sampled_from(["$env://A", "x$SECRET://b", "$Env://"]), _json)
def test_a_reference_is_found_however_deep(path, text, beside):
    assert _fields({"cors": {"a": _buried(text, path), "b": beside}}) != []


@given(_paths, st.sampled_from(sorted(name for name in CLOSED if "-" in name)))
def test_a_closed_plugin_is_found_however_deep(path, name):
    assert _fields({"cors": {"a": _buried({name: {"x": 1}}, path)}}) != []
    assert _fields({"cors": {"a": _buried({name: {"x": 1}}, path)}}, {name}) == []


@given(_paths)
def test_lua_in_meta_is_found_however_deep(path):
    assert _fields({"cors": {"a": _buried(_FUNCTION, path)}}) != []


@given(
    st.dictionaries(st.sampled_from(OPEN), st.dictionaries(st.text("abc", max_size=3), _json, max_size=3), max_size=3)
)
def test_open_plugins_pass_whatever_is_in_them(plugins):
    found = refusals(plugins, allowed=NOBODY)
    assert all("nested deeper" in one.problem for one in found)


def test_no_stack_is_deep_enough_for_everything():
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    (error,) = refusals({"cors": deep}, allowed=NOBODY)
    assert "nested deeper than 64" in error.problem
    assert len(error.field) < 250


def test_the_number_of_refusals_is_bounded():
    assert len(refusals({f"unknown-{n}": {} for n in range(64)}, allowed=NOBODY)) == 16


def test_messages_name_places_and_never_values():
    plugins = {
        "serverless-pre-function": {"functions": [SECRET]},
        "cors": {"_meta": {"pre_function": SECRET}, "a": f"$env://{SECRET}"},
        "unknown": {"key": SECRET},
    }
    found = refusals(plugins, allowed=NOBODY)
    assert len(found) == 4
    assert SECRET not in str(found)


def test_a_policy_reads_the_plugins_of_a_spec():
    spec = parse_spec({"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], "plugins": {"inspect": {}}})
    assert [one.field for one in Policy().refusals(spec)] == ["spec.plugins.inspect"]
    assert Policy(frozenset({"inspect"})).refusals(spec) == ()
