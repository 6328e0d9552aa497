"""Backends and canaries that were made up."""

import json

from hypothesis import strategies as st

from .matches import VALUE_OPS, conditions
from .texts import header_names, json_object, labels

_COMPARED = {"op": st.sampled_from(VALUE_OPS), "value": st.text("abc", max_size=3)}


def _subsets(odd):
    tags = st.lists(st.sampled_from(["version:1", "version:2", "ä b"]) | odd, min_size=1, max_size=2, unique=True)
    meta = st.dictionaries(
        st.sampled_from(["stage", "a-b"]) | odd, st.sampled_from(["", "blue"]) | odd, min_size=1, max_size=2
    )
    return json_object({}, tags=tags, meta=meta, datacenter=st.sampled_from(["dc1", "dc-2"]) | odd).filter(bool)


def backend_of(backend):
    """What makes a backend another than others: its service, subset and resolver."""
    subset = backend.get("subset", {})
    resolver = backend.get("resolve", "Operator" if "subset" in backend else "Gateway")
    tags, meta = sorted(subset.get("tags", ())), sorted(subset.get("meta", {}).items())
    return json.dumps([backend["service"], tags, meta, subset.get("datacenter"), resolver])


def backends(odd):
    weight = st.sampled_from([0, 1, 3, 10, 90, 999_999])
    service = st.sampled_from(["echo", "echo-v2"]) | labels | odd
    one = json_object(
        {"service": service}, weight=weight, resolve=st.sampled_from(["Gateway", "Operator"])
    ) | json_object({"service": service, "subset": _subsets(odd)}, weight=weight)
    wrong = odd.flatmap(
        lambda _: json_object({"service": service, "subset": _subsets(odd), "resolve": st.just("Gateway")})
    )
    lists = st.lists(one | wrong, min_size=1, max_size=4, unique_by=backend_of)
    return lists.filter(lambda backends: any(backend.get("weight", 1) for backend in backends))


def canaries(odd):
    match = json_object(
        {},
        headers=st.lists(json_object({"name": st.just("X-Canary"), **_COMPARED}), min_size=1, max_size=1),
        queries=conditions(st.from_regex(r"[A-Za-z0-9_.~-]{1,16}", fullmatch=True), odd),
        cookies=conditions(header_names, odd),
    ).filter(bool)
    return st.lists(json_object({"match": match, "backends": backends(odd)}), min_size=1, max_size=3)
