"""Several backends: which objects they become, and who answers when a gateway reads the rules in order."""

import re
from collections import Counter

import pytest
from echoroute.api import parse_spec
from echoroute.api.selection import Resolver
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.shares import PARTS, thresholds
from echoroute.core.split import serving
from echoroute.core.translate import translate
from hypothesis import given

from ..api.made_up.specs import specs

_KEY = Key("default", "echo")
_OWNER = "0a1b2c3d"
_PREFIXES = [f"{value:03x}" for value in range(PARTS)]
_HEADER = {"headers": [{"name": "X-Canary", "op": "Exact", "value": "1"}]}
_COOKIE = {"cookies": [{"name": "beta", "op": "Exists"}]}
_ON_HEADER, _ON_COOKIE = ["http_x_canary", "==", "1"], ["cookie_beta", "~=", None]


def _bundle(**fields):
    spec = {"match": {"paths": ["/a"]}, **fields}
    return translate(_KEY, parse_spec(spec), owner=_OWNER)


def _route(bundle):
    return bundle.objects[ObjectRef(Kind.ROUTE, bundle.route_id)]


def _rules(bundle):
    return _route(bundle).get("plugins", {}).get("traffic-split", {}).get("rules", [])


def _names(bundle):
    """What each Upstream is, by its id."""
    found = {}
    for ref, body in bundle.objects.items():
        if ref.kind is Kind.UPSTREAM:
            found[ref.id] = str(bundle.resolved[ref]) if ref in bundle.resolved else body["service_name"]
    return found


def _answers(bundle, *holding, prefixes=_PREFIXES):
    """How many of the prefixes go to which Upstream, for requests of which these conditions hold."""
    taken = Counter()
    rules = []
    for rule in _rules(bundle):
        (of,), (upstream,) = rule["match"], rule["weighted_upstreams"]
        patterns = [re.compile(text).match for name, *_, text in of["vars"] if name == "request_id"]
        if all(condition in holding for condition in of["vars"] if condition[0] != "request_id"):
            rules.append((patterns, upstream.get("upstream_id", "own")))
    for prefix in prefixes:
        taken[next((to for patterns, to in rules if all(holds(prefix) for holds in patterns)), "own")] += 1
    names = _names(bundle)
    return {names.get(target, target): number for target, number in taken.items()}


@pytest.mark.parametrize(
    ("why", "backends", "expected"),
    [
        ("one has all, and no rule", [{"service": "a"}], {"own": 4096}),
        ("nobody else has a weight", [{"service": "a"}, {"service": "b", "weight": 0}], {"own": 4096}),
        ("a tenth", [{"service": "a", "weight": 90}, {"service": "b", "weight": 10}], {"own": 3686, "b": 410}),
        (
            "the first of positive weight is the route's own",
            [{"service": "z", "weight": 0}, {"service": "a", "weight": 1}, {"service": "b", "weight": 3}],
            {"own": 1024, "b": 3072},
        ),
        (
            "four",
            [{"service": name, "weight": weight} for name, weight in (("a", 40), ("b", 30), ("c", 20), ("d", 10))],
            {"own": 1638, "b": 1229, "c": 819, "d": 410},
        ),
        (
            "a subset",
            [{"service": "a"}, {"service": "a", "subset": {"tags": ["v2"]}}],
            {"own": 2048, "'a' with 'v2'": 2048},
        ),
    ],
)
def test_shares_of_backends(why, backends, expected):
    assert _answers(_bundle(backends=backends)) == expected, why


def test_a_canary_decides_before_shares():
    bundle = _bundle(
        backends=[{"service": "a", "weight": 90}, {"service": "b", "weight": 10}],
        canary=[
            {"match": _HEADER, "backends": [{"service": "b"}]},
            {"match": _COOKIE, "backends": [{"service": "a", "weight": 3}, {"service": "c", "weight": 1}]},
        ],
    )
    assert _answers(bundle) == {"own": 3686, "b": 410}
    assert _answers(bundle, _ON_HEADER) == {"b": 4096}
    assert _answers(bundle, _ON_COOKIE) == {"own": 3072, "c": 1024}
    assert _answers(bundle, _ON_HEADER, _ON_COOKIE) == {"b": 4096}, "the first rule decides"
    assert sorted(_names(bundle).values()) == ["b", "c"], "the same backend in two rules is one Upstream"


def test_a_rule_as_it_is_written():
    bundle = _bundle(
        backends=[{"service": "a"}],
        canary=[{"match": {**_HEADER, **_COOKIE}, "backends": [{"service": "a"}, {"service": "b"}]}],
    )
    (upstream_id,) = _names(bundle)
    both = [_ON_HEADER, _ON_COOKIE]
    assert _rules(bundle) == [
        {
            "match": [{"vars": [*both, ["request_id", "~~", "^(?:[0-7])"]]}],
            "weighted_upstreams": [{"upstream_id": upstream_id, "weight": 1}],
        },
        {"match": [{"vars": both}], "weighted_upstreams": [{"weight": 1}]},
    ]
    assert upstream_id.startswith("0a1b2c3d.default.echo.")
    body = bundle.objects[ObjectRef(Kind.UPSTREAM, upstream_id)]
    assert body == {**_route(bundle)["upstream"], "service_name": "b", "labels": _route(bundle)["labels"]}


def test_an_upstream_that_the_operator_resolves_is_named_by_the_route():
    bundle = _bundle(backends=[{"service": "a", "resolve": "Operator"}])
    (ref,) = bundle.resolved
    assert _route(bundle)["upstream_id"] == ref.id
    assert "upstream" not in _route(bundle)
    assert _answers(bundle) == {"own": 4096}


def _ids(**fields):
    return frozenset(_names(_bundle(**fields)))


_TWO = [{"service": "a", "weight": 1}, {"service": "b", "weight": 1}]


@pytest.mark.parametrize(
    ("why", "fields", "same"),
    [
        ("weights change the Route alone", {"backends": [{"service": "a", "weight": 9}, _TWO[1]]}, True),
        ("so does what matches", {"backends": _TWO, "match": {"paths": ["/b"]}}, True),
        ("and a canary that uses it", {"backends": _TWO, "canary": [{"match": _HEADER, "backends": [_TWO[1]]}]}, True),
        ("another service is another object", {"backends": [_TWO[0], {"service": "c"}]}, False),
        ("another resolver, too", {"backends": [_TWO[0], {"service": "b", "resolve": "Operator"}]}, False),
        ("and another setting: what serves is never half new", {"backends": _TWO, "upstream": {"retries": 1}}, False),
    ],
)
def test_of_an_upstream_only_nodes_change_in_place(why, fields, same):
    assert (_ids(backends=_TWO) == _ids(**fields)) is same, why


def test_order_of_tags_and_meta_makes_no_other_upstream():
    def ids(tags, meta):
        return _ids(backends=[{"service": "a", "subset": {"tags": tags, "meta": meta}}])

    assert ids(["x", "y"], {"a": "1", "b": "2"}) == ids(["y", "x"], {"b": "2", "a": "1"})
    assert ids(["x"], {"a": "1"}) != ids(["x"], {"a": "2"})


def test_ids_of_a_long_name_are_cut_and_still_differ():
    key = Key("n" * 63, "x" * 253)
    spec = parse_spec({"match": {"paths": ["/a"]}, "backends": [{"service": f"s{number}"} for number in range(16)]})
    ids = [ref.id for ref in translate(key, spec, owner=_OWNER).objects]
    assert len(set(ids)) == 16
    assert {len(one) for one in ids} == {64}
    assert all(one.startswith(f"{_OWNER}.") for one in ids)


@given(specs())
def test_of_whatever_is_asked_for_each_prefix_has_its_backend(raw):
    spec = parse_spec(raw)
    bundle = translate(_KEY, spec, owner=_OWNER)
    own, *others = serving(spec)
    assert len(_names(bundle)) == len(others) + (own.resolver is Resolver.OPERATOR)
    positive = [backend for backend in spec.backends if backend.share > 0]
    bounds = thresholds([backend.share for backend in positive])
    for value in (0, PARTS - 1, *(bound - below for bound in bounds for below in (0, 1))):
        ((to, _),) = _answers(bundle, prefixes=[f"{value:03x}"]).items()
        name = positive[next((at for at, bound in enumerate(bounds, start=1) if value < bound), 0)].selection
        assert to == ("own" if name == own else str(name) if name.resolver is Resolver.OPERATOR else name.service.name)
