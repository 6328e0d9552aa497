"""Specs for property tests: `specs()` are well formed, `near_specs()` may have something small wrong with them,
`mangled_specs()` something big.

Loaded with `runpy.run_path`, like `cases.py`. What the API server says of `near_specs()` is what the models must say.
"""

import json

from hypothesis import strategies as st

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]

_segment = st.text("abcXYZ09-_.~!,;=@&'<>\" äß你", min_size=1, max_size=8).filter(lambda text: text not in {".", ".."})
_odd = st.text("ab/*:%2F.+()$^?[|\\ \n\tä你env:secret{}\"'", max_size=12)
_exact = st.lists(_segment | st.sampled_from(["a+b", "(x)", "$1", "[1]", "a|b", "a\\b"]), max_size=4).map(
    lambda segments: "/" + "/".join(segments)
)
_prefix = st.lists(_segment, max_size=4).map(lambda segments: "/" + "".join(f"{one}/" for one in segments) + "*")
_label = st.from_regex(r"[0-9A-Za-z_-]{1,10}", fullmatch=True)
_dotted = st.lists(_label, min_size=1, max_size=4).map(".".join)
_host = st.builds(lambda wild, name: wild + name, st.sampled_from(["", "*."]), _dotted)
_plain_host = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(st.from_regex(r"[0-9A-Za-z-]{1,10}", fullmatch=True), min_size=1, max_size=3),
    st.sampled_from(["", ":80", ":65535"]),
)
_duration = st.lists(
    st.builds(lambda number, unit: f"{number}{unit}", st.integers(1, 999), st.sampled_from(["s", "ms"])),
    min_size=1,
    max_size=4,
).map("".join)
_header = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,16}", fullmatch=True)
_value = st.lists(st.text("abc1 ;=\t\"'ä", max_size=4) | st.sampled_from(["$host", "${arg_a}"]), max_size=3).map(
    " ".join
)
_headers = st.dictionaries(_header, _value, min_size=1, max_size=4).filter(
    lambda headers: len({name.lower() for name in headers}) == len(headers)
)
_line = st.text("abc/$ -", max_size=6)
_plugins = st.fixed_dictionaries(
    {},
    optional={
        "key-auth": st.fixed_dictionaries({}, optional={"hide_credentials": st.booleans()}),
        "limit-count": st.fixed_dictionaries({"count": st.integers(1, 1000), "time_window": st.integers(1, 60)}),
        "response-rewrite": st.fixed_dictionaries({"body": _line, "status_code": st.integers(200, 598)}),
        "redirect": st.fixed_dictionaries({"uri": st.just("/b$request_uri")}),
        "limit-req": st.fixed_dictionaries(
            {"rate": st.sampled_from([0.5, 1, 2.0]), "burst": st.integers(0, 9), "key": st.just("remote_addr")}
        ),
    },
)


def _object(required, **optional):
    return st.fixed_dictionaries(required, optional=optional)


def _rewrites(odd):
    path_form = st.one_of(
        st.just({}),
        st.fixed_dictionaries(
            {"regex": st.fixed_dictionaries({"pattern": _exact | odd, "replacement": st.just("/$1") | odd})}
        ),
        st.fixed_dictionaries({"path": _exact.filter(lambda path: "$" not in path) | odd}),
        st.fixed_dictionaries({"stripPrefix": _exact.filter(lambda path: path != "/" and "*" not in path) | odd}),
    )
    rest = _object(
        {},
        host=_plain_host | odd,
        method=st.sampled_from(["GET", "POST", "COPY"]),
        headers=_object({}, set=_headers, add=_headers, remove=st.lists(_header, min_size=1, max_size=3, unique=True)),
    )
    return st.builds(lambda form, more: {**form, **more}, path_form, rest)


def _upstreams(odd):
    return _object(
        {},
        scheme=st.sampled_from(["http", "https", "grpc", "grpcs"]),
        passHost=st.sampled_from(["Pass", "Node", "Rewrite"]),
        host=_plain_host | odd,
        timeout=_object({}, connect=_duration | odd, send=_duration, read=_duration),
        retries=st.integers(0, 100),
        retryTimeout=_duration | st.just("0s") | odd,
        keepalive=_object({}, size=st.integers(1, 1000), idleTimeout=_duration, requests=st.integers(1, 10**6)),
        loadBalancer=st.deferred(lambda: _balancers),
        healthCheck=st.deferred(lambda: _checks(odd)),
    )


_VALUE_OPS, _LIST_OPS, _BARE_OPS = ["Exact", "NotEqual", "Regex", "NotRegex"], ["In", "NotIn"], ["Exists", "Absent"]
_text = st.text("abc,=^.ä", max_size=6)


def _as_compared(condition):
    return json.dumps({**condition, "name": condition["name"].lower().replace("_", "-")}, sort_keys=True)


def _conditions(names, odd):
    """Conditions on headers, queries or cookies; odd ones may also lack what their op needs, or have too much."""
    values = st.lists(_text | odd, min_size=1, max_size=3, unique=True)
    good = (
        _object({"name": names | odd, "op": st.sampled_from(_VALUE_OPS), "value": _text | odd})
        | _object({"name": names | odd, "op": st.sampled_from(_LIST_OPS), "values": values})
        | _object({"name": names | odd, "op": st.sampled_from(_BARE_OPS)})
    )
    ops = st.sampled_from(_VALUE_OPS + _LIST_OPS + _BARE_OPS)
    wrong = odd.flatmap(lambda text: _object({"name": names, "op": ops}, value=st.just(text), values=values))
    return st.lists(good | wrong, min_size=1, max_size=3, unique_by=_as_compared)


_address = st.sampled_from(
    ["10.0.0.1", "10.0.0.1/8", "0.0.0.0/0", "2001:DB8::1", "::/0", "64:ff9b::1.2.3.4", "::1/128"]
)
_odd_address = st.text("0123.:/%fF ", max_size=12) | st.sampled_from(
    [
        "::ffff:1.2.3.4",
        "::ffff:0:0/96",
        "::ffff:1.2.3.4/64",
        "fe80::1%eth0",
        "10.0.0.0/08",
        "10.0.0.01",
        "[::1]",
        "1.2.3.4/+1",
    ]
)
_comparison = st.sampled_from(
    [
        ["arg_a", "==", "1"],
        ["http_x_a", "~=", None],
        ["http_X-A", "~~", "^a"],
        ["arg_n", ">", 5],
        ["arg_a", "!", "in", ["1"]],
    ]
)
_expressions = st.lists(
    _comparison | st.lists(_comparison, min_size=2, max_size=3).map(lambda parts: ["OR", *parts]),
    min_size=1,
    max_size=3,
)


def _matches(odd):
    addresses = _address | odd.flatmap(lambda _: _odd_address)
    return _object(
        {"paths": st.lists(_exact | _prefix | odd, min_size=1, max_size=3, unique=True)},
        hosts=st.lists(_host | odd, min_size=1, max_size=3, unique=True),
        methods=st.lists(st.sampled_from(METHODS), min_size=1, max_size=10, unique=True),
        headers=_conditions(st.from_regex(r"[A-Za-z0-9_-]{1,16}", fullmatch=True), odd),
        queries=_conditions(st.from_regex(r"[A-Za-z0-9_.~\[\]-]{1,16}", fullmatch=True), odd),
        cookies=_conditions(_header, odd),
        remoteAddrs=st.lists(addresses, min_size=1, max_size=3, unique=True),
        vars=_expressions | odd.map(lambda text: [["arg_a", text, text]]),
        priority=st.integers(-(2**31), 2**31 - 1),
    )


_COMPARED = {"op": st.sampled_from(_VALUE_OPS), "value": st.text("abc", max_size=3)}
_balancers = (
    _object({"policy": st.sampled_from(["RoundRobin", "LeastConnections", "EWMA"])})
    | _object(
        {
            "policy": st.just("ConsistentHash"),
            "hashOn": st.sampled_from(["Header", "Cookie"]),
            "key": st.sampled_from(["X-User", "user"]),
        }
    )
    | _object(
        {
            "policy": st.just("ConsistentHash"),
            "hashOn": st.just("Variable"),
            "key": st.sampled_from(["remote_addr", "uri", "arg_u"]),
        }
    )
)
_statuses = st.lists(st.integers(200, 599), min_size=1, max_size=3, unique=True)


def _subsets(odd):
    tags = st.lists(st.sampled_from(["version:1", "version:2", "ä b"]) | odd, min_size=1, max_size=2, unique=True)
    meta = st.dictionaries(
        st.sampled_from(["stage", "a-b"]) | odd, st.sampled_from(["", "blue"]) | odd, min_size=1, max_size=2
    )
    return _object({}, tags=tags, meta=meta, datacenter=st.sampled_from(["dc1", "dc-2"]) | odd).filter(bool)


def backend_of(backend):
    """What makes a backend another than others: its service, subset and resolver."""
    subset = backend.get("subset", {})
    resolver = backend.get("resolve", "Operator" if "subset" in backend else "Gateway")
    tags, meta = sorted(subset.get("tags", ())), sorted(subset.get("meta", {}).items())
    return json.dumps([backend["service"], tags, meta, subset.get("datacenter"), resolver])


def _backends(odd):
    weight = st.sampled_from([0, 1, 3, 10, 90, 999_999])
    service = st.sampled_from(["echo", "echo-v2"]) | _label | odd
    one = _object({"service": service}, weight=weight, resolve=st.sampled_from(["Gateway", "Operator"])) | _object(
        {"service": service, "subset": _subsets(odd)}, weight=weight
    )
    wrong = odd.flatmap(lambda _: _object({"service": service, "subset": _subsets(odd), "resolve": st.just("Gateway")}))
    lists = st.lists(one | wrong, min_size=1, max_size=4, unique_by=backend_of)
    return lists.filter(lambda backends: any(backend.get("weight", 1) for backend in backends))


def _canaries(odd):
    match = _object(
        {},
        headers=st.lists(_object({"name": st.just("X-Canary"), **_COMPARED}), min_size=1, max_size=1),
        queries=_conditions(st.from_regex(r"[A-Za-z0-9_.~-]{1,16}", fullmatch=True), odd),
        cookies=_conditions(_header, odd),
    ).filter(bool)
    return st.lists(_object({"match": match, "backends": _backends(odd)}), min_size=1, max_size=3)


def _checks(odd):
    # Long enough for as many backends as there may be.
    seconds = {"interval": st.sampled_from(["8s", "1m30s"]) | odd}
    active = _object(
        {
            "healthy": _object(seconds, statuses=_statuses, successes=st.integers(1, 254)),
            "unhealthy": _object(
                seconds,
                statuses=_statuses,
                httpFailures=st.integers(1, 254),
                tcpFailures=st.integers(1, 254),
                timeouts=st.integers(1, 254),
            ),
        },
        type=st.sampled_from(["HTTP", "HTTPS"]),
        path=st.sampled_from(["/", "/health?a=b"]) | odd,
        host=_plain_host | odd,
        timeout=st.sampled_from(["1s", "500ms"]) | odd,
    )
    passive = _object(
        {},
        healthy=_object({}, statuses=_statuses, successes=st.integers(0, 254)),
        unhealthy=_object({}, statuses=_statuses, httpFailures=st.integers(0, 254), timeouts=st.integers(0, 254)),
    )
    return _object({"active": active}, passive=passive)


def _specs(odd):
    return _object(
        {
            "match": _matches(odd),
            "backends": _backends(odd),
        },
        canary=_canaries(odd),
        name=st.text("abc .ä", min_size=1, max_size=20) | odd,
        rewrite=_rewrites(odd),
        upstream=_upstreams(odd),
        websocket=st.booleans(),
        enabled=st.booleans(),
        plugins=_plugins,
        gatewayClass=st.just("apisix") | odd,
    )


def _changed(rewrite):
    headers = rewrite.get("headers", {})
    names = (name for field in ("set", "add", "remove") for name in headers.get(field, ()))
    return {name.lower().replace("_", "-") for name in names}


def _holds_together(spec):
    """What the rules between fields ask for."""
    rewrite, upstream = spec.get("rewrite"), spec.get("upstream", {})
    if rewrite and "method" in rewrite and "HEAD" in spec["match"].get("methods", ()):
        return False
    if rewrite is not None and (not rewrite or rewrite.get("headers") == {}):
        return False
    changed = _changed(rewrite or {})
    balancer = upstream.get("loadBalancer", {})
    hashed = {"Header": balancer.get("key", "").lower(), "Cookie": "cookie"}.get(balancer.get("hashOn"))
    looked_at = {"x-canary", "cookie"} if "canary" in spec else set()
    if changed & {*looked_at, hashed}:
        return False
    if rewrite and "host" in rewrite and ("host" in upstream or upstream.get("passHost") == "Node"):
        return False
    return ("host" in upstream) == (upstream.get("passHost") == "Rewrite")


def specs():
    """Well-formed specs."""
    return _specs(st.nothing()).filter(_holds_together)


def matches():
    """Well-formed `match`es."""
    return _matches(st.nothing())


def near_specs():
    """Specs with the right shape, of which many have some string or some combination that must be refused."""
    return _specs(_odd)


_junk = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**40) | st.sampled_from([5.0, 0.5, 1e300, -0.0]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
_FIELDS = [
    "name",
    "match",
    "rewrite",
    "backends",
    "canary",
    "upstream",
    "websocket",
    "enabled",
    "plugins",
    "gatewayClass",
]


@st.composite
def mangled_specs(draw):
    """Well-formed specs in which one value, at any depth, is any JSON."""
    spec = json.loads(json.dumps(draw(specs())))
    place, key = spec, draw(st.sampled_from(_FIELDS) | st.text("ab", max_size=2))
    while isinstance(place.get(key), dict) and place[key] and draw(st.booleans()):
        place = place[key]
        key = draw(st.sampled_from(sorted(place)))
    place[key] = draw(_junk)
    return spec
