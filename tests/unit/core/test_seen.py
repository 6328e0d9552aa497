"""Whatever an object is, it becomes an entry, and whatever is wrong with it a refusal of it alone."""

import sys
from datetime import UTC, datetime

import pytest
from echoroute.core.evaluate import evaluate
from echoroute.core.facts import Refusal
from echoroute.core.objects import JsonObject, Key
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry, seen
from echoroute.errors import FieldError
from pydantic import JsonValue

KEY = Key("shop", "cart")


def nested(levels: int) -> JsonValue:
    value: JsonValue = "S3CRET"
    for _ in range(levels):
        value = [value]
    return value


def raw(spec: JsonValue, **metadata: JsonValue) -> JsonObject:
    given: JsonObject = {"namespace": "shop", "name": "cart", "uid": "u", "generation": 1, "resourceVersion": "7"}
    given["creationTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": {**given, **metadata}, "spec": spec, "status": {}}


def spec_with(value: JsonValue) -> JsonObject:
    return {"match": {"paths": ["/a"]}, "backends": [{"service": "echo"}], "plugins": {"cors": {"a": value}}}


def entry_of(object_: JsonObject) -> Entry:
    found = seen(object_, gateway_class="apisix")
    assert (found.key, found.version) == (KEY, 7)
    assert found.entry is not None
    return found.entry


def judged(entry: Entry, policy: Policy | None = None) -> Refusal:
    refusal = evaluate(KEY, entry, owner="0a1b2c3d", policy=policy or Policy()).refusal
    assert refusal is not None
    return refusal


@pytest.mark.parametrize("levels", [30, 210, 300, 1_500, 9_000])
def test_a_deep_spec_is_refused_by_name_and_not_kept(levels: int) -> None:
    entry = entry_of(raw(spec_with(nested(levels))))
    refusal = judged(entry)
    assert refusal.reason is Reason.INVALID
    assert "spec.plugins.cors.a[0]" in refusal.message
    assert entry.spec == b""
    assert "S3CRET" not in repr(entry)


def test_a_large_spec_is_not_kept() -> None:
    entry = entry_of(raw(spec_with("x" * 1_000_000)))
    assert "64 KiB" in judged(entry).message
    assert sum(map(sys.getsizeof, (entry.spec, entry.status, entry.fault))) < 1_000


@pytest.mark.parametrize(
    ("object_", "why"),
    [
        (raw("a text"), "no object at all"),
        (raw(None), "nothing"),
        (raw({"match": 1, "backends": {}}), "of the wrong types"),
        (raw(spec_with("\ud800")), "a text that is no text"),
        (raw({**spec_with("x"), "status": nested(500)}), "a deep field of no name of ours"),
    ],
)
def test_other_shapes_are_refused_too(object_: JsonObject, why: str) -> None:
    assert judged(entry_of(object_)).reason is Reason.INVALID, why


@pytest.mark.parametrize("time", ["", "yesterday", nested(300)])
def test_an_envelope_that_no_api_server_writes_raises_nothing(time: JsonValue) -> None:
    object_ = raw(spec_with("x"), creationTimestamp=time, generation=nested(300), uid=5)
    object_["status"] = {"conditions": nested(400)}
    entry = entry_of(object_)
    assert (entry.created, entry.status) == (datetime(1970, 1, 1, tzinfo=UTC), b"{}")
    assert seen(raw({}, resourceVersion="9" * 5_000), gateway_class="apisix").version == 0


class _Broken(Policy):
    def refusals(self, spec: object) -> tuple[FieldError, ...]:
        raise RuntimeError(f"a bug, with {spec}")


def test_a_bug_refuses_what_it_was_met_by_and_shows_nothing_of_it() -> None:
    entry = entry_of(raw({"match": {"paths": ["/S3CRET"]}, "backends": [{"service": "echo"}]}))
    refusal = judged(entry, _Broken())
    assert refusal.reason is Reason.INVALID
    assert "RuntimeError" in refusal.message
    assert "S3CRET" not in refusal.message
