"""What holds of any claims, whatever is asked for, sent, answered and listed, and in whatever order."""

from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

from echoroute.core import holders
from echoroute.core.claims import ANY_HOST, Claim
from echoroute.core.conflicts import Claims
from echoroute.core.objects import Key
from hypothesis import example, given
from hypothesis import strategies as st

from .claiming import START, claim

_claims = st.builds(
    Claim,
    created=st.integers(0, 3).map(lambda age: START + timedelta(seconds=age)),
    pairs=st.lists(
        st.tuples(st.sampled_from([ANY_HOST, "a.test"]), st.sampled_from(["/x", "/y", "/z"])),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(tuple),
    priority=st.integers(0, 1),
    methods=st.frozensets(st.sampled_from(["GET", "POST"])),
    conditions=st.sampled_from([b"", b"x", b"y"]),
    demands=st.sampled_from(["", "1", "2"]).map(lambda version: claim(0, version=version).demands),
)
_keys = st.builds(Key, st.sampled_from("mn"), st.sampled_from("abc"))
_events = st.one_of(
    st.tuples(st.just("want"), _keys, st.none() | _claims),
    st.tuples(st.just("confirm"), _keys, st.none()),
    st.tuples(st.just("release"), _keys, st.none()),
    st.tuples(st.sampled_from(["send", "made", "refused", "lost"]), _keys, st.none()),
)


def _send(all_: Claims, key: Key) -> set[Key]:
    """At most one write of a key is under way, and of what is accepted; a deletion of what is gone is one, too."""
    return set() if key in all_._under_way else all_.send(key, all_.accepted(key))


def _made(all_: Claims, key: Key) -> set[Key]:
    return all_.serves(key, all_._held.sent[key][-1], made=True) if key in all_._under_way else set()


def _lost(all_: Claims, key: Key) -> set[Key]:
    all_.lost(key)
    return set()


_ANSWERS: dict[str, Callable[[Claims, Key], set[Key]]] = {
    "send": _send,
    "made": _made,
    "refused": Claims.refused,
    "lost": _lost,
}


def _meet(one: tuple[Key, Claim], other: tuple[Key, Claim]) -> bool:
    (key, mine), (their_key, theirs) = one, other
    if not set(mine.pairs) & set(theirs.pairs):
        return False
    return key.namespace != their_key.namespace or mine.overlaps(theirs)


_A, _B = Key("m", "a"), Key("m", "b")
_LOST: list[tuple[str, Key, Claim | None]] = [
    ("want", _A, claim(0, "/x", methods="POST")),
    ("confirm", _A, None),
    ("want", _B, claim(1, "/x", methods="GET")),
    ("confirm", _B, None),
    ("want", _B, claim(1, "/x")),
    ("release", _A, None),
]
"""The gateway loses what `_A` serves while `_B` asks for more methods of a path than it serves."""


@given(
    early=st.dictionaries(_keys, _claims, max_size=4),
    events=st.lists(_events, max_size=16),
    crowd=st.sampled_from([1, 8]),
)
@example(early={}, events=_LOST, crowd=8)
def test_whatever_happens_no_two_hold_what_conflicts_and_nobody_loses_for_nothing(
    early: dict[Key, Claim], events: list[tuple[str, Key, Claim | None]], crowd: int
) -> None:
    """Also where two are a crowd, which an index is kept of."""
    with patch.object(holders, "_CROWD", crowd):
        _whatever_happens(early, events)


def _may_serve(all_: Claims) -> dict[Key, list[Claim]]:
    return {key: all_._held.may_serve(key) for key in all_._held.serving.keys() | all_._held.sent.keys()}


def _whatever_happens(early: dict[Key, Claim], events: list[tuple[str, Key, Claim | None]]) -> None:
    all_, wanted = Claims(), dict(early)
    for key, one in early.items():
        all_.want(key, one)
    all_.seed({}, set(), set())
    for what, key, change in events:
        verdicts = {other: all_.conflict(other) for other in wanted}
        may_serve = _may_serve(all_)
        told: set[Key] = set()
        if what == "want":
            told = all_.want(key, change)
            if change is None:
                wanted.pop(key, None)
            else:
                wanted[key] = change
            assert _may_serve(all_) == may_serve, (
                "an edit takes from nobody what serves or was sent, not even from itself"
            )
        elif what == "confirm" and (accepted := all_.accepted(key)):
            told = all_.serves(key, accepted)
        elif what == "release":
            told = all_.serves(key, None)  # deleted, or a list shows that the gateway has lost it
        elif what in _ANSWERS:
            told = _ANSWERS[what](all_, key)
        changed = {other for other, before in verdicts.items() if other in wanted and all_.conflict(other) != before}
        assert told - {key} == changed - {key}, "exactly those others are to be looked at again"
        may_serve = _may_serve(all_)
        held = [*all_._held.accepted.items(), *((other, one) for other in may_serve for one in may_serve[other])]
        for mine in held:
            assert not any(_meet(mine, other) for other in held if other[0] != mine[0]), "two hold what conflicts"
        for loser, one in wanted.items():
            meets = [other for other in held if other[0] != loser and _meet((loser, one), other)]
            assert (all_.conflict(loser) is not None) == bool(meets), "who meets nobody stands"
        _ties_are_told(all_, set(wanted))


_more_events = st.one_of(
    _events,
    st.tuples(st.sampled_from(["offer", "end", "again", "delete", "abandon"]), _keys, st.none()),
    st.tuples(st.just("list"), _keys, _claims),
)

_M, _N, _L = Key("m", "a"), Key("n", "a"), Key("n", "b")
_HELD, _ELSEWHERE = claim(2, "/z"), claim(3, "/y")
_OFFERED: list[tuple[str, Key, Claim | None]] = [
    ("want", _M, _ELSEWHERE),
    ("offer", _M, None),
    ("want", _L, claim(1, "/x", "/z")),
]
"""`_M` serves `/x`, which it offers, and `_L` has lost to `_N` on `/z`."""
_GONE: list[tuple[str, Key, Claim | None]] = [
    ("delete", _M, None),
    ("abandon", _M, None),
    ("want", _L, claim(1, "/x", "/z")),
]


_TWO_PATHS: list[tuple[str, Key, Claim | None]] = [
    ("list", _N, claim(1, "/x", "/y")),
    ("want", _M, claim(0, "/y")),
    ("list", _L, claim(2, "/x", priority=7)),
]
"""What `_N` serves beside `_M` is found again to be that, less a path, when somebody comes on its other path."""


@given(
    wanted=st.dictionaries(_keys, _claims, max_size=4),
    serving=st.dictionaries(_keys, _claims, max_size=3),
    events=st.lists(_more_events, max_size=16),
)
@example({_N: _HELD}, {_M: claim(0, "/x"), _N: _HELD}, [*_OFFERED, ("again", _M, None)])
@example({_N: _HELD}, {_M: claim(0, "/x"), _N: _HELD}, [*_OFFERED, ("end", _M, None)])
@example({_N: _HELD, _M: claim(0, "/x")}, {_M: claim(0, "/x"), _N: _HELD}, [*_GONE, ("want", _M, None)])
@example({}, {_M: claim(0, "/y")}, _TWO_PATHS)
def test_a_verdict_follows_from_who_has_what_now_and_not_from_what_came_before(
    wanted: dict[Key, Claim], serving: dict[Key, Claim], events: list[tuple[str, Key, Claim | None]]
) -> None:
    """So a restart says the same. Hand edits, offers and writes without an answer are in it, too."""
    all_, asked, gone = Claims(), dict(wanted), set[Key]()
    for key, one in wanted.items():
        all_.want(key, one)
    all_.seed(serving, set(), set())
    for what, key, change in events:
        before = {other: all_.conflict(other) for other in asked}
        told = all_.come_again(key, START) if what == "want" and key in gone else set()
        told |= _happens(all_, asked, what, key, change)
        gone = gone | {key} if what == "delete" else gone - {key} if what == "want" else gone
        if what == "abandon" and key in gone:
            told |= all_.abandon(key)
        for other, one in asked.items():
            conflict = all_.conflict(other)
            assert conflict is None or conflict == all_._rivals.first_conflict(other, one), "what is accepted stays so"
            assert other in told or conflict == before.get(other), "it is looked at again"


def _happens(all_: Claims, asked: dict[Key, Claim], what: str, key: Key, change: Claim | None) -> set[Key]:
    if what in {"want", "delete", "again"}:
        return _asks(all_, asked, what, key, change)
    if what in {"offer", "end"}:
        return all_.offer(key, lambda taker: taker.name != "c") if what == "offer" else all_.end_offer(key)
    if what in _ANSWERS:
        return _ANSWERS[what](all_, key)
    accepted = all_.accepted(key)
    if what == "list" and change is not None and accepted is None:
        return all_.serves(key, change) | ({key} if all_.is_double(key, change) else set())
    served = accepted if what == "confirm" else None
    return all_.serves(key, served) if served is not None or what == "release" else set()


def _asks(all_: Claims, asked: dict[Key, Claim], what: str, key: Key, change: Claim | None) -> set[Key]:
    if what == "again":
        change = asked.get(key)
    asked.pop(key, None)
    if change is not None:
        asked[key] = change
    return all_.want(key, change, keeps=what != "delete") | {key}


def _ties_are_told(all_: Claims, keys: set[Key]) -> None:
    accepted = all_._held.accepted
    for key in keys & accepted.keys():
        mine = (accepted[key].created, key)
        older = {(one.created, other) for other, one in accepted.items() if _tie((key, accepted[key]), (other, one))}
        oldest = min(older, default=mine)
        tie = all_.ties.of(key)
        assert (tie.other if tie else None) == (oldest[1] if oldest < mine else None)
        assert all(key in all_.ties.behind(other) for created, other in older if (created, other) < mine)


def _tie(one: tuple[Key, Claim], other: tuple[Key, Claim]) -> bool:
    (key, mine), (their_key, theirs) = one, other
    shared = set(mine.pairs) & set(theirs.pairs)
    alike = key.namespace == their_key.namespace and mine.ties(theirs) and not mine.demands.exclude(theirs.demands)
    return bool(shared) and key != their_key and alike
