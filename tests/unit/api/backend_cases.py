"""What a spec may say of its backends, canaries, load balancing and health checks: rows of `cases.py`."""


def _backends(*backends):
    return {"backends": list(backends)}


def _one(**fields):
    return _backends({"service": "echo", **fields})


def _canary(match, *backends):
    return {
        "canary": [{"match": match, "backends": list(backends) or [{"service": "echo", "subset": {"tags": ["b"]}}]}]
    }


def _balance(**fields):
    return {"upstream": {"loadBalancer": fields}}


def _hash(on, key):
    return _balance(policy="ConsistentHash", hashOn=on, key=key)


def _check(**active):
    return {"upstream": {"healthCheck": {"active": active}}}


def _rewrite(**headers):
    return {"rewrite": {"headers": headers}}


_HEADER = {"headers": [{"name": "X-Canary", "op": "Exists"}]}
_COOKIE = {"cookies": [{"name": "beta", "op": "Exact", "value": "yes"}]}
_FIRST = "backends[0]"
_SUBSET = f"{_FIRST}.subset"
_RULE = "canary[0]"
_KEY = "upstream.loadBalancer.key"
_CHECK = "upstream.healthCheck.active"
_ONCE = "must have each combination of service, subset and resolve once"
_NULL = "must not be null"
_CHANGED = "no condition on a header that rewrite.headers changes"

# why, what is beside match, the field below spec, what the message says, the ring
MALFORMED = [
    (
        "no more than APISIX has",
        _backends(*({"service": f"s{n}"} for n in range(17))),
        "backends",
        "at most 16",
        "schema",
    ),
    ("a weight is a number", _one(weight="1"), f"{_FIRST}.weight", "must be a whole number", "schema"),
    ("a weight is whole", _one(weight=0.5), f"{_FIRST}.weight", "must be a whole number", "schema"),
    ("a weight is not negative", _one(weight=-1), f"{_FIRST}.weight", "at least 0", "schema"),
    ("a weight has a bound", _one(weight=1_000_001), f"{_FIRST}.weight", "at most 1000000", "schema"),
    ("a null weight would be 1", _one(weight=None), f"{_FIRST}.weight", _NULL, "operator"),
    ("somebody has to answer", _one(weight=0), "backends", "a weight above 0", "cel"),
    (
        "one of several, too",
        _backends({"service": "a", "weight": 0}, {"service": "b", "weight": 0}),
        "backends",
        "a weight above 0",
        "cel",
    ),
    ("the same service twice", _backends({"service": "a"}, {"service": "a", "weight": 2}), "backends", _ONCE, "cel"),
    (
        "written out or not",
        _backends({"service": "a"}, {"service": "a", "resolve": "Gateway"}),
        "backends",
        _ONCE,
        "cel",
    ),
    (
        "tags have no order",
        _backends(
            {"service": "a", "subset": {"tags": ["x", "y"]}},
            {"service": "a", "subset": {"tags": ["y", "x"]}, "resolve": "Operator"},
        ),
        "backends",
        _ONCE,
        "cel",
    ),
    ("resolvers are CamelCase", _one(resolve="gateway"), f"{_FIRST}.resolve", "must be one of", "schema"),
    (
        "the gateway ignores tags",
        _one(resolve="Gateway", subset={"tags": ["a"]}),
        f"{_FIRST}.resolve",
        "the gateway knows no subsets",
        "cel",
    ),
    ("an empty subset is the whole service", _one(subset={}), _SUBSET, "at least one of", "cel"),
    ("a null subset, too", _one(subset=None), _SUBSET, _NULL, "operator"),
    ("and null tags", _one(subset={"tags": None, "datacenter": "dc1"}), f"{_SUBSET}.tags", _NULL, "operator"),
    ("and null meta", _one(subset={"tags": ["a"], "meta": None}), f"{_SUBSET}.meta", _NULL, "operator"),
    ("and a null in it", _one(subset={"meta": {"a": "b", "c": None}}), f"{_SUBSET}.meta.c", _NULL, "operator"),
    (
        "a null datacenter is any",
        _one(subset={"tags": ["a"], "datacenter": None}),
        f"{_SUBSET}.datacenter",
        _NULL,
        "operator",
    ),
    ("no tags are all", _one(subset={"tags": []}), f"{_SUBSET}.tags", "at least 1", "schema"),
    ("a tag once", _one(subset={"tags": ["a", "a"]}), f"{_SUBSET}.tags", "more than once", "schema"),
    ("few tags", _one(subset={"tags": [f"t{n}" for n in range(9)]}), f"{_SUBSET}.tags", "at most 8", "schema"),
    ("no line break in a tag", _one(subset={"tags": ["a\nb"]}), f"{_SUBSET}.tags[0]", "no control characters", "cel"),
    (
        "Consul's keys of meta",
        _one(subset={"meta": {"a b": "c"}}),
        f"{_SUBSET}.meta",
        "must have keys of letters",
        "cel",
    ),
    ("meta is a map", _one(subset={"meta": ["a=b"]}), f"{_SUBSET}.meta", "must be an object", "schema"),
    (
        "a datacenter is a name",
        _one(subset={"datacenter": "dc 1"}),
        f"{_SUBSET}.datacenter",
        "a datacenter of Consul",
        "cel",
    ),
    (
        "a datacenter is no path",
        _one(subset={"datacenter": "dc1&ns=a"}),
        f"{_SUBSET}.datacenter",
        "a datacenter of Consul",
        "cel",
    ),
    ("tags belong to the subset", _one(tags=["a"]), f"{_FIRST}.tags", "is not a field", "cel"),
    (
        "Consul's word is none of ours",
        _one(subset={"tags": ["a"], "dc": "b"}),
        f"{_SUBSET}.dc",
        "is not a field",
        "cel",
    ),
    ("a canary of everybody is none", _canary({}), f"{_RULE}.match", "at least one of headers", "cel"),
    (
        "a null there is everybody, also beside others",
        _canary({**_HEADER, "cookies": None}),
        f"{_RULE}.match.cookies",
        _NULL,
        "operator",
    ),
    ("a canary has a match", {"canary": [{"backends": [{"service": "a"}]}]}, f"{_RULE}.match", "required", "schema"),
    ("a canary leads somewhere", {"canary": [{"match": _HEADER}]}, f"{_RULE}.backends", "required", "schema"),
    ("no rule at all", {"canary": []}, "canary", "at least 1", "schema"),
    ("few rules", {"canary": _canary(_HEADER)["canary"] * 9}, "canary", "at most 8", "schema"),
    (
        "paths are of the route",
        _canary({**_HEADER, "paths": ["/b"]}),
        f"{_RULE}.match.paths",
        "is not a field",
        "cel",
    ),
    (
        "in a canary somebody answers, too",
        _canary(_HEADER, {"service": "a", "weight": 0}),
        f"{_RULE}.backends",
        "a weight above 0",
        "cel",
    ),
    ("nor the same twice", _canary(_HEADER, {"service": "a"}, {"service": "a"}), f"{_RULE}.backends", _ONCE, "cel"),
    (
        "each is an Upstream",
        {
            "canary": [
                {"match": _HEADER, "backends": [{"service": f"s{rule}-{n}"} for n in range(16)]} for rule in range(2)
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
                    "match": {"headers": [{"name": "X-A", "op": "In", "values": [f"{n:01024}" for n in range(30)]}]},
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
    ("the rewrite comes first", {**_canary(_HEADER), **_rewrite(set={"x_canary": "1"})}, "canary", _CHANGED, "cel"),
    ("added counts", {**_canary(_HEADER), **_rewrite(add={"X-CANARY": "1"})}, "canary", _CHANGED, "cel"),
    ("removed, too", {**_canary(_HEADER), **_rewrite(remove=["X-Canary"])}, "canary", _CHANGED, "cel"),
    ("cookies are a header", {**_canary(_COOKIE), **_rewrite(remove=["cookie"])}, "canary", _CHANGED, "cel"),
    (
        "the plugin that rewrite becomes, too",
        {**_canary(_HEADER), "plugins": {"proxy-rewrite": {"headers": {"remove": ["X-CANARY"]}}}},
        "canary",
        _CHANGED,
        "operator",
    ),
    (
        "before the hash as well",
        {**_hash("Header", "X-User"), "plugins": {"proxy-rewrite": {"headers": {"set": {"X-User": "1"}}}}},
        _KEY,
        "The gateway picks the",
        "operator",
    ),
    (
        "that plugin is taken",
        {**_canary(_HEADER), "plugins": {"traffic-split": {"rules": []}}},
        "plugins",
        "must not have traffic-split beside",
        "cel",
    ),
    (
        "by a split as well",
        {**_backends({"service": "a"}, {"service": "b"}), "plugins": {"traffic-split": {"rules": []}}},
        "plugins",
        "must not have traffic-split beside",
        "cel",
    ),
    ("a balancer has a policy", _balance(), "upstream.loadBalancer.policy", "required", "schema"),
    (
        "policies are CamelCase",
        _balance(policy="roundrobin"),
        "upstream.loadBalancer.policy",
        "must be one of",
        "schema",
    ),
    ("a hash has a key", _balance(policy="ConsistentHash", hashOn="Header"), _KEY, "must be there with", "cel"),
    (
        "and a place",
        _balance(policy="ConsistentHash", key="a"),
        "upstream.loadBalancer.hashOn",
        "must be there with",
        "cel",
    ),
    ("others have none", _balance(policy="EWMA", key="a"), _KEY, "must be there with", "cel"),
    ("a header's name", _hash("Header", "X A"), _KEY, "must be a header's or a cookie's name", "cel"),
    ("a cookie's name", _hash("Cookie", "a=b"), _KEY, "must be a header's or a cookie's name", "cel"),
    ("APISIX hashes on few variables", _hash("Variable", "http_x_user"), _KEY, "one of uri, server_name", "cel"),
    ("an argument has a name", _hash("Variable", "arg_"), _KEY, "one of uri, server_name", "cel"),
    (
        "the rewrite comes before the hash",
        {**_hash("Header", "X-User"), **_rewrite(set={"X-User": "1"})},
        _KEY,
        "The gateway picks the",
        "cel",
    ),
    (
        "nor is a cookie left",
        {"upstream": _hash("Cookie", "a")["upstream"], **_rewrite(remove=["Cookie"])},
        _KEY,
        "The gateway picks the",
        "cel",
    ),
    (
        "passive checks let nobody in again",
        {"upstream": {"healthCheck": {"passive": {}}}},
        _CHECK,
        "must be set",
        "cel",
    ),
    ("no check is none", {"upstream": {"healthCheck": {}}}, _CHECK, "must be set", "cel"),
    ("TCP has no path", _check(type="TCP", path="/a"), _CHECK, "must not have path or host", "cel"),
    ("a path begins with a slash", _check(path="health"), f"{_CHECK}.path", "must start with '/'", "cel"),
    (
        "the request is put together as text",
        _check(path="/a\r\nX-A: b"),
        f"{_CHECK}.path",
        "only characters that a path",
        "cel",
    ),
    ("nor a blank", _check(path="/a b"), f"{_CHECK}.path", "only characters that a path", "cel"),
    ("a host is one", _check(host="a b"), f"{_CHECK}.host", "must be a host name", "cel"),
    (
        "whole seconds",
        _check(healthy={"interval": "1500ms"}),
        f"{_CHECK}.healthy.interval",
        "must be whole seconds",
        "cel",
    ),
    (
        "not more often",
        _check(unhealthy={"interval": "500ms"}),
        f"{_CHECK}.unhealthy.interval",
        "between 1s and 1h",
        "cel",
    ),
    ("a check ends", _check(timeout="2m"), f"{_CHECK}.timeout", "between 10ms and 1m", "cel"),
    ("before the next", _check(timeout="1001ms"), f"{_CHECK}.timeout", "not be longer than healthy.interval", "cel"),
    (
        "of an unhealthy one, too",
        _check(timeout="5s", healthy={"interval": "5s"}, unhealthy={"interval": "4s"}),
        f"{_CHECK}.timeout",
        "must not be longer than healthy.interval and unhealthy.interval (1s where not written)",
        "cel",
    ),
    (
        "a port that answers is nobody's business",
        _check(port=22),
        f"{_CHECK}.port",
        "is not a field",
        "schema",
    ),
    (
        "each backend is checked by itself",
        {"backends": [{"service": f"s{n}"} for n in range(5)], **_check()},
        _CHECK,
        "4 times a second, each backend by itself: with 5 backends, write a healthy.interval and an",
        "operator",
    ),
    (
        "the canaries' as well, healthy or not",
        {
            "canary": [{"match": _HEADER, "backends": [{"service": f"s{n}"} for n in range(8)]}],
            **_check(healthy={"interval": "3s"}, unhealthy={"interval": "2s"}),
        },
        _CHECK,
        "of at least 3s",
        "operator",
    ),
    ("a status is one", _check(healthy={"statuses": [99]}), f"{_CHECK}.healthy.statuses[0]", "at least 200", "schema"),
    ("once", _check(healthy={"statuses": [200, 200]}), f"{_CHECK}.healthy.statuses", "more than once", "schema"),
    (
        "APISIX counts to 254",
        _check(unhealthy={"timeouts": 255}),
        f"{_CHECK}.unhealthy.timeouts",
        "at most 254",
        "schema",
    ),
    (
        "no headers: a line break would be one",
        _check(headers={"X-A": "b"}),
        f"{_CHECK}.headers",
        "is not a field",
        "schema",
    ),
]

WELL_FORMED = {
    "a split": _backends({"service": "a", "weight": 90}, {"service": "b", "weight": 10}, {"service": "c", "weight": 0}),
    "one service by two resolvers": _backends({"service": "a"}, {"service": "a", "resolve": "Operator"}),
    "two subsets of one service": _backends(
        {"service": "a", "subset": {"tags": ["version:1"]}, "weight": 9},
        {"service": "a", "subset": {"tags": ["version:2"], "meta": {"stage": "", "a-b": "c d"}, "datacenter": "dc2"}},
    ),
    "the same backends in several rules": {
        "canary": [
            {"match": match, "backends": [{"service": "a"}, {"service": "echo", "weight": 3}]}
            for match in (_HEADER, _COOKIE, {"queries": [{"name": "v", "op": "In", "values": ["2", "3"]}]})
        ]
    },
    "a canary on what no rewrite changes": {**_canary(_HEADER), **_rewrite(set={"X-Other": "1"})},
    "hash on a header": _hash("Header", "X-User"),
    "hash on a cookie": {**_hash("Cookie", "user"), **_rewrite(set={"user": "1"})},
    "hash on an argument": _hash("Variable", "arg_user-id"),
    "hash on the client": _hash("Variable", "remote_addr"),
    "the others need nothing": _balance(policy="LeastConnections"),
    "checks by default": _check(),
    "checks of four backends": {"backends": [{"service": name} for name in "abcd"], **_check()},
    "checks of five, not as often": {
        "backends": [{"service": name} for name in "abcde"],
        **_check(timeout="2s", healthy={"interval": "2s"}, unhealthy={"interval": "2s"}),
    },
    "everything about checks": {
        "upstream": {
            "healthCheck": {
                "active": {
                    "type": "HTTPS",
                    "path": "/health?deep=1",
                    "host": "a.internal",
                    "timeout": "500ms",
                    "healthy": {"interval": "5s", "statuses": [200, 204], "successes": 1},
                    "unhealthy": {
                        "interval": "1m", "statuses": [500], "httpFailures": 3, "tcpFailures": 1, "timeouts": 254,
                    },
                },
                "passive": {
                    "healthy": {"statuses": [200], "successes": 0},
                    "unhealthy": {"statuses": [500], "httpFailures": 0, "tcpFailures": 0, "timeouts": 0},
                },
            }
        }
    },
}  # fmt: skip
