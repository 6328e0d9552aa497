"""Translation: what each field becomes in APISIX."""

from pathlib import Path

import pytest
import yaml
from echoroute.api import parse_spec
from echoroute.core.objects import Kind, ObjectRef
from echoroute.core.translate import translate

from .translated import KEY, OWNER, SMALLEST, body_of

_ROOT = Path(__file__).parents[3]
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


def test_the_echo_sample_becomes_this_route_and_nothing_else():
    sample = yaml.safe_load((_ROOT / "manifests/samples/echo.yaml").read_text(encoding="utf-8"))
    bundle = translate(KEY, parse_spec(sample["spec"]), owner=OWNER)
    assert bundle.objects.keys() == {ObjectRef(Kind.ROUTE, "0a1b2c3d.default.echo")}
    assert body_of(sample["spec"]) == {
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
    assert body_of(SMALLEST) == {
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
    wanted = {**body_of(SMALLEST), **expected}
    if "match" in fields and "uri" not in expected:
        wanted["uri"] = fields["match"]["paths"][0]
    assert body_of({**SMALLEST, **fields}) == {name: value for name, value in wanted.items() if value is not None}, why
