"""Ownership: ids, names and labels, written and read back."""

import re

import pytest
from echoroute.core.objects import Key
from echoroute.core.ownership import is_key, is_owner_id, labels, owner_id, owner_of, route_id, route_name
from hypothesis import given
from hypothesis import strategies as st

OWNER = "0a1b2c3d"
KEY = Key("default", "echo")
LABELS = labels(OWNER, KEY)

_label = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
_name = st.lists(_label, min_size=1, max_size=5).map(lambda parts: ".".join(parts)[:252].strip(".-") + "x")
_keys = st.builds(Key, _label, _name)


def test_an_owner_id_is_eight_hex_digits_of_cluster_and_class():
    one = owner_id("4f5e4c1a-7a3f-4f5c-9a3e-2f1f0b7b9f10", "apisix")
    assert one == "8f9c661c"  # another value in another version would orphan every route there is
    assert is_owner_id(one)
    assert one != owner_id("4f5e4c1a-7a3f-4f5c-9a3e-2f1f0b7b9f10", "internal")
    assert one != owner_id("00000000-7a3f-4f5c-9a3e-2f1f0b7b9f10", "apisix")


@pytest.mark.parametrize("text", ["", "0a1b2c3", "0a1b2c3d4", "0A1B2C3D", "0a1b2c3g", "0a1b2c3d\n"])
def test_what_is_no_owner_id(text):
    assert not is_owner_id(text)


@pytest.mark.parametrize(
    ("why", "key", "valid"),
    [
        ("an ordinary one", KEY, True),
        ("dots in a name", Key("a", "b.c-d.e"), True),
        ("a namespace has no dots", Key("a.b", "c"), False),
        ("at most 63", Key("a" * 63, "c"), True),
        ("not 64", Key("a" * 64, "c"), False),
        ("at most 253", Key("a", "c" * 253), True),
        ("not 254", Key("a", "c" * 254), False),
        ("lower case", Key("a", "C"), False),
        ("no blanks", Key("a", "b c"), False),
        ("no line break at the end", Key("a", "b\n"), False),
        ("not empty", Key("a", ""), False),
        ("not empty, the other", Key("", "a"), False),
        ("no dash first", Key("a", "-b"), False),
        ("no dash before a dot", Key("a", "b-.c"), False),
    ],
)
def test_what_kubernetes_lets_a_key_be(why, key, valid):
    assert is_key(key) is valid, why


@given(_keys)
def test_keys_of_kubernetes_are_keys(key):
    assert is_key(key)


def test_an_id_says_whose_it_is():
    assert route_id(OWNER, KEY) == "0a1b2c3d.default.echo"


@pytest.mark.parametrize(
    ("why", "name", "cut"), [("64 characters fit", "n" * 47, False), ("65 are cut", "n" * 48, True)]
)
def test_a_long_id_is_cut_and_ended_with_a_hash(why, name, cut):
    identity = route_id(OWNER, Key("default", name))
    assert len(identity) == 64, why
    assert (identity == f"0a1b2c3d.default.{'n' * 30}-6a95f6a75d6ab185") is cut, why


@given(_keys, _keys)
def test_ids_are_valid_and_tell_keys_apart(one, other):
    ids = {route_id(OWNER, one), route_id(OWNER, other)}
    assert len(ids) == len({one, other})
    assert all(re.fullmatch(r"[a-zA-Z0-9\-_.]{1,64}", identity) for identity in ids)


@given(_keys, _keys)
def test_names_are_valid_and_tell_keys_apart(one, other):
    names = {route_name(one), route_name(other)}
    assert len(names) == len({one, other})
    assert all(1 <= len(name) <= 256 for name in names)


def test_names_that_differ_behind_the_cut_only():
    long = "n" * 240
    assert route_name(Key("a" * 60, f"{long}x")) != route_name(Key("a" * 60, f"{long}y"))
    assert route_id(OWNER, Key("a", f"{long}x")) != route_id(OWNER, Key("a", f"{long}y"))


@given(_keys)
def test_labels_read_back(key):
    written = labels(OWNER, key)
    assert all(re.fullmatch(r"\S{1,256}", str(value)) for value in written.values())
    assert owner_of({"labels": written}) == (OWNER, key)
    assert owner_of({"labels": written, "id": route_id(OWNER, key)}) == (OWNER, key)


@pytest.mark.parametrize(
    ("why", "body"),
    [
        ("no labels", {}),
        ("labels of a wrong type", {"labels": ["manager", "echoroute"]}),
        ("somebody else's", {"labels": {**LABELS, "manager": "apisix-ingress-controller"}}),
        ("the manager alone", {"labels": {"manager": "echoroute"}}),
        ("no owner", {"labels": {k: v for k, v in LABELS.items() if k != "owner"}}),
        ("an owner that is none", {"labels": {**LABELS, "owner": "me"}}),
        ("a name of a wrong type", {"labels": {**LABELS, "name": 5}}),
        ("a name that Kubernetes does not have", {"labels": {**LABELS, "name": "A/B"}}),
        ("a copy made by hand, under an id of its own", {"labels": LABELS, "id": "copy-of-echo"}),
        ("a copy with a number as id", {"labels": LABELS, "id": 5}),
    ],
)
def test_what_is_not_ours(why, body):
    assert owner_of(body) is None, why


def test_labels_beside_ours_do_not_matter():
    """They are drift, to be mended, and no reason to take the object for somebody else's."""
    assert owner_of({"labels": {**LABELS, "team": "a"}}) == (OWNER, KEY)


_json = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)


@given(st.dictionaries(st.sampled_from(["manager", "owner", "namespace", "name"]), _json | st.just("echoroute")), _json)
def test_reading_never_fails(found, identity):
    assert owner_of({"labels": found, "id": identity}) is None or is_owner_id(str(found["owner"]))
