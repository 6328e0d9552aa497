"""Translation: what each field becomes in APISIX, and that whatever the models accept can be written."""

import json
import re
import runpy
from pathlib import Path

import pytest
import yaml
from echoroute.api import parse_spec
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.translate import translate
from hypothesis import given
from hypothesis import strategies as st

_ROOT = Path(__file__).parents[3]
_API = Path(__file__).parents[1] / "api"
_STRATEGIES = runpy.run_path(str(_API / "strategies.py"))
_CASES = runpy.run_path(str(_API / "cases.py"))

OWNER = "0a1b2c3d"
KEY = Key("default", "echo")

_SMALLEST = {"match": {"paths": ["/a/*"]}, "backends": [{"service": "echo"}]}
_UPSTREAM = {
    "type": "roundrobin",
    "discovery_type": "consul",
    "service_name": "echo",
    "scheme": "http",
    "pass_host": "pass",
    "timeout": {"connect": 6, "send": 6, "read": 6},
    "keepalive_pool": {"size": 320, "idle_timeout": 60, "requests": 1000},
}
_LABELS = {"manager": "echoroute", "owner": OWNER, "namespace": "default", "name": "echo"}


_ACTIVE = {
    "type": "http",
    "timeout": 1,
    "http_path": "/",
    "https_verify_certificate": False,
    "healthy": {"interval": 1, "http_statuses": [200, 302], "successes": 2},
    "unhealthy": {
        "interval": 1, "http_statuses": [429, 404, 500, 501, 502, 503, 504, 505], "http_failures": 5, "tcp_failures": 2,
        "timeouts": 3,
    },
}  # fmt: skip
_CHECK = {
    "type": "HTTPS", "path": "/health", "host": "a.internal", "timeout": "500ms",
    "healthy": {"interval": "1m30s", "statuses": [204], "successes": 1},
    "unhealthy": {"statuses": [500], "tcpFailures": 9},
}  # fmt: skip


def _body(spec, key=KEY):
    bundle = translate(key, parse_spec(spec), owner=OWNER)
    return bundle.objects[ObjectRef(Kind.ROUTE, bundle.route_id)]


def test_the_echo_sample_becomes_this_route_and_nothing_else():
    sample = yaml.safe_load((_ROOT / "manifests/samples/echo.yaml").read_text(encoding="utf-8"))
    bundle = translate(KEY, parse_spec(sample["spec"]), owner=OWNER)
    assert bundle.objects.keys() == {ObjectRef(Kind.ROUTE, "0a1b2c3d.default.echo")}
    assert _body(sample["spec"]) == {
        "uri": "/testecho/*",
        "name": "echoRoute",
        "methods": ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"],
        "plugins": {"proxy-rewrite": {"regex_uri": ["^/testecho/(.*)", "/$1"]}},
        "upstream": {
            "timeout": {"connect": 6, "send": 6, "read": 6},
            "type": "roundrobin",
            "scheme": "http",
            "discovery_type": "consul",
            "pass_host": "pass",
            "service_name": "echo",
            "keepalive_pool": {"idle_timeout": 60, "requests": 1000, "size": 320},
        },
        "status": 1,
        "labels": _LABELS,  # what ownership adds
    }


def test_the_smallest_one_has_all_defaults_written_out():
    assert _body(_SMALLEST) == {
        "uri": "/a/*",
        "name": "default/echo",
        "upstream": _UPSTREAM,
        "status": 1,
        "labels": _LABELS,
    }


FIELDS = [
    ("several paths", {"match": {"paths": ["/a", "/b/*"]}}, {"uris": ["/a", "/b/*"], "uri": None}),
    ("a name of one's own", {"name": "mine"}, {"name": "mine"}),
    (
        "hosts in lower case, once each: APISIX refuses duplicates",
        {"match": {"paths": ["/a"], "hosts": ["A.example", "a.EXAMPLE", "*.b.example"]}},
        {"hosts": ["a.example", "*.b.example"]},
    ),
    ("methods in their order", {"match": {"paths": ["/a"], "methods": ["POST", "GET"]}}, {"methods": ["POST", "GET"]}),
    ("a priority", {"match": {"paths": ["/a"], "priority": -3}}, {"priority": -3}),
    ("a priority of 0 is APISIX's default", {"match": {"paths": ["/a"], "priority": 0}}, {"priority": None}),
    (
        "conditions are an expression, and their number the priority",
        {"match": {"paths": ["/a"], "headers": [{"name": "X-A", "op": "Exists"}], "vars": [["arg_a", "==", "1"]]}},
        {"vars": [["http_x_a", "~=", None], ["arg_a", "==", "1"]], "priority": 2},
    ),
    (
        "but for a priority of 0 that is written out",
        {"match": {"paths": ["/a"], "headers": [{"name": "X-A", "op": "Exists"}], "priority": 0}},
        {"vars": [["http_x_a", "~=", None]], "priority": None},
    ),
    (
        "addresses as they are compared, once each: APISIX refuses duplicates, and some spellings",
        {
            "match": {
                "paths": ["/a"],
                "remoteAddrs": ["10.0.0.1/8", "10.0.0.0/8", "2001:DB8:0::1", "64:ff9b::1.2.3.0/120"],
            }
        },
        {"remote_addrs": ["10.0.0.0/8", "2001:db8::1", "64:ff9b::102:300/120"], "priority": 1},
    ),
    ("switched off", {"enabled": False}, {"status": 0}),
    ("switched on", {"enabled": True}, {"status": 1}),
    ("websocket", {"websocket": True}, {"enable_websocket": True}),
    ("no websocket is the default", {"websocket": False}, {"enable_websocket": None}),
    ("no plugins is no field", {"plugins": {}}, {"plugins": None}),
    (
        "plugins verbatim",
        {"plugins": {"cors": {"_meta": {"disable": True}, "allow_origins": "*"}, "key-auth": {}}},
        {"plugins": {"cors": {"_meta": {"disable": True}, "allow_origins": "*"}, "key-auth": {}}},
    ),
    (
        "a rewrite beside plugins",
        {"plugins": {"cors": {}}, "rewrite": {"path": "/b"}},
        {"plugins": {"cors": {}, "proxy-rewrite": {"uri": "/b"}}},
    ),
    (
        "host, method and headers",
        {
            "rewrite": {
                "host": "inner:80",
                "method": "POST",
                "headers": {"set": {"X-A": "1"}, "add": {"X-B": ""}, "remove": ["X-C"]},
            }
        },
        {
            "plugins": {
                "proxy-rewrite": {
                    "host": "inner:80",
                    "method": "POST",
                    "headers": {"set": {"X-A": "1"}, "add": {"X-B": ""}, "remove": ["X-C"]},
                }
            },
            "methods": ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE", "PURGE"],
        },
    ),
    (
        "another method at the backend, with methods of one's own",
        {"match": {"paths": ["/a"], "methods": ["GET"]}, "rewrite": {"method": "POST"}},
        {"plugins": {"proxy-rewrite": {"method": "POST"}}, "methods": ["GET"]},
    ),
    (
        "only the header changes that are asked for: APISIX refuses empty ones",
        {"rewrite": {"headers": {"remove": ["X-C"]}}},
        {"plugins": {"proxy-rewrite": {"headers": {"remove": ["X-C"]}}}},
    ),
    (
        "an empty replacement is one",
        {"rewrite": {"regex": {"pattern": "^/a", "replacement": ""}}},
        {"plugins": {"proxy-rewrite": {"regex_uri": ["^/a", ""]}}},
    ),
    (
        "durations in seconds, whole ones as integers: APISIX gives them back so",
        {"upstream": {"timeout": {"connect": "500ms", "send": "1m30s"}}},
        {"upstream": {**_UPSTREAM, "timeout": {"connect": 0.5, "send": 90, "read": 6}}},
    ),
    (
        "a Host header of one's own",
        {"upstream": {"passHost": "Rewrite", "host": "inner"}},
        {"upstream": {**_UPSTREAM, "pass_host": "rewrite", "upstream_host": "inner"}},
    ),
    (
        "the instance's own address",
        {"upstream": {"passHost": "Node"}},
        {"upstream": {**_UPSTREAM, "pass_host": "node"}},
    ),
    ("a scheme", {"upstream": {"scheme": "grpcs"}}, {"upstream": {**_UPSTREAM, "scheme": "grpcs"}}),
    (
        "retries: 0 is not the default, which is one for each further instance",
        {"upstream": {"retries": 0, "retryTimeout": "0s"}},
        {"upstream": {**_UPSTREAM, "retries": 0, "retry_timeout": 0}},
    ),
    (
        "part of a connection pool: the rest keeps its defaults",
        {"upstream": {"keepalive": {"idleTimeout": "0s"}}},
        {"upstream": {**_UPSTREAM, "keepalive_pool": {"size": 320, "idle_timeout": 0, "requests": 1000}}},
    ),
    (
        "in turn is the default",
        {"upstream": {"loadBalancer": {"policy": "RoundRobin"}}},
        {"upstream": _UPSTREAM},
    ),
    *(
        (
            f"load balancing: {policy}",
            {"upstream": {"loadBalancer": {"policy": policy}}},
            {"upstream": {**_UPSTREAM, "type": type_}},
        )
        for policy, type_ in [("LeastConnections", "least_conn"), ("EWMA", "ewma")]
    ),
    *(
        (
            f"hashing on a {on}: the key is its plain name",
            {"upstream": {"loadBalancer": {"policy": "ConsistentHash", "hashOn": on, "key": key}}},
            {"upstream": {**_UPSTREAM, "type": "chash", "hash_on": hash_on, "key": key}},
        )
        for on, hash_on, key in [("Header", "header", "X-User"), ("Cookie", "cookie", "u"), ("Variable", "vars", "uri")]
    ),
    (
        "checks with all defaults written out",
        {"upstream": {"healthCheck": {"active": {}}}},
        {"upstream": {**_UPSTREAM, "checks": {"active": _ACTIVE}}},
    ),
    (
        "checks with all of it",
        {"upstream": {"healthCheck": {"active": _CHECK, "passive": {"unhealthy": {"timeouts": 0}}}}},
        {
            "upstream": {
                **_UPSTREAM,
                "checks": {
                    "active": {
                        "type": "https",
                        "timeout": 0.5,
                        "http_path": "/health",
                        "host": "a.internal",
                        "https_verify_certificate": False,
                        "healthy": {"interval": 90, "http_statuses": [204], "successes": 1},
                        "unhealthy": {**_ACTIVE["unhealthy"], "http_statuses": [500], "tcp_failures": 9},
                    },
                    "passive": {
                        "type": "http",
                        "healthy": {
                            "http_statuses": [*range(200, 209), 226, *range(300, 309)],
                            "successes": 5,
                        },
                        "unhealthy": {
                            "http_statuses": [429, 500, 503], "http_failures": 5, "tcp_failures": 2, "timeouts": 0,
                        },
                    },
                },
            }
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("why", "fields", "expected"), FIELDS, ids=[why for why, _, _ in FIELDS])
def test_a_field_becomes(why, fields, expected):
    wanted = {**_body(_SMALLEST), **expected}
    if "match" in fields and "uri" not in expected:
        wanted["uri"] = fields["match"]["paths"][0]
    assert _body({**_SMALLEST, **fields}) == {name: value for name, value in wanted.items() if value is not None}, why


def _strip(prefix, path):
    """What the pattern of stripPrefix makes of a path, by Python's engine, in which PCRE's \\z is \\Z."""
    config = _body({**_SMALLEST, "rewrite": {"stripPrefix": prefix}})["plugins"]["proxy-rewrite"]
    pattern, replacement = config["regex_uri"]
    assert replacement == "/$1"
    assert pattern.endswith(r"\z")
    found = re.search(pattern.removesuffix(r"\z") + r"\Z", path)
    return "/" + (found.group(1) or "") if found else path


@pytest.mark.parametrize(
    ("why", "prefix", "path", "expected"),
    [
        ("what is below", "/api", "/api/users/1", "/users/1"),
        ("the prefix itself leaves the root", "/api", "/api", "/"),
        ("with a slash too", "/api", "/api/", "/"),
        ("another segment that begins the same", "/api", "/apix/users", "/apix/users"),
        ("the prefix elsewhere", "/api", "/v1/api/users", "/v1/api/users"),
        ("once only", "/api", "/api/api/api", "/api/api"),
        ("letter case counts", "/api", "/API/users", "/API/users"),
        ("a dot is a dot", "/v1.0", "/v1x0/users", "/v1x0/users"),
        ("a dot is a dot, the other way", "/v1.0", "/v1.0/users", "/users"),
        ("a group is no group", "/a(b)+", "/a(b)+/c", "/c"),
        ("a backslash is one", "/a\\d", "/a\\d/c", "/c"),
        ("letters beyond ASCII", "/ä b", "/ä b/c", "/c"),
        ("a decoded line break does not get past it", "/api", "/api/a\nb", "/a\nb"),
        ("nor at the end", "/api", "/api\n", "/api\n"),
        ("a second slash stays", "/api", "/api//users", "//users"),
    ],
)
def test_strip_prefix(why, prefix, path, expected):
    assert _strip(prefix, path) == expected, why


_prefixes = st.lists(st.text("ab.+*?()[]{}^$|\\-_ äß#&~", min_size=1, max_size=5), min_size=1, max_size=3).map(
    lambda segments: "/" + "/".join(segments)
)


@given(
    _prefixes.filter(lambda prefix: "*" not in prefix and not re.search(r"/\.{1,2}(/|$)", prefix)), st.text(max_size=10)
)
def test_strip_prefix_takes_any_prefix_by_the_letter(prefix, rest):
    assert _strip(prefix, f"{prefix}/{rest}") == f"/{rest}"
    if rest and not rest.startswith("/"):
        assert _strip(prefix, prefix + rest) == prefix + rest


@pytest.mark.parametrize("spec", _CASES["WELL_FORMED"].values(), ids=_CASES["WELL_FORMED"])
def test_well_formed_specs_translate(spec):
    _valid_for_apisix(_body(spec))


_names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
_keys = st.builds(
    Key, _names, st.lists(_names, min_size=1, max_size=4).map(".".join).map(lambda name: name[:250] + "a")
)


@given(_STRATEGIES["specs"](), _keys)
def test_whatever_the_models_accept_can_be_written(spec, key):
    parsed = parse_spec(spec)
    bundle = translate(key, parsed, owner=OWNER)
    assert bundle == translate(key, parsed, owner=OWNER)
    for ref, body in bundle.objects.items():
        assert re.fullmatch(r"[a-zA-Z0-9\-_.]{1,64}", ref.id)
        if ref.kind is Kind.ROUTE:
            _valid_for_apisix(body)
        else:
            _valid_upstream(body, resolved=ref in bundle.resolved)
        assert json.loads(json.dumps(body)) == body
    _refers_to_all_of(bundle)


def _refers_to_all_of(bundle):
    """Each Upstream is named by the Route, which names no others."""
    route = bundle.objects[ObjectRef(Kind.ROUTE, bundle.route_id)]
    rules = route.get("plugins", {}).get("traffic-split", {}).get("rules", [])
    named = {upstream["upstream_id"] for rule in rules for upstream in rule["weighted_upstreams"] if len(upstream) == 2}
    named |= {route["upstream_id"]} if "upstream_id" in route else set()
    assert {ref.id for ref in bundle.objects if ref.kind is Kind.UPSTREAM} == named
    assert bundle.resolved.keys() <= bundle.objects.keys()


def _valid_upstream(body, *, resolved):
    """What APISIX's schema of an upstream asks for; where the operator resolves it, it gets its nodes later."""
    assert ("service_name" in body) == ("discovery_type" in body) != resolved
    assert "nodes" not in body
    assert all(value > 0 for value in body["timeout"].values())
    assert (body["pass_host"] == "rewrite") == ("upstream_host" in body)
    assert (body["type"] == "chash") == ("key" in body)


def _valid_for_apisix(body):
    """What APISIX's schema of a route asks of what an EchoRoute can say."""
    assert not body.keys() & {"id", "create_time", "update_time"}
    assert ("uri" in body) != ("uris" in body)
    assert 1 <= len(body["name"]) <= 256
    assert body["status"] in {0, 1}
    assert all(re.fullmatch(r"\S{1,256}", value) for value in body["labels"].values())
    hosts = body.get("hosts", ["a"])
    assert hosts
    assert len(set(hosts)) == len(hosts)
    assert all(re.fullmatch(r"\*?[0-9a-zA-Z\-._\[\]:]+", host) for host in hosts)
    assert ("upstream" in body) != ("upstream_id" in body)
    if "upstream" in body:
        _valid_upstream(body["upstream"], resolved=False)
    rewrite = body.get("plugins", {}).get("proxy-rewrite")
    assert rewrite is None or rewrite
