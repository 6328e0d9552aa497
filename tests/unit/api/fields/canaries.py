"""What a canary may ask for, and where it may lead."""

from .backends import ONCE, backends
from .malformed import NULL, beside_match, rewrite_headers, spec


def _canary(match, *backends):
    return {
        "canary": [{"match": match, "backends": list(backends) or [{"service": "echo", "subset": {"tags": ["b"]}}]}]
    }


HEADER = {"headers": [{"name": "X-Canary", "op": "Exists"}]}
_COOKIE = {"cookies": [{"name": "beta", "op": "Exact", "value": "yes"}]}
_RULE = "canary[0]"
_CHANGED = "no condition on a header that rewrite.headers changes"

MALFORMED = beside_match(
    [
        ("a canary of everybody is none", _canary({}), f"{_RULE}.match", "at least one of headers", "cel"),
        (
            "a null there is everybody, also beside others",
            _canary({**HEADER, "cookies": None}),
            f"{_RULE}.match.cookies",
            NULL,
            "operator",
        ),
        (
            "a canary has a match",
            {"canary": [{"backends": [{"service": "a"}]}]},
            f"{_RULE}.match",
            "required",
            "schema",
        ),
        ("a canary leads somewhere", {"canary": [{"match": HEADER}]}, f"{_RULE}.backends", "required", "schema"),
        ("no rule at all", {"canary": []}, "canary", "at least 1", "schema"),
        ("few rules", {"canary": _canary(HEADER)["canary"] * 9}, "canary", "at most 8", "schema"),
        (
            "paths are of the route",
            _canary({**HEADER, "paths": ["/b"]}),
            f"{_RULE}.match.paths",
            "is not a field",
            "cel",
        ),
        (
            "in a canary somebody answers, too",
            _canary(HEADER, {"service": "a", "weight": 0}),
            f"{_RULE}.backends",
            "a weight above 0",
            "cel",
        ),
        ("nor the same twice", _canary(HEADER, {"service": "a"}, {"service": "a"}), f"{_RULE}.backends", ONCE, "cel"),
        (
            "each is an Upstream",
            {
                "canary": [
                    {"match": HEADER, "backends": [{"service": f"s{rule}-{n}"} for n in range(16)]} for rule in range(2)
                ]
            },
            "canary",
            "at most 32 different backends, those of spec.backends included, and has 33: ",
            "operator",
        ),
        (
            "each condition is in the gateway once for each backend",
            {
                "canary": [
                    {
                        "match": {
                            "headers": [{"name": "X-A", "op": "In", "values": [f"{n:01024}" for n in range(30)]}]
                        },
                        "backends": [{"service": name} for name in "abc"],
                    }
                ]
            },
            "canary",
            "at most 64 KiB of conditions, each counted with",
            "operator",
        ),
        (
            "the gateway compares each once for each backend with each request",
            {
                "canary": [
                    {
                        "match": {"queries": [{"name": f"a{n}", "op": "NotEqual", "value": "1"} for n in range(8)]},
                        "backends": [{"service": f"s{n}"} for n in range(16)],
                    }
                ]
                * 4
            },
            "canary",
            "each counted with 128 bytes more",
            "operator",
        ),
        (
            "the rewrite comes first",
            {**_canary(HEADER), **rewrite_headers(set={"x_canary": "1"})},
            "canary",
            _CHANGED,
            "cel",
        ),
        ("added counts", {**_canary(HEADER), **rewrite_headers(add={"X-CANARY": "1"})}, "canary", _CHANGED, "cel"),
        ("removed, too", {**_canary(HEADER), **rewrite_headers(remove=["X-Canary"])}, "canary", _CHANGED, "cel"),
        ("cookies are a header", {**_canary(_COOKIE), **rewrite_headers(remove=["cookie"])}, "canary", _CHANGED, "cel"),
        (
            "the plugin that rewrite becomes, too",
            {**_canary(HEADER), "plugins": {"proxy-rewrite": {"headers": {"remove": ["X-CANARY"]}}}},
            "canary",
            _CHANGED,
            "operator",
        ),
        (
            "that plugin is taken",
            {**_canary(HEADER), "plugins": {"traffic-split": {"rules": []}}},
            "plugins",
            "must not have traffic-split beside",
            "cel",
        ),
        (
            "by a split as well",
            {**backends({"service": "a"}, {"service": "b"}), "plugins": {"traffic-split": {"rules": []}}},
            "plugins",
            "must not have traffic-split beside",
            "cel",
        ),
    ]
)

WELL_FORMED = {
    why: spec(**fields)
    for why, fields in {
        "the same backends in several rules": {
            "canary": [
                {"match": match, "backends": [{"service": "a"}, {"service": "echo", "weight": 3}]}
                for match in (HEADER, _COOKIE, {"queries": [{"name": "v", "op": "In", "values": ["2", "3"]}]})
            ]
        },
        "a canary on what no rewrite changes": {**_canary(HEADER), **rewrite_headers(set={"X-Other": "1"})},
    }.items()
}
