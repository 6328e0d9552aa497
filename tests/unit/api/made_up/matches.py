"""Matches that were made up: hosts, paths, methods, conditions, addresses and expressions."""

import json

from hypothesis import strategies as st

from .texts import exact_paths, header_names, hosts, json_object, prefixes

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]
VALUE_OPS, _LIST_OPS, _BARE_OPS = ["Exact", "NotEqual", "Regex", "NotRegex"], ["In", "NotIn"], ["Exists", "Absent"]
_NOTHING = st.nothing()
_text = st.text("abc,=^.ä", max_size=6)


def _as_compared(condition):
    return json.dumps({**condition, "name": condition["name"].lower().replace("_", "-")}, sort_keys=True)


def conditions(names, odd):
    """Conditions on headers, queries or cookies; odd ones may also lack what their op needs, or have too much."""
    values = st.lists(_text | odd, min_size=1, max_size=3, unique=True)
    good = (
        json_object({"name": names | odd, "op": st.sampled_from(VALUE_OPS), "value": _text | odd})
        | json_object({"name": names | odd, "op": st.sampled_from(_LIST_OPS), "values": values})
        | json_object({"name": names | odd, "op": st.sampled_from(_BARE_OPS)})
    )
    ops = st.sampled_from(VALUE_OPS + _LIST_OPS + _BARE_OPS)
    wrong = odd.flatmap(lambda text: json_object({"name": names, "op": ops}, value=st.just(text), values=values))
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


def matches(odd=_NOTHING):
    """Well-formed ones, but for the odd texts that they may have."""
    addresses = _address | odd.flatmap(lambda _: _odd_address)
    return json_object(
        {"paths": st.lists(exact_paths | prefixes | odd, min_size=1, max_size=3, unique=True)},
        hosts=st.lists(hosts | odd, min_size=1, max_size=3, unique=True),
        methods=st.lists(st.sampled_from(METHODS), min_size=1, max_size=10, unique=True),
        headers=conditions(st.from_regex(r"[A-Za-z0-9_-]{1,16}", fullmatch=True), odd),
        queries=conditions(st.from_regex(r"[A-Za-z0-9_.~\[\]-]{1,16}", fullmatch=True), odd),
        cookies=conditions(header_names, odd),
        remoteAddrs=st.lists(addresses, min_size=1, max_size=3, unique=True),
        vars=_expressions | odd.map(lambda text: [["arg_a", text, text]]),
        priority=st.integers(-(2**31), 2**31 - 1),
    )
