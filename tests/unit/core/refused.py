"""EchoRoutes that reach beyond their own route, each in a harmless form: none of them may get to the gateway."""

from dataclasses import dataclass

from echoroute.core.plugins import CLOSED, META, OPEN
from pydantic import JsonValue

Fields = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Refused:
    why: str
    fields: Fields
    """Of the spec, beside a match and a backend."""
    names: str
    """What the message names: the field, as the user writes it."""


def _plugin(why: str, name: str, config: Fields, below: str = "") -> Refused:
    return Refused(why, {"plugins": {name: config}}, f"spec.plugins.{name}{below}")


def _deep(levels: int) -> JsonValue:
    value: JsonValue = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


_BY_HAND = [
    _plugin("a JSON Schema becomes code", "request-validation", {"body_schema": {"type": "object"}}),
    _plugin("another one does", "openid-connect", {"claim_schema": {"type": "object"}}),
    _plugin("an OpenAPI text does", "oas-validator", {"spec": "{}"}),
    _plugin("code, as such", "serverless-pre-function", {"functions": ["return function() end"]}),
    _plugin("code for an open plugin", "mocking", {"response_example": "x",
            "_meta": {"pre_function": "return function() end"}},
            "._meta.pre_function"),
    _plugin("an address of the config's", "traffic-split", {"rules": [{"weighted_upstreams": [{"upstream": {
        "type": "roundrobin", "nodes": {"192.0.2.1:1": 1}}}]}]}),
    _plugin("an Upstream of another team's", "traffic-split", {"rules": [{"weighted_upstreams": [
        {"upstream_id": "other"}]}]}),
    _plugin("another team's client at its provider", "authz-keycloak", {"client_id": "theirs"}),
    _plugin("a header of the message itself", "proxy-rewrite", {"uri": "/", "connection": "close"}, ".connection"),
    _plugin("another one", "proxy-rewrite", {"uri": "/", "upgrade": "x"}, ".upgrade"),
    _plugin("one that a label sets", "traffic-label", {"rules": [{"actions": [{"set_headers": {"X-A": "1"}}]}]}),
    _plugin("one in an open field", "proxy-rewrite", {"headers": {"set": {"Content-Length": "0"}}},
            ".headers.set.Content-Length"),
    Refused("one in the typed field", {"rewrite": {"headers": {"set": {"Content-Length": "0"}}}},
            "spec.rewrite.headers.set"),
    _plugin("a nested config", "mocking", {"response_headers": _deep(20)}),
    Refused("a large one", {"plugins": {"mocking": {"response_example": "x" * 66_000}}}, "spec"),
    Refused("one of many values", {"plugins": {"echo": {"a": [0] * 2_001}}}, "spec"),
    _plugin("one with a long key", "mocking", {"response_headers": {"k" * 257: "1"}}, ".response_headers"),
    _plugin("a dollar that vanishes", "proxy-rewrite", {"headers": {"set": {"X-A": "E$KI"}}}, ".headers.set"),
    _plugin("a dollar that vanishes in a path", "proxy-rewrite", {"uri": "/a/$nosuch"}, ".uri"),
    _plugin("the gateway's files in a redirect", "redirect", {"uri": "/$document_root"}, ".uri"),
    _plugin("its process, in braces", "redirect", {"uri": "https://www.example.com/${pid}"}, ".uri"),
    _plugin("a body that it would hold for a redirect", "redirect", {"uri": "/$request_body"}, ".uri"),
    _plugin("its version in a response header", "response-rewrite", {"headers": {"set": {"X-A": "$nginx_version"}}},
            ".headers.set"),
    _plugin("its name in an added one", "response-rewrite", {"headers": {"add": ["X-A: $hostname"]}},
            ".headers.add[0]"),
    _plugin("a request's body in one", "response-rewrite", {"headers": {"set": {"X-A": "$request_body"}}},
            ".headers.set"),
    _plugin("one in a made-up answer", "mocking", {"response_example": "$request_body"}, ".response_example"),
    _plugin("a part of one in its headers", "mocking", {"response_example": "x", "response_headers": {
        "X-A": "${post_arg.a}"}}, ".response_headers"),
    _plugin("one in its own answer", "fault-injection", {"abort": {"http_status": 503, "body": "$request_body"}},
            ".abort.body"),
    _plugin("the gateway's files in its headers", "fault-injection", {"abort": {"http_status": 503, "headers": {
        "X-A": "$realpath_root"}}}, ".abort.headers"),
    _plugin("a control character in a Host", "proxy-rewrite", {"host": "a\nb"}, ".host"),
    _plugin("one in a mirror's", "proxy-mirror", {"host": "http://192.0.2.1\n"}),
    _plugin("the request's line as it came", "proxy-rewrite", {"uri": "/", "use_real_request_uri_unsafe": True},
            ".use_real_request_uri_unsafe"),
    _plugin("a body in the answer to HEAD", "proxy-rewrite", {"uri": "/", "method": "GET"}, ".method"),
    _plugin("an answer made up of a schema", "mocking", {"response_example": "x", "response_schema": {
        "type": "object"}}, ".response_schema"),
    _plugin("an id of any length", "request-id", {"range_id": {"length": 20}}, ".range_id"),
    _plugin("another route's breaker", "api-breaker", {"break_response_code": 502}),
    _plugin("a counter that a client names", "limit-count", {"count": 1, "time_window": 1, "key": "http_x_a"}, ".key"),
    _plugin("the same, combined", "limit-req", {"rate": 1, "burst": 0, "key_type": "var_combination",
                                                "key": "$remote_addr $http_x_a"}, ".key"),
    _plugin("the same at once", "limit-conn", {"conn": 1, "burst": 0, "default_conn_delay": 1, "key": "uri"}, ".key"),
    _plugin("a logger's backlog", "http-logger", {"uri": "http://192.0.2.1/"}),
    _plugin("metrics of all routes", "prometheus", {"prefer_name": True}),
    _plugin("a Consumer for everybody", "key-auth", {"anonymous_consumer": "a"}, ".anonymous_consumer"),
    _plugin("the same below another plugin", "multi-auth", {"auth_plugins": [
        {"jwt-auth": {"anonymous_consumer": "a"}}, {"key-auth": {}}]}, ".auth_plugins[0].jwt-auth.anonymous_consumer"),
    _plugin("headers of a Consumer's labels", "attach-consumer-label", {"headers": {"X-A": "$a"}}),
    Refused("an Upstream in the place of a service", {"backends": [{"service": "a", "upstream_id": "other"}]},
            "upstream_id"),
    _plugin("an operator's Upstream", "traffic-split", {"rules": [{"weighted_upstreams": [
        {"upstream_id": "0a1b2c3d.shop.web"}]}]}),
    _plugin("a socket of the gateway's", "tcp-logger", {"host": "unix:/none", "port": 1}),
    _plugin("whole answers in memory", "response-rewrite", {"filters": [{"regex": "a", "replace": "b"}]}, ".filters"),
    _plugin("the gateway's environment", "mocking", {"response_example": "$env://NONE"}, ".response_example"),
    _plugin("its secrets, in another letter case", "mocking", {"response_example": "$SECRET://none/1/a"},
            ".response_example"),
    Refused("a control character in a plugin's name", {"plugins": {"a\nb": {}}}, "spec.plugins."),
    Refused("one in a key", {"plugins": {"mocking": {"response_example": "x", "a\x1bb": 1}}}, "spec.plugins.mocking."),
    _plugin("a number that APISIX does not keep", "mine", {"count": 1.234567890123456789}),
    Refused("a service that is another path of Consul's", {"backends": [{"service": ".."}]},
            "spec.backends[0].service"),
    Refused("another team's route in the metrics", {"name": "shop/web"}, "spec.name"),
    Refused("conditions that are compared once for each backend, many of them", {"canary": [{
        "match": {"queries": [{"name": f"a{number}", "op": "NotEqual", "value": "1"} for number in range(8)]},
        "backends": [{"service": f"s{number}"} for number in range(16)]}] * 5}, "spec.canary"),
    Refused("addresses to read, many of them", {"match": {"paths": ["/a"], "vars": [
        ["remote_addr", "ipmatch", [f"192.0.2.{number}/32" for number in range(60)]]] * 4}}, "spec"),
    Refused("regular expressions to compile, many of them", {"match": {"paths": ["/a"], "vars": [
        ["uri", "~~", "a" * 1_000]] * 3}}, "spec"),
    _plugin("more of them, in plugins", "fault-injection", {"delay": {"duration": 0, "vars": [[
        ["uri", "~~", "a" * 1_000]]] * 3}}),
    Refused("variables to look up, many of them", {"plugins": {"mocking": {"response_example": "$host " * 1_025}}},
            "spec: has '$'"),
    _plugin("braces that the gateway looks through the rest for", "mocking", {"response_example": "${host"},
            ".response_example"),
    _plugin("blanks that it goes back and forth over", "fault-injection", {"abort": {"http_status": 503, "body":
            "${host  }"}}, ".abort.body"),
    _plugin("the same in a header of the answer", "response-rewrite", {"headers": {"add": ["X-A: ${host"]}},
            ".headers.add[0]"),
    _plugin("in a header of the request", "proxy-rewrite", {"headers": {"set": {"X-A": "${host  }"}}}, ".headers.set"),
    _plugin("in a path", "proxy-rewrite", {"uri": "/${host"}, ".uri"),
    Refused("in the typed path", {"rewrite": {"path": "/${host"}}, "spec.rewrite.path"),
    Refused("in the typed header", {"rewrite": {"headers": {"set": {"X-A": "${host  }"}}}}, "spec.rewrite.headers.set"),
    Refused("what a client puts into braces", {"rewrite": {
        "regex": {"pattern": "^/a/([^/$]+)", "replacement": "/"}, "headers": {"set": {"X-A": "${arg_a ?? $1}"}}}},
        "spec.rewrite.headers.set"),
    _plugin("what a client's argument decodes to, in a query", "proxy-rewrite", {"uri": "/a?b=$arg_b"}, ".uri"),
    Refused("a user's name there", {"rewrite": {"path": "/a?b=$remote_user"}}, "spec.rewrite.path"),
    Refused("a dollar of the path's in a header", {"rewrite": {
        "regex": {"pattern": "^/a/(.*)", "replacement": "/$1"}, "headers": {"set": {"X-A": "$1"}}}},
        "spec.rewrite.headers"),
    Refused("one that only the operator sees", {"rewrite": {
        "regex": {"pattern": "^/a/((?:b|[^/])+)", "replacement": "/$1"}, "headers": {"add": {"X-A": "${1}"}}}},
        "spec.rewrite.headers"),
    _plugin("one in the plugin's own form", "proxy-rewrite", {
        "regex_uri": ["^/a/([^/]+)", "/$1"], "headers": {"set": {"X-A": "$1"}}}),
    _plugin("a variable in a redirect's replacement", "redirect", {"regex_uri": ["^/a", "/$document_root"]},
            ".regex_uri"),
    _plugin("a body in an expression", "mocking", {"response_example": "x", "_meta": {"filter": [["post_arg.a",
            "==", "1"]]}},
            "._meta.filter"),
]  # fmt: skip

_CLOSED = [_plugin(f"closed: {name}", name, {}) for name in CLOSED]
_LEFT_OUT = [
    _plugin(f"a closed field: {name}.{field}", name, {field: "x"}, f".{field}")
    for name, plugin in OPEN.items()
    for field in plugin.left_out
]
_BELOW_MULTI_AUTH = [
    _plugin(
        f"a closed field below multi-auth: {name}.{field}",
        "multi-auth",
        {"auth_plugins": [{name: {field: "x"}}, {"key-auth": {}}]},
        f".auth_plugins[0].{name}.{field}",
    )
    for name in ("basic-auth", "hmac-auth", "jwt-auth", "key-auth")
    for field in OPEN[name].left_out
] + [
    _plugin(
        f"a closed plugin below multi-auth: {name}",
        "multi-auth",
        {"auth_plugins": [{name: {}}, {"key-auth": {}}]},
        f".auth_plugins[0].{name}",
    )
    for name in sorted(CLOSED)
    if "auth" in name
]
_META = [
    _plugin(
        f"a closed field: _meta.{field}", "mocking", {"response_example": "x", "_meta": {field: 1}}, f"._meta.{field}"
    )
    for field in META.left_out
]

REFUSED = [*_BY_HAND, *_CLOSED, *_LEFT_OUT, *_BELOW_MULTI_AUTH, *_META]


def spec_of(refused: Refused, path: str) -> Fields:
    """The whole spec; `path` is what it wants to serve."""
    return {"match": {"paths": [path]}, "backends": [{"service": "echo"}], **refused.fields}
