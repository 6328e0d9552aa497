"""What many EchoRoutes with one path cost, and few with many pairs: nobody may stop the others by writing either.

Promises are asserted with five times their bound, and printed (`pytest -s`).
"""

import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from echoroute.core.conflicts import Claim, Claims
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import JsonObject, Key
from echoroute.core.policy import Policy
from echoroute.core.seen import Entry
from pydantic_core import to_json

_START = datetime(2026, 1, 1, tzinfo=UTC)


def _claims(number: int, match: JsonObject) -> Iterator[tuple[Key, Claim]]:
    for n in range(number):
        key = Key(f"team-{n % 50}", f"r{n}")
        spec: JsonObject = {"match": match, "backends": [{"service": "echo"}]}
        created = _START + timedelta(seconds=n)
        entry = Entry(uid=f"uid-{n}", generation=1, created=created, spec=to_json(spec), status=b"{}")
        claim = evaluate(key, entry, owner="0123abcd", policy=Policy(frozenset())).claim
        assert claim is not None
        yield key, claim


def _promised(what: str, found: float, bound: float, unit: str) -> None:
    print(f"{what}: {found:.3f} {unit} (promised: {bound:g} {unit})")  # noqa: T201
    assert found <= 5 * bound


@pytest.mark.parametrize("first", ["gateway", "echoroutes"])
def test_a_thousand_echoroutes_on_one_path(first: str) -> None:
    claims, all_ = Claims(), list(_claims(1_000, {"paths": ["/*"]}))
    began = time.process_time()
    if first == "gateway":
        claims.seed({}, set(), set())
    for key, claim in all_:
        claims.want(key, claim)
    if first == "echoroutes":
        claims.seed({}, set(), set())
    _promised(f"1,000 on one path, {first} listed first", time.process_time() - began, 1.0, "s of CPU")
    assert sum(claims.conflict(key) is None for key, _ in all_) == 1


def test_a_few_hundred_echoroutes_with_as_many_pairs_as_there_may_be() -> None:
    match: JsonObject = {
        "paths": [f"/{number}" for number in range(16)],
        "hosts": [f"h{number}.example.com" for number in range(16)],
    }
    tracemalloc.start()
    try:
        claims = Claims()
        claims.seed({}, set(), set())
        for key, claim in _claims(260, match):
            claims.want(key, claim)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    _promised("260 with 256 pairs each, which all of them claim", held / 1e6, 100, "MB")


def test_a_few_hundred_echoroutes_with_pairs_of_their_own() -> None:
    tracemalloc.start()
    try:
        claims = Claims()
        claims.seed({}, set(), set())
        for n in range(260):
            match: JsonObject = {
                "paths": [f"/{n}/{number}" for number in range(16)],
                "hosts": [f"h{number}.example.com" for number in range(16)],
            }
            ((_, claim),) = _claims(1, match)
            claims.want(Key("shop", f"r{n}"), claim)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    _promised("260 with 256 pairs each, of their own", held / 1e6, 100, "MB")
