"""A pair was given up, and the gateway rejects that: both serve it. A start says the same as who has seen it come."""

from dataclasses import dataclass, field
from itertools import product

import pytest
from echoroute.core.claims import ANY_HOST, Claim
from echoroute.core.conflicts import Claims
from echoroute.core.objects import Key
from hypothesis import example, given
from hypothesis import strategies as st

from .claiming import A, B, C, X, claim, judged, losers, winner

MOVED, TAKEN = claim(1, "/moved"), claim(0, "/taken")


def moved() -> Claims:
    """A has given up what it serves, and the gateway rejects that; B has got it, and C has `/taken`."""
    all_ = judged({A: MOVED, C: TAKEN})
    all_.serves(A, MOVED)
    all_.serves(C, TAKEN)
    all_.want(A, claim(1, "/rejected"))
    all_.offer(A, lambda _: True)
    all_.want(B, claim(2, "/moved"))
    for key in (B, A):
        all_.send(key, all_.accepted(key))
    all_.serves(B, claim(2, "/moved"), made=True)
    all_.refused(A)
    assert losers(all_) == set()
    return all_


def started_again(all_: Claims) -> Claims:
    return judged(dict(all_._wanted), dict(all_._held.serving))


@pytest.mark.parametrize("starts", [False, True])
def test_who_has_got_what_the_gateway_leaves_with_both_loses_nothing_by_its_edits(starts: bool) -> None:
    all_ = started_again(moved()) if starts else moved()
    assert all_.want(B, claim(2, "/moved", priority=7)) == set()
    assert losers(all_) == set(), "it asks for what it serves"
    assert all_.want(B, claim(2, "/taken")) == set()
    assert winner(all_, B) == C
    again = started_again(all_)
    for each in (all_, again):
        assert losers(each) == {B}
        assert not each.is_double(B, claim(2, "/moved"))
        assert not each.serves_double(B), "its last good generation serves on"
        each.want(X, claim(9, "/moved"))
        assert winner(each, X) in {A, B}, "and it is nobody else's"


def test_who_has_given_it_up_does_not_get_it_back_from_who_asks_for_it() -> None:
    for all_ in (moved(), started_again(moved())):
        all_.want(A, MOVED)
        assert winner(all_, A) == B
        assert all_.is_double(A, MOVED) or all_.serves_double(A)
        assert not all_.serves_double(B)


@dataclass
class Played:
    """Claims, and a gateway that rejects what has one of some paths."""

    all_: Claims = field(default_factory=Claims)
    gateway: dict[Key, Claim] = field(default_factory=dict)
    wanted: dict[Key, Claim | None] = field(default_factory=dict)
    told: set[Key] = field(default_factory=set)
    """Those that know that they have lost: they wait for more than an offer."""

    def want(self, key: Key, one: Claim | None) -> None:
        """An edit; None is a spec that cannot be used."""
        self.wanted[key] = one
        self.all_.want(key, one, keeps=True)

    def settle(self) -> int:
        """The operator does what there is to do, and lists the gateway, until nothing changes; gives the writes."""
        writes = 0
        for _ in range(6):
            for key in self.wanted:
                writes += self._write(key)
            for key in self.wanted:
                writes += self._withdraw(key)
        self.told = {key for key in self.wanted if self.all_.conflict(key)}
        return writes

    def _write(self, key: Key) -> int:
        accepted = self.all_.accepted(key)
        if accepted is None or self.gateway.get(key) == accepted:
            return 0
        takers = list[Key]()
        if self.all_.offers.gives_up(key):
            self.all_.offer(key, lambda taker: taker not in self.told)
            takers = [one for one in self.wanted if one != key and self.all_.offers.is_awaited(key)]
        return sum(map(self._send, [*takers, key]))

    def _send(self, key: Key) -> int:
        accepted = self.all_.accepted(key)
        if accepted is None or self.gateway.get(key) == accepted:
            return 0
        self.all_.send(key, accepted)
        if (ANY_HOST, "/rejected") in accepted.pairs:
            self.all_.refused(key)
            return 0
        self.gateway[key] = accepted
        self.all_.serves(key, accepted, made=True)
        return 1

    def _withdraw(self, key: Key) -> int:
        served, accepted = self.gateway.get(key), self.all_.accepted(key)
        if accepted is not None or served is None:
            return 0
        if not self.all_.serves_double(key):
            self.all_.serves(key, served)
            self.all_.is_double(key, served)
        if not self.all_.serves_double(key):
            return 0
        del self.gateway[key]
        self.all_.send(key, None)
        self.all_.serves(key, None, made=True)
        return 1

    def start_again(self) -> None:
        accepted = self.wanted.keys() - self.told
        self.all_ = Claims()
        for key, one in self.wanted.items():
            self.all_.want(key, one, keeps=True)
        self.all_.seed(self.gateway, set(), accepted)

    def verdicts(self) -> list[tuple[Key, Claim, bool]]:
        """Whether each claim stands, and whether those of somebody new would, once no offer is open."""
        new = (
            (Key(namespace, "new"), claim(9, path, priority=priority, methods=methods))
            for namespace, path, priority, methods in product("mn", ("/x", "/y"), (0, 1), ("", "GET"))
        )
        for key in self.wanted:
            self.all_.end_offer(key)
        claims = [*((key, one) for key, one in self.wanted.items() if one), *new]
        return [(key, one, self.all_._rivals.first_conflict(key, one) is None) for key, one in claims]


_paths = st.lists(st.sampled_from(["/x", "/y", "/rejected"]), min_size=1, max_size=2, unique=True)
_keys = st.builds(Key, st.sampled_from("mn"), st.sampled_from("ab"))
_ages = {Key(namespace, name): number for number, (namespace, name) in enumerate(["na", "mb", "ma", "nb"])}
_slots = st.tuples(st.sampled_from([0, 0, 1]), st.sampled_from(["", "", "GET", "POST"]))
_Edit = tuple[Key, list[str] | None, tuple[int, str], bool]
"""Whose, the paths, their priority and methods, and whether the operator settles before the next one."""
_edits = st.lists(st.tuples(_keys, st.none() | _paths, _slots, st.booleans()), max_size=12)


_FIRST, _TAKER, _HOLDER = Key("n", "a"), Key("m", "a"), Key("m", "b")


@given(edits=_edits)
@example(
    edits=[
        (_FIRST, ["/x"], (0, ""), True),
        (_HOLDER, ["/y"], (0, ""), True),
        (_FIRST, ["/rejected"], (0, ""), False),
        (_TAKER, ["/x"], (0, ""), True),
        (_TAKER, ["/y"], (0, ""), True),
    ]
)
@example(
    edits=[
        (_FIRST, ["/y"], (0, ""), False),
        (_TAKER, ["/x", "/y"], (0, ""), True),
        (_HOLDER, ["/y"], (0, ""), False),
        (_FIRST, ["/rejected"], (0, ""), False),
        (_TAKER, ["/x", "/y"], (1, ""), False),
    ]
)
@example(
    edits=[
        (_FIRST, ["/x"], (0, ""), True),
        (_FIRST, ["/rejected"], (0, ""), False),
        (_TAKER, ["/x"], (0, ""), True),
        (_TAKER, None, (0, ""), True),
    ]
)
@example(
    edits=[
        (_TAKER, ["/x"], (0, "POST"), True),
        (_TAKER, ["/rejected"], (0, ""), False),
        (Key("n", "b"), ["/x"], (0, ""), True),
        (_HOLDER, ["/x"], (0, "GET"), False),
        (Key("n", "b"), ["/rejected"], (0, ""), False),
    ]
)
def test_a_start_over_what_stands_withdraws_nothing(edits: list[_Edit]) -> None:
    played = Played()
    played.all_.seed({}, set(), set())
    for key, paths, (priority, methods), settles in edits:
        played.want(key, claim(_ages[key], *paths, priority=priority, methods=methods) if paths else None)
        if settles:
            played.settle()
    played.settle()
    before, stands = played.verdicts(), dict(played.gateway)
    assert played.settle() == 0
    played.start_again()
    assert played.settle() == 0, "nobody has edited anything"
    assert played.gateway == stands
    assert played.verdicts() == before


def test_what_serves_another_ones_path_keeps_its_other_paths() -> None:
    """The gateway rejects the spec of A, which serves two paths as before; B has got one of them meanwhile."""
    asked = {A: claim(1, "/z"), B: claim(2, "/a"), C: claim(3, "/b")}
    all_ = judged(asked, {A: claim(1, "/a", "/b"), B: claim(2, "/a")}, accepted={A, B})
    assert winner(all_, B) is None
    assert winner(all_, C) == A


def test_who_serves_all_methods_beside_one_keeps_the_others() -> None:
    """The gateway rejects the spec of A; B has got one method of its path."""
    asked = {A: claim(1, "/z"), B: claim(2, "/a", methods="GET"), C: claim(3, "/a", methods="POST")}
    all_ = judged(asked, {A: claim(1, "/a"), B: claim(2, "/a", methods="GET")}, accepted={A, B})
    assert winner(all_, B) is None
    assert winner(all_, C) == A


def test_what_the_gateway_has_lost_is_still_its_own_where_it_is_asked_for() -> None:
    all_ = judged({A: claim(1, "/x"), B: claim(2, "/y")}, {A: claim(1, "/x"), B: claim(2, "/y")})
    assert all_.outlasting(A) == claim(1, "/x")
    all_.want(A, claim(1, "/z"))
    assert all_.outlasting(A) is None, "it asks for something else"
    all_.want(B, None, keeps=True)
    assert all_.outlasting(B) is None, "nobody knows any more what that was"
