"""Claims of EchoRoutes as they are written: what two specs have in common decides, in whatever order they come."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from echoroute.core.claims import Claim
from echoroute.core.conflicts import Claims
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import Key
from echoroute.core.policy import Policy
from echoroute.core.seen import Entry
from hypothesis import event, given
from hypothesis import strategies as st

from ..api.made_up.matches import matches

START = datetime(2026, 1, 1, tzinfo=UTC)
OLDER, YOUNGER, NEIGHBOUR = Key("shop", "a"), Key("shop", "b"), Key("lab", "b")


def claim_of(key: Key, match: dict, *, age: int) -> Claim:
    """What an EchoRoute with this match claims; a smaller age is older."""
    spec = {"match": match, "backends": [{"service": "echo"}]}
    entry = Entry("uid", 1, START + timedelta(seconds=age), json.dumps(spec).encode(), b"{}")
    evaluation = evaluate(key, entry, owner="0badcafe", policy=Policy())
    assert evaluation.claim is not None, evaluation.refusal
    return evaluation.claim


def loses(first: tuple[Key, dict], second: tuple[Key, dict]) -> bool:
    """Whether the second, younger one loses to the first; the order of their arrival makes no difference."""
    verdicts = set()
    claims = {key: claim_of(key, match, age=age) for age, (key, match) in enumerate((first, second))}
    for order in (claims, reversed(claims)):
        all_ = Claims()
        for key in order:
            all_.want(key, claims[key])
        all_.seed({}, set(), set())
        assert all_.conflict(first[0]) is None
        verdicts.add(all_.conflict(second[0]) is not None)
    (verdict,) = verdicts
    return verdict


_NOTHING_SEPARATES = [
    ({"methods": ["OPTIONS"]}, "a method"),
    ({"headers": [{"name": "X-None", "op": "NotEqual", "value": "1"}]}, "a condition that nearly always holds"),
    ({"cookies": [{"name": "none", "op": "Absent"}]}, "another one"),
    ({"queries": [{"name": "a", "op": "Exists"}]}, "one that hardly ever does"),
    ({"vars": [["request_method", "~~", "."]]}, "an expression that always holds"),
    ({"remoteAddrs": ["0.0.0.0/0", "::/0"]}, "everybody's address"),
    ({"priority": 100}, "a higher priority"),
    ({"priority": -100}, "a lower priority"),
]


@pytest.mark.parametrize(("more", "why"), _NOTHING_SEPARATES)
def test_nothing_separates_an_equal_path_across_namespaces(more: dict, why: str) -> None:
    general = {"paths": ["/shop/*"]}
    assert loses((OLDER, general), (NEIGHBOUR, {**general, **more})), why
    assert loses((OLDER, {**general, **more}), (NEIGHBOUR, general)), f"{why}, on the other side"


_matches = matches().map(lambda match: {**match, "paths": ["/a"]})


@given(one=_matches, other=_matches)
def test_a_pair_in_common_is_a_conflict_across_namespaces_whatever_else_a_match_says(one: dict, other: dict) -> None:
    hosts = [{host.lower() for host in match.get("hosts", ())} or {""} for match in (one, other)]
    shared = bool(hosts[0] & hosts[1])
    event(f"shared: {shared}")
    assert loses((OLDER, one), (NEIGHBOUR, other)) is shared


@given(one=_matches, other=_matches, same=st.booleans())
def test_within_a_namespace_it_does_not_depend_on_who_is_older(one: dict, other: dict, same: bool) -> None:
    second = {**other, "hosts": one["hosts"]} if same and "hosts" in one else other
    verdicts = {loses((OLDER, one), (YOUNGER, second)), loses((OLDER, second), (YOUNGER, one))}
    assert len(verdicts) == 1
    assert loses((OLDER, one), (YOUNGER, one)), "a copy always conflicts"
