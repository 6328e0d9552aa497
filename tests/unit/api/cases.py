"""Malformed specs: one table for the models, the CRD and the operator's own checks.

Loaded with `runpy.run_path(...)["MALFORMED"]` by the unit tests (which run each spec against the models) and by the
integration tests (which apply each to a real API server). `WELL_FORMED` must pass everywhere.
"""

import runpy
from pathlib import Path
from typing import NamedTuple


class Malformed(NamedTuple):
    """A spec that must be refused."""

    why: str
    spec: object
    field: str
    """The field that the message must name."""
    says: str
    """What the message of the models must contain; the API server's too where `ring` is 'cel'."""
    ring: str
    """Where it is refused first: 'schema' and 'cel' by the API server, 'operator' by parse_spec or policy alone."""


def _spec(match=None, **fields):
    """A spec that is good but for what is given."""
    return {"match": {"paths": ["/a/*"], **(match or {})}, "backends": [{"service": "echo"}], **fields}


def _path(path):
    return _spec({"paths": [path]})


def _set(headers):
    return _spec(rewrite={"headers": {"set": headers}})


def _timeout(duration):
    return _spec(upstream={"timeout": {"read": duration}})


_PATH = "spec.match.paths[0]"
_MATCH = runpy.run_path(str(Path(__file__).with_name("match_cases.py")))
_BACKENDS = runpy.run_path(str(Path(__file__).with_name("backend_cases.py")))

MALFORMED = [
    Malformed(
        "a route takes some path",
        {"match": {}, "backends": [{"service": "echo"}]},
        "spec.match.paths",
        "required",
        "schema",
    ),
    Malformed("a route matches something", {"backends": [{"service": "echo"}]}, "spec.match", "required", "schema"),
    Malformed("a route leads somewhere", {"match": {"paths": ["/a"]}}, "spec.backends", "required", "schema"),
    Malformed(
        "an empty list of paths matches nothing", _spec({"paths": []}), "spec.match.paths", "at least 1", "schema"
    ),
    Malformed(
        "messages and cost stay bounded",
        _spec({"paths": [f"/{n}" for n in range(65)]}),
        "spec.match.paths",
        "at most 64",
        "schema",
    ),
    Malformed("paths is a list", _spec({"paths": "/a"}), "spec.match.paths", "must be a list", "schema"),
    Malformed("a path is a string", _spec({"paths": [5]}), _PATH, "must be a string", "schema"),
    Malformed("a path has a bound", _path("/" + "a" * 1024), _PATH, "at most 1024", "schema"),
    Malformed("an empty path matches nothing", _path(""), _PATH, "at least 1", "schema"),
    Malformed(
        "a typo must not be pruned silently",
        _spec({"pathes": ["/a"]}),
        "spec.match.pathes",
        "did you mean 'paths'?",
        "schema",
    ),
    Malformed(
        "the same path twice is a mistake",
        _spec({"paths": ["/a", "/a"]}),
        "spec.match.paths",
        "more than once",
        "schema",
    ),
    Malformed("APISIX accepts it and never matches", _path("a"), _PATH, "must start with '/'", "cel"),
    Malformed("APISIX matches '*' at the end only", _path("/a/*/b"), _PATH, "only as its last character", "cel"),
    Malformed("two stars are no wildcard", _path("/a/**"), _PATH, "only as its last character", "cel"),
    Malformed("the default router knows no parameters", _path("/users/:id"), _PATH, "':param'", "cel"),
    Malformed("paths are compared decoded", _path("/a%20b"), _PATH, "%XX", "cel"),
    Malformed("letter case of an escape does not matter", _path("/a%2fb"), _PATH, "%XX", "cel"),
    Malformed("slashes are merged before matching", _path("/a//b"), _PATH, "'//'", "cel"),
    Malformed("dot segments are resolved before matching", _path("/a/../b"), _PATH, "'..' segments", "cel"),
    Malformed("also at the end", _path("/a/."), _PATH, "'..' segments", "cel"),
    Malformed("a query is no part of the path", _path("/search?q=1"), _PATH, "no '?' or '#'", "cel"),
    Malformed("a browser sends nothing behind '#'", _path("/docs#intro"), _PATH, "no '?' or '#'", "cel"),
    Malformed("another product's parameters", _path("/users/{id}"), _PATH, "no '{…}'", "cel"),
    Malformed("nobody writes a line break on purpose", _path("/a\nb"), _PATH, "control characters", "cel"),
    *(
        Malformed(f"a prefix with {char} never matches", _path(f"/a{char}b/*"), _PATH, "before the '*'", "cel")
        for char in "+()$^?[|\\"
    ),
    Malformed("a host is no URL", _spec({"hosts": ["http://a.example"]}), "spec.match.hosts[0]", "host name", "cel"),
    Malformed(
        "the router compares hosts without port",
        _spec({"hosts": ["a.example:80"]}),
        "spec.match.hosts[0]",
        "host name",
        "cel",
    ),
    Malformed(
        "any host is said by leaving hosts out",
        _spec({"hosts": ["*"]}),
        "spec.match.hosts[0]",
        "leave hosts out",
        "cel",
    ),
    Malformed(
        "a wildcard stands for whole labels",
        _spec({"hosts": ["*a.example"]}),
        "spec.match.hosts[0]",
        "host name",
        "cel",
    ),
    Malformed(
        "the gateway's router has each pair of them",
        _spec({"hosts": [f"h{n}.example" for n in range(5)], "paths": [f"/{n}" for n in range(52)]}),
        "spec.match",
        "at most 256 pairs",
        "cel",
    ),
    Malformed(
        "an answer to HEAD has no body, whatever the backend saw",
        _spec({"methods": ["GET", "HEAD"]}, rewrite={"method": "POST"}),
        "spec.match.methods",
        "leave HEAD out",
        "cel",
    ),
    Malformed(
        "nor has an answer that the backend gave to HEAD",
        _spec(rewrite={"method": "HEAD"}),
        "spec.rewrite.method",
        "must be one of",
        "schema",
    ),
    Malformed("APISIX refuses an empty list", _spec({"hosts": []}), "spec.match.hosts", "at least 1", "schema"),
    Malformed("APISIX takes no method for none", _spec({"methods": []}), "spec.match.methods", "at least 1", "schema"),
    Malformed(
        "methods are upper case", _spec({"methods": ["get"]}), "spec.match.methods[0]", "must be one of", "schema"
    ),
    Malformed(
        "APISIX refuses duplicates",
        _spec({"methods": ["GET", "GET"]}),
        "spec.match.methods",
        "more than once",
        "schema",
    ),
    Malformed("priority is a number", _spec({"priority": "5"}), "spec.match.priority", "whole number", "schema"),
    Malformed("priority is a whole number", _spec({"priority": 1.5}), "spec.match.priority", "whole number", "schema"),
    Malformed("true is no number", _spec({"priority": True}), "spec.match.priority", "whole number", "schema"),
    Malformed("priority has bounds", _spec({"priority": 2**31}), "spec.match.priority", "at most 2147483647", "schema"),
    Malformed("an empty rewrite is half a thought", _spec(rewrite={}), "spec.rewrite", "at least one of", "cel"),
    Malformed(
        "one path form decides",
        _spec(rewrite={"path": "/b", "stripPrefix": "/a"}),
        "spec.rewrite",
        "only one of",
        "cel",
    ),
    Malformed(
        "one path form decides, regex too",
        _spec(rewrite={"regex": {"pattern": "^/a", "replacement": ""}, "path": "/b"}),
        "spec.rewrite",
        "only one of",
        "cel",
    ),
    Malformed(
        "a variable is none here, and APISIX refuses it",
        _spec(rewrite={"regex": {"pattern": "^/api/(.*)", "replacement": "/$host/$1"}}),
        "spec.rewrite.regex.replacement",
        "'$' only for a group",
        "cel",
    ),
    Malformed(
        "no path results, and APISIX answers 502",
        _spec(rewrite={"regex": {"pattern": "^/api/(.*)", "replacement": "$1"}}),
        "spec.rewrite.regex.replacement",
        "must begin with '/'",
        "cel",
    ),
    Malformed(
        "nor here",
        _spec(rewrite={"regex": {"pattern": "^/api/.*$", "replacement": "v1"}}),
        "spec.rewrite.regex.replacement",
        "must begin with '/'",
        "cel",
    ),
    Malformed(
        "a decoded path is no query",
        _spec(rewrite={"path": "/a?from=$uri"}),
        "spec.rewrite.path",
        "must not put $uri, $arg_",
        "cel",
    ),
    *(
        Malformed(
            f"nor is {name}, which is decoded, too",
            _spec(rewrite={"path": f"/a?from={name}"}),
            "spec.rewrite.path",
            "into its query",
            "cel",
        )
        for name in ("$arg_a", "${arg_a ?? b}", "${ uri_param_a }", "$remote_user")
    ),
    Malformed(
        "a pool is of all routes to an address",
        _spec(upstream={"keepalive": {"idleTimeout": "61m"}}),
        "spec.upstream.keepalive.idleTimeout",
        "at most 1h",
        "cel",
    ),
    Malformed(
        "half a regex",
        _spec(rewrite={"regex": {"pattern": "^/a"}}),
        "spec.rewrite.regex.replacement",
        "required",
        "schema",
    ),
    Malformed(
        "APISIX refuses a relative path",
        _spec(rewrite={"path": "b"}),
        "spec.rewrite.path",
        "must start with '/'",
        "cel",
    ),
    Malformed(
        "stripping '/' strips nothing",
        _spec(rewrite={"stripPrefix": "/"}),
        "spec.rewrite.stripPrefix",
        "must not end with '/'",
        "cel",
    ),
    Malformed(
        "a prefix ends with its segment",
        _spec(rewrite={"stripPrefix": "/a/"}),
        "spec.rewrite.stripPrefix",
        "must not end with '/'",
        "cel",
    ),
    Malformed(
        "stripPrefix is no pattern",
        _spec(rewrite={"stripPrefix": "/a/*"}),
        "spec.rewrite.stripPrefix",
        "must have no '*'",
        "cel",
    ),
    Malformed(
        "stripPrefix is decoded too", _spec(rewrite={"stripPrefix": "/a%20b"}), "spec.rewrite.stripPrefix", "%XX", "cel"
    ),
    Malformed(
        "a host is no URL here either", _spec(rewrite={"host": "http://a"}), "spec.rewrite.host", "host name", "cel"
    ),
    Malformed(
        "proxy-rewrite has no such method",
        _spec(rewrite={"method": "CONNECT"}),
        "spec.rewrite.method",
        "must be one of",
        "schema",
    ),
    Malformed(
        "an empty headers is half a thought",
        _spec(rewrite={"headers": {}}),
        "spec.rewrite.headers",
        "at least one of",
        "cel",
    ),
    Malformed("APISIX refuses an empty set", _set({}), "spec.rewrite.headers.set", "at least 1", "schema"),
    Malformed("a header has a name that is one", _set({"X A": "1"}), "spec.rewrite.headers.set", "header names", "cel"),
    Malformed(
        "APISIX passes over a Host here", _set({"host": "a"}), "spec.rewrite.headers.set", "write rewrite.host", "cel"
    ),
    Malformed(
        "a length of its own makes two requests of one",
        _set({"Content-Length": "0"}),
        "spec.rewrite.headers.set",
        "header of the message itself",
        "cel",
    ),
    Malformed(
        "in any letter case, and `_` is `-`",
        _spec(rewrite={"headers": {"add": {"tRANSFER_encoding": "chunked"}}}),
        "spec.rewrite.headers.add",
        "header of the message itself",
        "cel",
    ),
    Malformed(
        "taken away is as bad as set",
        _spec(rewrite={"headers": {"remove": ["X-A", "connection"]}}),
        "spec.rewrite.headers.remove",
        "header of the message itself",
        "cel",
    ),
    *(
        Malformed(why, _set({name: "1"}), "spec.rewrite.headers.set", "must not have X-Real-IP", "cel")
        for why, name in [("nginx overwrites it", "X-Real-IP"), ("nginx appends to it", "x_forwarded_for")]
    ),
    Malformed("APISIX refuses a colon", _set({"X:A": "1"}), "spec.rewrite.headers.set", "header names", "cel"),
    Malformed(
        "no header is smuggled in",
        _set({"X-A": "1\r\nX-Admin: yes"}),
        "spec.rewrite.headers.set",
        "control characters",
        "cel",
    ),
    Malformed(
        "one of the two would win by chance",
        _set({"X-A": "1", "x-a": "2"}),
        "spec.rewrite.headers.set",
        "letter case",
        "cel",
    ),
    Malformed(
        "the gateway's environment is not the team's",
        _set({"X-A": "$ENV://APISIX_KEY"}),
        "spec.rewrite.headers.set",
        "$env://",
        "cel",
    ),
    Malformed(
        "secrets neither",
        _spec(rewrite={"headers": {"add": {"X-A": "$secret://vault/1/a"}}}),
        "spec.rewrite.headers.add",
        "$env://",
        "cel",
    ),
    Malformed(
        "a dollar of a password vanishes with the letters behind it",
        _set({"X-Token": "E$KI=x$$5"}),
        "spec.rewrite.headers.set",
        "Anything else vanishes",
        "cel",
    ),
    Malformed(
        "in what is added, too",
        _spec(rewrite={"headers": {"add": {"X-A": "${nosuch}"}}}),
        "spec.rewrite.headers.add",
        "Anything else vanishes",
        "cel",
    ),
    Malformed(
        "a dot belongs to a variable's name",
        _set({"X-A": "$host.example"}),
        "spec.rewrite.headers.set",
        "not followed by a dot",
        "operator",
    ),
    Malformed(
        "a group of no regular expression is empty",
        _set({"X-A": "cost: $5"}),
        "spec.rewrite.headers",
        "groups that rewrite.regex has",
        "cel",
    ),
    Malformed(
        "a group that the regular expression has not got is empty, too",
        _spec(
            rewrite={
                "regex": {"pattern": "^/a/([0-9]*)", "replacement": "/$1"},
                "headers": {"add": {"X-A": "${1}", "X-B": "${2}"}},
            }
        ),
        "spec.rewrite.headers",
        "groups that rewrite.regex has",
        "operator",
    ),
    Malformed(
        "a group that takes any text: what a client asks for would name a variable",
        _spec(
            rewrite={
                "regex": {"pattern": "^/a/(.*)", "replacement": "/$1"},
                "headers": {"set": {"X-A": "from $1"}},
            }
        ),
        "spec.rewrite.headers",
        "groups of rewrite.regex that can hold no '$'",
        "cel",
    ),
    Malformed(
        "the same, where only a look at the whole pattern tells",
        _spec(
            rewrite={
                "regex": {"pattern": "^/v([0-9]+)/([^/]+)", "replacement": "/$2"},
                "headers": {"add": {"X-A": "$1", "X-B": "$2"}},
            }
        ),
        "spec.rewrite.headers",
        "groups of rewrite.regex that can hold no '$'",
        "operator",
    ),
    Malformed(
        "all that the pattern takes, one part of which is any text",
        _spec(
            rewrite={
                "regex": {"pattern": "^/v([0-9]+)/.*", "replacement": "/"},
                "headers": {"set": {"X-A": "$0"}},
            }
        ),
        "spec.rewrite.headers",
        "groups of rewrite.regex that can hold no '$'",
        "operator",
    ),
    Malformed(
        "a group right behind a variable goes on with its name",
        _spec(
            rewrite={
                "regex": {"pattern": "^/a/([0-9]*)", "replacement": "/$1"},
                "headers": {"set": {"X-A": "$host$1"}},
            }
        ),
        "spec.rewrite.headers.set",
        "not followed by a dot, a letter or a group",
        "operator",
    ),
    Malformed(
        "a path has variables and no groups",
        _spec(rewrite={"path": "/a/$1"}),
        "spec.rewrite.path",
        "Anything else vanishes",
        "cel",
    ),
    Malformed(
        "a variable that APISIX does not know, in a path",
        _spec(rewrite={"path": "/a/$nosuch"}),
        "spec.rewrite.path",
        "Anything else vanishes",
        "cel",
    ),
    Malformed("in a path neither", _spec(rewrite={"path": "/$Env://HOME"}), "spec.rewrite.path", "$env://", "cel"),
    Malformed(
        "in a regex neither",
        _spec(rewrite={"regex": {"pattern": "^/a", "replacement": "$env://HOME"}}),
        "spec.rewrite.regex.replacement",
        "$env://",
        "cel",
    ),
    Malformed(
        "a value has a bound", _set({"X-A": "1" * 4097}), "spec.rewrite.headers.set.X-A", "at most 4096", "schema"
    ),
    Malformed(
        "a header to remove has a name that is one",
        _spec(rewrite={"headers": {"remove": ["a:b"]}}),
        "spec.rewrite.headers.remove[0]",
        "header's name",
        "cel",
    ),
    Malformed(
        "no backend, no answer", {"match": {"paths": ["/a"]}, "backends": []}, "spec.backends", "at least 1", "schema"
    ),
    Malformed(
        "a backend is a service",
        {"match": {"paths": ["/a"]}, "backends": [{}]},
        "spec.backends[0].service",
        "required",
        "schema",
    ),
    Malformed(
        "Consul's names have no blanks",
        {"match": {"paths": ["/a"]}, "backends": [{"service": "a b"}]},
        "spec.backends[0].service",
        "letters, digits",
        "cel",
    ),
    *(
        Malformed(
            why, {"match": {"paths": ["/a"]}, "backends": [{"service": name}]}, "spec.backends[0].service", says, "cel"
        )
        for why, name, says in [
            ("a path of Consul's API is no service", "..", "no '.' or '..' between slashes"),
            ("nor is a part of one", "a/../b", "no '.' or '..' between slashes"),
            ("nor what a terminal takes for a command", "a\x9b31mb", "letters, digits"),
            ("nor a query of its API", "a?dc=b", "letters, digits"),
        ]
    ),
    Malformed(
        "both set the Host header",
        _spec(rewrite={"host": "a"}, upstream={"host": "b", "passHost": "Rewrite"}),
        "spec.rewrite.host",
        "beside upstream.host",
        "cel",
    ),
    Malformed(
        "the instance's address would win",
        _spec(rewrite={"host": "a"}, upstream={"passHost": "Node"}),
        "spec.rewrite.host",
        "passHost: Node",
        "cel",
    ),
    Malformed("APISIX refuses it", _spec(upstream={"passHost": "Rewrite"}), "spec.upstream.host", "must be set", "cel"),
    Malformed("APISIX ignores it", _spec(upstream={"host": "a"}), "spec.upstream.host", "passHost: Rewrite", "cel"),
    Malformed(
        "enums are CamelCase",
        _spec(upstream={"passHost": "pass"}),
        "spec.upstream.passHost",
        "must be one of",
        "schema",
    ),
    Malformed(
        "only HTTP protocols", _spec(upstream={"scheme": "tcp"}), "spec.upstream.scheme", "must be one of", "schema"
    ),
    Malformed("a duration has a unit", _timeout("6"), "spec.upstream.timeout.read", "such as '6s'", "cel"),
    Malformed(
        "a duration is a string",
        _timeout(6),
        "spec.upstream.timeout.read",
        "in quotes and with its unit, such as",
        "schema",
    ),
    Malformed("a duration has no fraction", _timeout("0.5s"), "spec.upstream.timeout.read", "such as '6s'", "cel"),
    Malformed("a duration is not negative", _timeout("-5s"), "spec.upstream.timeout.read", "such as '6s'", "cel"),
    Malformed("APISIX refuses 0", _timeout("0s"), "spec.upstream.timeout.read", "between 1ms and 24h", "cel"),
    Malformed(
        "nginx counts milliseconds in 32 bits",
        _timeout("99999h"),
        "spec.upstream.timeout.read",
        "between 1ms and 24h",
        "cel",
    ),
    Malformed(
        "retries are bounded", _spec(upstream={"retries": 101}), "spec.upstream.retries", "at most 100", "schema"
    ),
    Malformed(
        "retries are not negative", _spec(upstream={"retries": -1}), "spec.upstream.retries", "at least 0", "schema"
    ),
    Malformed(
        "APISIX refuses a pool of 0",
        _spec(upstream={"keepalive": {"size": 0}}),
        "spec.upstream.keepalive.size",
        "at least 1",
        "schema",
    ),
    Malformed(
        "a typo deep down",
        _spec(upstream={"timeouts": {}}),
        "spec.upstream.timeouts",
        "did you mean 'timeout'?",
        "schema",
    ),
    Malformed("yes is no boolean in JSON", _spec(websocket="yes"), "spec.websocket", "true or false", "schema"),
    Malformed("0 is no boolean in JSON", _spec(enabled=0), "spec.enabled", "true or false", "schema"),
    Malformed("another's name in metrics", _spec(name="other/web"), "spec.name", "must have no '/'", "cel"),
    Malformed("a name has a bound", _spec(name="n" * 257), "spec.name", "at most 256", "schema"),
    Malformed(
        "a plugin's config is an object",
        _spec(plugins={"cors": "x"}),
        "spec.plugins.cors",
        "must be an object",
        "schema",
    ),
    Malformed(
        "plugins are a map, not a list",
        _spec(plugins=[{"name": "cors"}]),
        "spec.plugins",
        "must be an object",
        "schema",
    ),
    Malformed(
        "plugins are bounded", _spec(plugins={f"p{n}": {} for n in range(65)}), "spec.plugins", "at most 64", "schema"
    ),
    Malformed(
        "one of the two would be lost",
        _spec(rewrite={"path": "/b"}, plugins={"proxy-rewrite": {"uri": "/c"}}),
        "spec.plugins",
        "proxy-rewrite",
        "cel",
    ),
    Malformed("a class is a name", _spec(gatewayClass="Apisix!"), "spec.gatewayClass", "lower-case", "cel"),
    Malformed(
        "Lua code in the gateway",
        _spec(plugins={"serverless-pre-function": {"phase": "access"}}),
        "spec.plugins.serverless-pre-function",
        "platform team",
        "operator",
    ),
    Malformed(
        "a name that nobody knows", _spec(plugins={"corz": {}}), "spec.plugins.corz", "check the name", "operator"
    ),
    Malformed(
        "Lua code on any plugin",
        _spec(plugins={"cors": {"_meta": {"pre_function": "return function() end"}}}),
        "spec.plugins.cors._meta.pre_function",
        "Lua code",
        "operator",
    ),
    Malformed(
        "the gateway's environment",
        _spec(plugins={"mocking": {"response_example": "$eNv://KEY"}}),
        "spec.plugins.mocking.response_example",
        "$env://",
        "operator",
    ),
    Malformed(
        "a client could fill the gateway's counters",
        _spec(plugins={"limit-req": {"rate": 1, "burst": 1, "key": "http_x_user"}}),
        "spec.plugins.limit-req.key",
        "one of remote_addr, consumer_name",
        "operator",
    ),
    Malformed(
        "another team's quota",
        _spec(plugins={"limit-count": {"count": 1, "time_window": 1, "group": "all"}}),
        "spec.plugins.limit-count.group",
        "is closed. It shares one quota",
        "operator",
    ),
    Malformed(
        "any address",
        _spec(plugins={"traffic-split": {"rules": []}}),
        "spec.plugins.traffic-split",
        "is a closed plugin",
        "operator",
    ),
    *(
        Malformed(why, _spec(match), f"spec.match.{field}", says, ring)
        for why, match, field, says, ring in _MATCH["MALFORMED"]
    ),
    *(
        Malformed(why, {**_spec(), **fields}, f"spec.{field}", says, ring)
        for why, fields, field, says, ring in _BACKENDS["MALFORMED"]
    ),
]

WELL_FORMED = {
    "the smallest one": _spec(),
    "an exact path may have what a prefix may not": _path("/a+b(c)$d^ef[g|h\\i"),
    "a colon inside a segment is no parameter": _path("/v1/items:batch"),
    "dots that are no segments": _spec({"paths": ["/.well-known/*", "/a..b", "/a/..."]}),
    "a per cent sign that escapes nothing": _path("/100%"),
    "characters beyond ASCII, blanks": _path("/ä b/你/*"),
    "everything at the root": _path("/*"),
    "a prefix inside a segment": _path("/static-*"),
    "a group that begins with a slash": _spec(rewrite={"regex": {"pattern": "^/api(/.*)", "replacement": "$1"}}),
    "groups and a dollar sign": _spec(rewrite={"regex": {"pattern": "^/api/(.*)/(.*)", "replacement": "/${1}/$$/$2"}}),
    "what is left begins with a slash": _spec(rewrite={"regex": {"pattern": "^/api", "replacement": ""}}),
    "a dollar that begins no name": _set({"X-A": "cost: $", "X-B": "5 $ or $$", "X-C": "\\$KI", "X-D": "a\\b"}),
    "variables that APISIX knows": _set({"X-A": "$arg_q-$http_x_in", "X-B": "${host}.example", "X-C": "$cookie_a"}),
    "groups of the regular expression": _spec(
        rewrite={
            "regex": {"pattern": "^/a/([^/$]*)", "replacement": "/$1"},
            "headers": {"set": {"X-A": "$1", "X-B": "${1}x$host"}, "add": {"X-C": "$0", "X-D": "${host}$1"}},
        }
    ),
    "a variable in a path": _spec(rewrite={"path": "/items/$arg_id/${http_x-y}"}),
    "the usual answer to spoofing": _spec(rewrite={"headers": {"remove": ["X-Forwarded-For"]}}),
    "hosts in any letter case": _spec({"hosts": ["API.example.com", "*.Example.com", "a_b.example", "10.0.0.1"]}),
    "as many pairs of hosts and paths as there may be": _spec(
        {"hosts": [f"h{n}.example" for n in range(4)], "paths": [f"/{n}" for n in range(64)]}
    ),
    "methods and priority": _spec({"methods": ["GET", "PURGE"], "priority": -5}),
    "an empty replacement": _spec(rewrite={"regex": {"pattern": "^/a", "replacement": ""}}),
    "everything about the upstream": _spec(
        upstream={
            "scheme": "grpcs",
            "passHost": "Rewrite",
            "host": "inner.example:8443",
            "timeout": {"connect": "500ms", "send": "1m30s", "read": "24h"},
            "retries": 0,
            "retryTimeout": "0s",
            "keepalive": {"size": 1, "idleTimeout": "0s", "requests": 1},
        }
    ),
    "everything about the request": _spec(
        rewrite={
            "stripPrefix": "/a.b",
            "host": "a:80",
            "method": "POST",
            "headers": {"set": {"X-A": "$remote_addr\t!"}, "add": {"X-B": ""}, "remove": ["X-C", "x-c"]},
        }
    ),
    "switches": _spec(name="my route", websocket=True, enabled=False, gatewayClass="apisix"),
    "plugins are opaque": _spec(plugins={"cors": {"allow_origins": "*", "_meta": {"disable": False}}, "key-auth": {}}),
    "no plugin is a plugin map too": _spec(plugins={}),
    **{why: _spec(match) for why, match in _MATCH["WELL_FORMED"].items()},
    **{why: {**_spec(), **fields} for why, fields in _BACKENDS["WELL_FORMED"].items()},
}
