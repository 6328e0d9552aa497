"""The plan: applied, it gives what is desired; on what is desired it is empty; what is not ours is never touched."""

import json

import pytest
from echoroute.core.changes import Delete, Put
from echoroute.core.facts import Failed
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.plan import Absent, Desired, Keep, KeyPlan, Known, Present, Wanted, digest, names, plan_key
from echoroute.core.reasons import Reason
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

CART = Key("shop", "cart")
ROUTE = ObjectRef(Kind.ROUTE, "o.shop.cart")
BLUE = ObjectRef(Kind.UPSTREAM, "o.shop.cart.blue")
GREEN = ObjectRef(Kind.UPSTREAM, "o.shop.cart.green")

Gateway = dict[ObjectRef, Known]


def known(key: Key | None, body: JsonObject) -> Known:
    return Known(key, digest(body), create_time=1, modified_index=1, names=names(body))


def naming(*upstreams: ObjectRef) -> JsonObject:
    """A Route that sends requests to these, by its own upstream or by the rules of a plugin."""
    own, *others = [upstream.id for upstream in upstreams]
    rules: list[JsonValue] = [{"weighted_upstreams": [{"upstream_id": other, "weight": 1}]} for other in others]
    return {"upstream_id": own, "plugins": {"traffic-split": {"rules": rules}}}


def _present(bundle: Bundle, waits: str = "") -> Present:
    return Present(bundle, Wanted.of(bundle), waits)


def present(**objects: JsonObject) -> Present:
    refs = {"route": ROUTE, "blue": BLUE, "green": GREEN}
    return _present(Bundle(ROUTE.id, {refs[name]: body for name, body in objects.items()}))


def keeping(*kept: ObjectRef, waits: str = "", **objects: JsonObject) -> Present:
    return _present(Bundle(ROUTE.id, present(**objects).bundle.objects, dict.fromkeys(kept, "the instances")), waits)


def apply(key: Key, key_plan: KeyPlan, gateway: Gateway) -> None:
    for change in (*key_plan.writes, *key_plan.removals):
        match change:
            case Put(ref, body):
                gateway[ref] = known(key, body)
            case Delete(ref):
                del gateway[ref]  # a plan deletes nothing that is not there


@pytest.mark.parametrize(
    ("desired", "before", "changes", "why"),
    [
        (present(route={"a": 1}), {}, (Put(ROUTE, {"a": 1}),), "missing: written"),
        (present(route={"a": 1}), {ROUTE: known(CART, {"a": 1})}, (), "equal: an identical PUT would be a write"),
        (present(route={"a": 1}), {ROUTE: known(CART, {"a": 2})}, (Put(ROUTE, {"a": 1}),), "a hand edit is mended"),
        (present(route={}), {ROUTE: known(CART, {}), BLUE: known(CART, {})}, (Delete(BLUE),), "left over: deleted"),
        (keeping(BLUE, route={"a": 1}), {BLUE: known(CART, {})}, (Put(ROUTE, {"a": 1}),), "one that is kept is there"),
        (keeping(BLUE, route={}), {ROUTE: known(CART, {}), BLUE: known(CART, {"a": 2})}, (), "whatever it is"),
        (keeping(BLUE), {ROUTE: known(CART, {}), BLUE: known(CART, {})}, (Delete(ROUTE),), "others may go"),
        (keeping(waits="?", route={}), {ROUTE: known(CART, {})}, (), "there already: it has to wait for nothing"),
        (Keep(), {ROUTE: known(CART, {"a": 2})}, (), "kept: neither written nor deleted nor mended"),
        (Keep(), {}, (), "kept: what is gone cannot be made again"),
        (Keep(), {BLUE: known(CART, {})}, (Delete(BLUE),), "no Route ever named it: what serves needs none of it"),
        (
            Keep(),
            {ROUTE: known(CART, naming(BLUE)), BLUE: known(CART, {}), GREEN: known(CART, {})},
            (Delete(GREEN),),
            "kept is what the Route there names",
        ),
        (
            Keep(),
            {ROUTE: known(CART, naming(BLUE, GREEN)), BLUE: known(CART, {}), GREEN: known(CART, {})},
            (),
            "and that of its plugins",
        ),
        (Keep(), {ROUTE: known(CART, {}), BLUE: known(None, {})}, (), "not ours: never deleted, whoever names it"),
        (Absent(), {ROUTE: known(CART, {})}, (Delete(ROUTE),), "not desired: deleted"),
        (Absent(), {}, (), "nothing there: nothing to do"),
        (Absent(), {ROUTE: known(None, {})}, (), "not ours: never deleted"),
        (Absent(), {ROUTE: known(Key("shop", "other"), {})}, (), "another EchoRoute's: never deleted for this one"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_decision_table(desired: Desired, before: Gateway, changes: tuple[Put | Delete, ...], why: str) -> None:
    writes = tuple(change for change in changes if isinstance(change, Put))
    removals = tuple(change for change in changes if isinstance(change, Delete))
    assert plan_key(CART, desired, before) == KeyPlan(writes, removals), why
    expected = {CART: KeyPlan(writes, removals)} if changes else {}
    mine = {ref: object_ for ref, object_ in before.items() if object_.key in (CART, None)}
    assert plan({CART: desired}, mine) == expected, why


@pytest.mark.parametrize("owner", [None, Key("shop", "other")])
def test_a_foreign_object_at_one_id_stops_the_whole_bundle(owner: Key | None) -> None:
    desired = present(route={"a": 1}, blue={"b": 1}, green={})
    before = {BLUE: known(owner, {"b": 1}), ROUTE: known(CART, {"old": 1})}
    assert plan_key(CART, desired, before) == KeyPlan(foreign=(BLUE,)), "a bundle is never half applied"


WAITS = "Consul has not told yet"
UNKNOWN = Failed(
    Reason.REFS_NOT_RESOLVED, "Consul has not told the instances yet; what the gateway holds stays as it is"
)


@pytest.mark.parametrize(
    ("desired", "before", "expected", "why"),
    [
        (
            keeping(BLUE, route={}),
            {},
            KeyPlan(waits=UNKNOWN),
            "a Route that names a missing Upstream answers 500",
        ),
        (
            keeping(BLUE, route={}),
            {GREEN: known(CART, {}), ROUTE: known(CART, naming(GREEN))},
            KeyPlan(waits=UNKNOWN),
            "the last good generation stays, whole",
        ),
        (
            keeping(BLUE, waits=WAITS, route={}),
            {GREEN: known(CART, {}), BLUE: known(CART, {})},
            KeyPlan((), (Delete(GREEN),), waits=Failed(Reason.PENDING, WAITS)),
            "what an edit before has left goes; what the Route is yet to name stays",
        ),
        (keeping(BLUE, route={}), {BLUE: known(None, {})}, KeyPlan(foreign=(BLUE,)), "nor is somebody else's kept"),
        (keeping(waits=WAITS, route={}), {}, KeyPlan(waits=Failed(Reason.PENDING, WAITS)), "nothing is written yet"),
        (
            keeping(waits=WAITS, route={"a": 1}),
            {ROUTE: known(CART, naming(BLUE)), BLUE: known(CART, {})},
            KeyPlan(waits=Failed(Reason.PENDING, WAITS)),
            "and nothing removed: a spec is not applied by halves",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_waits(desired: Desired, before: Gateway, expected: KeyPlan, why: str) -> None:
    assert plan_key(CART, desired, before) == expected, why


def test_order_of_writes() -> None:
    desired = present(route={"new": 1}, green={}, blue={})
    old_route, old_upstream = ObjectRef(Kind.ROUTE, "o.shop.cart-old"), ObjectRef(Kind.UPSTREAM, "o.shop.cart.a-old")
    before = {old_upstream: known(CART, {}), old_route: known(CART, {}), ROUTE: known(CART, {})}
    found = plan_key(CART, desired, before)
    changes = (*found.writes, *found.removals)
    assert [change.ref for change in changes] == [BLUE, GREEN, ROUTE, old_route, old_upstream], (
        "what is referred to is there first and goes last"
    )
    assert [type(change) for change in changes] == [Put, Put, Put, Delete, Delete]


_KEYS = [CART, Key("shop", "pay"), Key("lab", "cart")]
_named = st.sampled_from([f"o.{key}.{n}" for key in _KEYS for n in range(2)])
_bodies = st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2) | st.builds(
    lambda upstream: {"upstream_id": upstream}, _named
)


def _refs(key: Key) -> st.SearchStrategy[ObjectRef]:
    return st.builds(lambda kind, n: ObjectRef(kind, f"o.{key}.{n}"), st.sampled_from(Kind), st.integers(0, 1))


def _desired(key: Key) -> st.SearchStrategy[Desired]:
    bundles = st.dictionaries(_refs(key), _bodies, max_size=3).map(lambda objects: _present(Bundle("r", objects)))
    return bundles | st.just(Keep()) | st.just(Absent())


_desires = st.fixed_dictionaries({}, optional={key: _desired(key) for key in _KEYS})
_any_ref = st.one_of([_refs(key) for key in _KEYS])
_gateways = st.dictionaries(_any_ref, st.builds(known, st.sampled_from([None, *_KEYS]), _bodies), max_size=8)
_own_gateways = st.dictionaries(_any_ref, _bodies, max_size=8).map(
    lambda bodies: {
        ref: known(next(key for key in _KEYS if f"o.{key}." in ref.id), body) for ref, body in bodies.items()
    }
)


def plan(desired: dict[Key, Desired], gateway: Gateway) -> dict[Key, KeyPlan]:
    """The plans that are not empty, of all keys."""
    plans = {key: plan_key(key, desired.get(key, Absent()), _around(key, gateway)) for key in _KEYS}
    return {key: key_plan for key, key_plan in plans.items() if key_plan != KeyPlan()}


def _around(key: Key, gateway: Gateway) -> Gateway:
    """What a key owns, and what is at its ids."""
    return {ref: object_ for ref, object_ in gateway.items() if object_.key == key or f"o.{key}" in ref.id}


def _kept(key: Key, before: Gateway) -> set[ObjectRef]:
    """The Routes of a key, and the Upstreams of it that they name."""
    around = _around(key, before)
    named = {name for ref, object_ in around.items() if ref.kind is Kind.ROUTE for name in object_.names}
    return {
        ref for ref, object_ in around.items() if object_.key == key and (ref.kind is Kind.ROUTE or ref.id in named)
    }


@given(desired=_desires, before=_own_gateways)
def test_applying_a_plan_gives_what_is_desired(desired: dict[Key, Desired], before: Gateway) -> None:
    gateway = dict(before)
    for key, key_plan in plan(desired, before).items():
        assert not key_plan.foreign
        apply(key, key_plan, gateway)
    for key in _KEYS:
        now = {ref: object_.digest for ref, object_ in gateway.items() if object_.key == key}
        match desired.get(key, Absent()):
            case Present(bundle=bundle):
                assert now == {ref: digest(body) for ref, body in bundle.objects.items()}
            case Keep():
                assert now == {ref: before[ref].digest for ref in _kept(key, before)}
            case Absent():
                assert now == {}
    assert plan(desired, gateway) == {}, "what is as desired needs nothing"


@given(desired=_desires, before=_gateways)
def test_foreign_objects_are_never_changed(desired: dict[Key, Desired], before: Gateway) -> None:
    gateway = dict(before)
    for key, key_plan in plan(desired, before).items():
        for change in (*key_plan.writes, *key_plan.removals):
            assert change.ref not in before or before[change.ref].key == key
        assert not (key_plan.foreign and key_plan.writes), "a bundle is never half applied"
        apply(key, key_plan, gateway)
    for ref, object_ in before.items():
        if object_.key is None:
            assert gateway[ref] == object_


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(st.text(max_size=3), _json, max_size=4)


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {name: _reversed(item) for name, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@given(body=_objects)
def test_a_digest_ignores_the_order_of_members_and_survives_json(body: JsonObject) -> None:
    turned = _reversed(body)
    assert isinstance(turned, dict)
    assert digest(turned) == digest(body)
    assert digest(json.loads(json.dumps(body))) == digest(body)


@pytest.mark.parametrize(
    ("one", "other", "equal", "why"),
    [
        ({"a": 6.0}, {"a": 6}, True, "APISIX stores 6.0 as 6"),
        ({"a": [{"b": 6.0}]}, {"a": [{"b": 6}]}, True, "also inside"),
        ({"a": [1, 6.0]}, {"a": [1, 6]}, True, "at the end of a list"),
        ({"a": [6.0, 1]}, {"a": [6, 1]}, True, "and at its beginning"),
        ({"a": 10.0}, {"a": 10}, True, "of several digits"),
        ({"a": 1e16}, {"a": 10**16}, True, "large ones are written with an exponent"),
        ({"a": 1.5e300}, {"a": int(1.5e300)}, True, "also those of several digits"),
        ({"a": -0.0}, {"a": 0}, True, "there is one zero"),
        ({"a": "[6.0]"}, {"a": "[6]"}, False, "a text is no number"),
        ({"a": 1e-7}, {"a": 0}, False, "a small fraction counts"),
        ({"a": 6.5}, {"a": 6}, False, "a fraction counts"),
        ({"a": 1}, {"a": True}, False, "a number is no boolean, though Python says so"),
        ({"a": 1}, {"a": "1"}, False, "nor a text"),
        ({"a": [1, 2]}, {"a": [2, 1]}, False, "the order of a list counts"),
        ({"a": None}, {}, False, "null is a value"),
        ({"a": {}}, {"a": []}, False, "an empty object is no empty list"),
        ({"a": "\ud800"}, {"a": "?"}, False, "a lone surrogate does not break it"),
    ],
)
def test_what_a_digest_tells_apart(one: JsonObject, other: JsonObject, equal: bool, why: str) -> None:
    assert (digest(one) == digest(other)) is equal, why
