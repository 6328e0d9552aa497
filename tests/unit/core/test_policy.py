"""Policy: what an EchoRoute's plugins ask for and are not allowed, at any depth."""

import pytest
from echoroute.api import parse_spec
from echoroute.core.plugins import CLOSED, OPEN
from echoroute.core.policy import PRE_FUNCTION, Policy, refusals
from hypothesis import given
from hypothesis import strategies as st

NOBODY = frozenset()
SECRET = "s3cr3t-value"


def _fields(plugins, allowed=NOBODY):
    return [one.field for one in refusals(plugins, allowed=frozenset(allowed))]


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_closed_plugins_need_the_platform_team(name):
    (error,) = refusals({name: {}}, allowed=NOBODY)
    assert error.field == f"spec.plugins.{name}"
    assert CLOSED[name] in error.problem
    assert f"ECHOROUTE_ALLOW_PLUGINS={name}" in error.problem, "how one team that trusts itself goes on"
    assert _fields({name: {}}, {name}) == []
    assert _fields({name: {}}, {"*"}) == []


def _left_out():
    return [(name, field) for name, plugin in OPEN.items() for field in plugin.left_out]


@pytest.mark.parametrize(("name", "field"), _left_out())
def test_a_closed_field_of_an_open_plugin_is_refused_with_its_reason(name, field):
    errors = [one for one in refusals({name: {field: "x"}}, allowed=NOBODY) if one.field.endswith(f".{field}")]
    (error,) = errors
    assert error.field == f"spec.plugins.{name}.{field}"
    assert OPEN[name].left_out[field] in error.problem
    assert "Open here: " in error.problem
    assert _fields({name: {field: "x"}}, {name}) == []


AUTH = ["basic-auth", "hmac-auth", "jwt-auth", "key-auth"]


@pytest.mark.parametrize(("name", "field"), [one for one in _left_out() if one[0] in AUTH])
def test_it_is_refused_inside_multi_auth_too(name, field):
    plugins = {"multi-auth": {"auth_plugins": [{name: {field: "x"}}, {"key-auth": {}}]}}
    assert _fields(plugins) == [f"spec.plugins.multi-auth.auth_plugins[0].{name}.{field}"]


MESSAGE_HEADERS = [
    "Content-Length", "content_length", "TRANSFER-ENCODING", "Connection", "Upgrade", "Host", "TE", "Trailer", "Expect",
    "Keep-Alive", "Proxy-Connection",
]  # fmt: skip


def _with_header(name):
    """Every place of an open plugin that names a header."""
    return {
        "proxy-rewrite set": {"proxy-rewrite": {"headers": {"set": {name: "1"}}}},
        "proxy-rewrite add": {"proxy-rewrite": {"headers": {"add": {name: "1"}}}},
        "proxy-rewrite remove": {"proxy-rewrite": {"headers": {"remove": [name]}}},
        "response-rewrite set": {"response-rewrite": {"headers": {"set": {name: "1"}}}},
        "response-rewrite add": {"response-rewrite": {"headers": {"add": [f"{name}: 1"]}}},
        "response-rewrite remove": {"response-rewrite": {"headers": {"remove": [name]}}},
        "key-auth": {"key-auth": {"header": name}},
        "jwt-auth": {"jwt-auth": {"header": name}},
        "hmac-auth": {"hmac-auth": {"signed_headers": [name]}},
        "csrf": {"csrf": {"key": "k", "name": name}},
        "request-id": {"request-id": {"header_name": name}},
        "mocking": {"mocking": {"response_example": "x", "response_headers": {name: "1"}}},
        "fault-injection": {"fault-injection": {"abort": {"http_status": 503, "headers": {name: "1"}}}},
    }


@pytest.mark.parametrize("place", _with_header("X"))
@pytest.mark.parametrize("header", MESSAGE_HEADERS)
def test_no_field_names_a_header_of_the_message_itself(place, header):
    (error,) = refusals(_with_header(header)[place], allowed=NOBODY)
    assert "header of the message itself" in error.problem
    assert refusals(_with_header("X-Other")[place], allowed=NOBODY) == ()


_FUNCTION = {"_meta": {"pre_function": "return function() end"}}


@pytest.mark.parametrize(
    ("why", "plugins", "allowed", "fields"),
    [
        ("none asked for", {}, [], []),
        ("an unknown name", {"corz": {}}, [], ["spec.plugins.corz"]),
        ("an own plugin that is allowed", {"my-plugin": {"a": 1}}, ["my-plugin"], []),
        ("letter case counts in names", {"Key-Auth": {}}, [], ["spec.plugins.Key-Auth"]),
        ("one allowed does not open another", {"inspect": {}}, ["file-logger"], ["spec.plugins.inspect"]),
        ("a disabled one too", {"inspect": {"_meta": {"disable": True}}}, [], ["spec.plugins.inspect"]),
        ("Lua in _meta", {"cors": _FUNCTION}, [],
         ["spec.plugins.cors._meta.pre_function"]),
        ("an allowed plugin does not open its _meta", {"inspect": _FUNCTION}, ["inspect"],
         ["spec.plugins.inspect._meta.pre_function"]),
        ("Lua in _meta, allowed", {"inspect": _FUNCTION}, ["inspect", PRE_FUNCTION], []),
        ("everything is open where one team is trusted", {"inspect": _FUNCTION, "mine": {}}, ["*"], []),
        ("a filter is an expression, not code", {"cors": {"_meta": {"filter": [["arg_a", "==", "1"]]}}}, [], []),
        ("a filter that is none", {"cors": {"_meta": {"filter": ["arg_a"]}}}, [], ["spec.plugins.cors._meta.filter"]),
        ("a filter that reads the body", {"cors": {"_meta": {"filter": [["post_arg.a", "==", "1"]]}}}, [],
         ["spec.plugins.cors._meta.filter"]),
        ("one of a form", {"response-rewrite": {"status_code": 200, "vars": [["AND", ["arg_a", "==", "1"],
                                                                        ["post_arg_a", "==", "1"]]]}}, [],
         ["spec.plugins.response-rewrite.vars"]),
        ("one that parses the body", {"fault-injection": {"abort": {"http_status": 503, "vars": [
            [["graphql_name", "==", "a"]]]}}}, [], ["spec.plugins.fault-injection.abort.vars[0]"]),
        ("one of all cookies at once", {"cors": {"_meta": {"filter": [["cookie", "~~", "a"]]}}}, [],
         ["spec.plugins.cors._meta.filter"]),
        ("one of a cookie", {"cors": {"_meta": {"filter": [["cookie_a", "~~", "a"]]}}}, [], []),
        ("a replacement with a variable, which APISIX refuses", {"proxy-rewrite": {"regex_uri": ["a", "/$host"]}}, [],
         ["spec.plugins.proxy-rewrite.regex_uri"]),
        ("one with a number that is not closed", {"redirect": {"regex_uri": ["a", "/${1"]}}, [],
         ["spec.plugins.redirect.regex_uri"]),
        ("one with groups and a dollar sign", {"redirect": {"regex_uri": ["(a)", "/$1/${1}2/$$"]}}, [], []),
        ("requests that wait for hours", {"limit-req": {"rate": 0.01, "burst": 100, "key": "remote_addr"}}, [],
         ["spec.plugins.limit-req"]),
        ("those that do not wait", {"limit-req": {"rate": 0.01, "burst": 100, "key": "remote_addr", "nodelay": True}},
         [], []),
        ("those that wait for a minute", {"limit-req": {"rate": 2, "burst": 120, "key": "remote_addr"}}, [], []),
        ("connections that wait for hours", {"limit-conn": {"conn": 1, "burst": 100, "default_conn_delay": 60,
                                                            "key": "remote_addr"}}, [], ["spec.plugins.limit-conn"]),
        ("those that wait for a minute, too", {"limit-conn": {"conn": 10, "burst": 591, "default_conn_delay": 1,
                                                              "key": "remote_addr"}}, [], []),
        ("what runs before the platform's own", {"cors": {"_meta": {"priority": 99999}}}, [],
         ["spec.plugins.cors._meta.priority"]),
        ("multi-auth runs plugins", {"multi-auth": {"auth_plugins": [{"key-auth": {}}, {"corz": {}}]}}, [],
         ["spec.plugins.multi-auth.auth_plugins[1].corz"]),
        ("a body of any size", {"hmac-auth": {"validate_request_body": True}}, [], ["spec.plugins.hmac-auth"]),
        ("the same inside multi-auth", {"multi-auth": {"auth_plugins": [
            {"key-auth": {}}, {"hmac-auth": {"validate_request_body": True}}]}}, [], ["spec.plugins.multi-auth"]),
        ("a bounded body inside multi-auth", {"multi-auth": {"auth_plugins": [
            {"key-auth": {}}, {"hmac-auth": {"validate_request_body": True, "max_req_body_size": 1}}]}}, [], []),
        ("Lua in a plugin inside a plugin", {"workflow": {"rules": [{"actions": [["limit-count", _FUNCTION]]}]}},
         ["workflow"], ["spec.plugins.workflow.rules[0].actions[0][1]._meta.pre_function"]),
        ("a limit that a header chooses", {"limit-req": {"rate": 1, "burst": 1, "key": "http_x"}}, [],
         ["spec.plugins.limit-req.key"]),
        ("the same, combined", {"limit-conn": {"conn": 1, "burst": 1, "default_conn_delay": 1, "key": "$http_x",
                                               "key_type": "var_combination"}}, [], ["spec.plugins.limit-conn.key"]),
        ("the client's address", {"limit-count": {"count": 1, "time_window": 1, "key": "remote_addr"}}, [], []),
        ("address and Consumer", {"limit-count": {"count": 1, "time_window": 1, "key_type": "var_combination",
                                                  "key": "$remote_addr $consumer_name"}}, [], []),
        ("a null is no config", {"key-auth": {"header": None}}, [], ["spec.plugins.key-auth.header"]),
        ("the gateway's environment", {"mocking": {"response_example": "$env://KEY"}}, [],
                ["spec.plugins.mocking.response_example"]),
        ("in any letter case", {"mocking": {"response_example": "$EnV://KEY"}}, [],
                ["spec.plugins.mocking.response_example"]),
        ("its secrets", {"mine": {"headers": [{"a": "$SECRET://vault/1/a"}]}}, ["mine"],
         ["spec.plugins.mine.headers[0].a"]),
        ("inside a longer text", {"mocking": {"response_example": "a $env://KEY"}}, [],
                ["spec.plugins.mocking.response_example"]),
        ("as a key", {"mine": {"headers": {"$env://KEY": 1}}}, ["mine"], ["spec.plugins.mine.headers.$env://KEY"]),
        ("as the name of a plugin", {"$env://KEY": {}}, [], ["spec.plugins", "spec.plugins.$env://KEY"]),
        ("nothing opens them", {"inspect": {"a": "$env://K"}}, ["inspect", "*"], ["spec.plugins.inspect.a"]),
        ("a body without its status", {"response-rewrite": {"body": "x"}}, [], ["spec.plugins.response-rewrite"]),
        ("the gateway's own state", {"mocking": {"response_example": "${ _ctx}"}}, [],
         ["spec.plugins.mocking.response_example"]),
        ("the gateway's own state, in an expression", {"cors": {"_meta": {"filter": [["_ctx", "==", "1"]]}}}, [],
         ["spec.plugins.cors._meta.filter"]),
        ("the request's decoded path behind a '?'", {"proxy-rewrite": {"uri": "/a?x=$uri"}}, [],
         ["spec.plugins.proxy-rewrite.uri"]),
        ("a dollar is no reference", {"uri-blocker": {"block_rules": ["$env_KEY ${env} $arg_a"]}}, [], []),
        ("an Upstream of an operator's", {"traffic-split": {"rules": [{"weighted_upstreams": [
            {"upstream_id": "0a1b2c3d.shop.web"}]}]}}, ["*"],
         ["spec.plugins.traffic-split.rules[0].weighted_upstreams[0].upstream_id"]),
        ("an Upstream of one's own, where the plugin is open", {"traffic-split": {"rules": [{"weighted_upstreams": [
            {"upstream_id": "mine"}]}]}}, ["traffic-split"], []),
    ],
)  # fmt: skip
def test_refuses(why, plugins, allowed, fields):
    assert _fields(plugins, allowed) == fields, why


def test_odd_configs_are_refused_without_a_crash():
    for config in [None, 5, "x", [], {"rules": None}, {"a": [None, [[]], {"": {}}]}]:
        for name in ("multi-auth", "cors", "limit-count"):
            refusals({name: config}, allowed=NOBODY)
        assert _fields({"mine": config}, {"mine"}) == []


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
    assert _fields({"mine": {"a": _buried(text, path), "b": beside}}, {"mine", "*"}) != []


@given(_paths)
def test_lua_in_meta_is_found_however_deep(path):
    assert _fields({"mine": {"a": _buried(_FUNCTION, path)}}, {"mine"}) != []


def test_no_stack_is_deep_enough_for_everything():
    """The spec's budget refuses it before; here it only must not end the process."""
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert refusals({"mine": deep}, allowed=frozenset({"mine"})) == ()


def test_a_path_is_written_out_for_a_refusal_only_and_cut():
    config = {"k" * 256: {"k" * 256: "$env://A"}}
    (error,) = refusals({"mine": config}, allowed=frozenset({"mine"}))
    assert len(error.field) < 250


def test_the_number_of_refusals_is_bounded():
    assert len(refusals({f"unknown-{n}": {} for n in range(64)}, allowed=NOBODY)) == 16


def test_messages_name_places_and_never_values():
    plugins = {
        "serverless-pre-function": {"functions": [SECRET]},
        "cors": {"_meta": {"pre_function": SECRET}, "max_age": SECRET, "allow_origins": f"$env://{SECRET}"},
        "key-auth": {"header": f"{SECRET}:", "realm": f'"{SECRET}'},
        "ip-restriction": {"whitelist": [SECRET]},
        "unknown": {"key": SECRET},
    }
    found = refusals(plugins, allowed=NOBODY)
    assert len(found) == 8
    assert SECRET not in str(found)


def test_a_policy_reads_the_plugins_of_a_spec():
    spec = parse_spec({"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], "plugins": {"inspect": {}}})
    assert [one.field for one in Policy().refusals(spec)] == ["spec.plugins.inspect"]
    assert Policy(frozenset({"inspect"})).refusals(spec) == ()


@pytest.mark.parametrize(
    ("plugins", "field", "why"),
    [
        ({"serverless-pre-function": {}}, "spec.plugins.serverless-pre-function", "closed by now"),
        ({"cors": {"a_field_of_an_older_version": True}}, "", "a field alone takes down nothing that serves"),
        ({"traffic-split": {"rules": [{"weighted_upstreams": [{"upstream_id": "0123abcd.a"}]}]}}, "", "the operator's"),
        ({"traffic-split": {"rules": [{"weighted_upstreams": [{"weight": 1}]}]}}, "", "the Route's own upstream"),
        (
            {"traffic-split": {"rules": [{"weighted_upstreams": [{"upstream_id": "theirs", "weight": 1}]}]}},
            "spec.plugins.traffic-split",
            "a spec's, from when the plugin was open",
        ),
        (
            {"traffic-split": {"rules": [{"weighted_upstreams": [{"upstream": {"nodes": {}}, "weight": 1}]}]}},
            "spec.plugins.traffic-split",
            "one with nodes of its own",
        ),
        ({"traffic-split": {"rules": [{}]}}, "spec.plugins.traffic-split", "nothing that the operator writes"),
        ({"opened": {"header": "$ENV://KEY"}}, "spec.plugins.opened.header", "nothing opens references"),
        ({"opened": {"x": 1}}, "", "open to all tenants"),
        ("no mapping", "", "changed by hand"),
        (None, "", "none"),
    ],
)
def test_what_is_kept_is_judged_by_the_policy_of_now(plugins, field, why):
    refused = Policy(frozenset({"opened"})).refusal_of_kept({"uri": "/", "plugins": plugins})
    assert (refused.field if refused else "") == field, why
