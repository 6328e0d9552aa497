"""Nulls that kubectl apply has dropped, by the manifest that it keeps in an annotation."""

import json
from typing import NamedTuple

import pytest
from echoroute.api.objects import LAST_APPLIED
from echoroute.core.dropped import dropped_null
from echoroute.core.objects import JsonObject
from echoroute.core.seen import seen
from hypothesis import given
from hypothesis import strategies as st

_LIVE: JsonObject = {"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}]}


class Case(NamedTuple):
    why: str
    applied: JsonObject
    live: JsonObject
    field: str | None


CASES = [
    Case(
        "a key that nobody asks for any more", {"plugins": {"key-auth": None}}, {"plugins": {}}, "spec.plugins.key-auth"
    ),
    Case(
        "beside another plugin",
        {"plugins": {"cors": {}, "key-auth": None}},
        {"plugins": {"cors": {}}},
        "spec.plugins.key-auth",
    ),
    Case(
        "in a plugin's config",
        {"plugins": {"ip-restriction": {"whitelist": None}}},
        {"plugins": {"ip-restriction": {}}},
        "spec.plugins.ip-restriction.whitelist",
    ),
    Case("any host", {"match": {"paths": ["/a"], "hosts": None}}, {}, "spec.match.hosts"),
    Case("a route that was switched off", {"enabled": None}, {}, "spec.enabled"),
    Case("all plugins", {"plugins": None}, {}, "spec.plugins"),
    Case("in a list", {"backends": [{"service": "echo", "weight": None}]}, {}, "spec.backends[0].weight"),
    Case(
        "the whole service",
        {"backends": [{"service": "echo", "subset": {"tags": ["a"], "meta": {"v": None}}}]},
        {"backends": [{"service": "echo", "subset": {"tags": ["a"], "meta": {}}}]},
        "spec.backends[0].subset.meta.v",
    ),
    Case("somebody has given it a value since", {"enabled": None}, {"enabled": False}, None),
    Case("its absence opens nothing", {"upstream": None, "name": None}, {}, None),
    Case("nothing is null", {"plugins": {"cors": {}}}, {"plugins": {"cors": {}}}, None),
    Case("the word in a text", {"name": "null"}, {"name": "null"}, None),
]


def _annotation(applied: JsonObject) -> str:
    return json.dumps({"kind": "EchoRoute", "spec": {**_LIVE, **applied}})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_what_a_manifest_had_null_is_named(case: Case) -> None:
    told = dropped_null({**_LIVE, **case.live}, _annotation(case.applied))
    if case.field is None:
        assert told is None
    else:
        assert told is not None
        assert told.startswith(f"{case.field}: must not be null")


def test_such_an_object_is_not_used_and_one_without_the_annotation_is() -> None:
    metadata: JsonObject = {
        "namespace": "a",
        "name": "b",
        "annotations": {LAST_APPLIED: _annotation({"enabled": None})},
    }
    faulty = seen({"metadata": metadata, "spec": _LIVE}, gateway_class="apisix").entry
    fine = seen({"metadata": {"namespace": "a", "name": "b"}, "spec": _LIVE}, gateway_class="apisix").entry
    assert faulty is not None
    assert fine is not None
    assert (bool(faulty.fault), bool(fine.fault)) == (True, False)


@given(st.text() | st.sampled_from(["null", "[null]", '{"spec": null}', '{"spec": [null]}', "[" * 9999 + "null"]))
def test_whatever_the_annotation_is_it_raises_nothing(text: str) -> None:
    assert dropped_null(_LIVE, f"{text}null") is None
