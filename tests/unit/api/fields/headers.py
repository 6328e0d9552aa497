"""Which headers `rewrite` may set, add and remove, and which variables and groups their values may have."""

from .malformed import Malformed, spec


def _set(headers):
    return spec(rewrite={"headers": {"set": headers}})


MALFORMED = [
    Malformed(
        "an empty headers is half a thought",
        spec(rewrite={"headers": {}}),
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
        spec(rewrite={"headers": {"add": {"tRANSFER_encoding": "chunked"}}}),
        "spec.rewrite.headers.add",
        "header of the message itself",
        "cel",
    ),
    Malformed(
        "taken away is as bad as set",
        spec(rewrite={"headers": {"remove": ["X-A", "connection"]}}),
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
        spec(rewrite={"headers": {"add": {"X-A": "$secret://vault/1/a"}}}),
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
        spec(rewrite={"headers": {"add": {"X-A": "${nosuch}"}}}),
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
        spec(
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
        spec(
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
        spec(
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
        spec(
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
        spec(
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
        "a value has a bound", _set({"X-A": "1" * 4097}), "spec.rewrite.headers.set.X-A", "at most 4096", "schema"
    ),
    Malformed(
        "a header to remove has a name that is one",
        spec(rewrite={"headers": {"remove": ["a:b"]}}),
        "spec.rewrite.headers.remove[0]",
        "header's name",
        "cel",
    ),
]

WELL_FORMED = {
    "a dollar that begins no name": _set({"X-A": "cost: $", "X-B": "5 $ or $$", "X-C": "\\$KI", "X-D": "a\\b"}),
    "variables that APISIX knows": _set({"X-A": "$arg_q-$http_x_in", "X-B": "${host}.example", "X-C": "$cookie_a"}),
    "groups of the regular expression": spec(
        rewrite={
            "regex": {"pattern": "^/a/([^/$]*)", "replacement": "/$1"},
            "headers": {"set": {"X-A": "$1", "X-B": "${1}x$host"}, "add": {"X-C": "$0", "X-D": "${host}$1"}},
        }
    ),
    "the usual answer to spoofing": spec(rewrite={"headers": {"remove": ["X-Forwarded-For"]}}),
}
