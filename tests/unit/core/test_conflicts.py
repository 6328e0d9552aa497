"""Conflicts: who serves keeps it, else the older one gets it; no claim that loses takes away what serves."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from echoroute.core import holders
from echoroute.core.apart import demands
from echoroute.core.claims import ANY_HOST, Claim, Conflict, Tie
from echoroute.core.conflicts import Claims
from echoroute.core.objects import Key
from hypothesis import given
from hypothesis import strategies as st

A, B, C, D = (Key("shop", name) for name in "abcd")
X = Key("lab", "x")
START = datetime(2026, 1, 1, tzinfo=UTC)


def claim(
    age: int,
    *paths: str,
    host: str = ANY_HOST,
    priority: int = 0,
    methods: str = "",
    conditions: bytes = b"",
    version: str = "",
) -> Claim:
    """A claim created at second `age`: a smaller one is older. It may want one `version` of the requests."""
    pairs = tuple((host, path) for path in paths or ("/",))
    wants = demands({"vars": [["http_x_version", "==", version]]} if version else {})
    form = conditions or version.encode()
    return Claim(START + timedelta(seconds=age), pairs, priority, frozenset(methods.split()), form, wants)


def judged(
    claims: dict[Key, Claim], serving: dict[Key, Claim] | None = None, programmed: set[Key] | None = None
) -> Claims:
    """All claims at a start, with what the gateway was found to serve."""
    all_ = Claims()
    for key, one in claims.items():
        assert all_.want(key, one) == set(), "nothing is decided before the gateway is known"
    all_.seed(serving or {}, programmed or set())
    return all_


def losers(all_: Claims) -> set[Key]:
    return {key for key in (A, B, C, D, X) if all_.conflict(key)}


def winner(all_: Claims, key: Key) -> Key | None:
    lost = all_.conflict(key)
    return lost.winner if lost else None


def test_of_those_that_do_not_serve_the_oldest_gets_it_whatever_the_order_of_arrival() -> None:
    for order in ((A, B), (B, A)):
        all_ = judged({key: claim(1 if key == A else 2) for key in order})
        assert all_.conflict(A) is None
        assert all_.conflict(B) == Conflict(A, (ANY_HOST, "/"), older=True)


def test_who_serves_a_pair_at_another_priority_has_not_got_it_at_this_one() -> None:
    wanted = {A: claim(1, "/"), B: claim(2, "/")}
    all_ = judged(wanted, serving={B: claim(2, "/", priority=5)})
    assert losers(all_) == {B}, "the older one: what B serves is another route"
    assert losers(judged(wanted, serving={B: claim(2, "/")})) == {A}


def test_a_tie_goes_by_namespace_then_name_and_nobody_is_called_older() -> None:
    keys = [Key("b", "a"), Key("a", "z"), Key("a", "b")]
    all_ = judged({key: claim(1) for key in keys})
    assert [winner(all_, key) for key in keys] == [Key("a", "b"), Key("a", "b"), None]
    assert str(all_.conflict(Key("b", "a"))).startswith("/ belongs to EchoRoute a/b: change")


@pytest.mark.parametrize(
    ("one", "other", "conflict", "why"),
    [
        (claim(1, "/x"), claim(2, "/y"), False, "other path"),
        (claim(1, host="a.test"), claim(2, host="b.test"), False, "other host"),
        (claim(1), claim(2, host="b.test"), False, "with and without host are different pairs"),
        (claim(1, "/x", "/y"), claim(2, "/y", "/z"), True, "one pair in common is enough"),
        (claim(1), claim(2, priority=1), False, "the priority decides between them"),
        (claim(1, methods="GET"), claim(2, methods="POST"), False, "methods apart"),
        (claim(1, methods="GET PUT"), claim(2, methods="PUT POST"), True, "a method in common"),
        (claim(1), claim(2, methods="GET"), True, "no methods means all of them"),
        (claim(1, methods="GET"), claim(2), True, "on either side"),
        (claim(1), claim(2, conditions=b"x"), False, "one has conditions, and the other takes the rest"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"y"), False, "other conditions"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"x"), True, "the same conditions"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"x", priority=1), False, "and another priority"),
    ],
)
def test_what_a_conflict_is(one: Claim, other: Claim, conflict: bool, why: str) -> None:
    assert (judged({A: one, B: other}).conflict(B) is not None) is conflict, why
    shared = any(pair in one.pairs for pair in other.pairs)
    assert (judged({A: one, X: other}).conflict(X) is not None) is shared, "in another namespace a pair is enough"


def test_who_serves_keeps_it_from_one_that_is_older() -> None:
    all_ = judged({A: claim(1), B: claim(2)}, serving={B: claim(2)})
    assert all_.conflict(A) == Conflict(B, (ANY_HOST, "/"), older=False), "as after a restart"
    assert losers(all_) == {A}
    late = judged({B: claim(2)})
    assert late.want(A, claim(1)) == set()
    assert losers(late) == {A}, "what is accepted is on its way to the gateway, and keeps it, too"


def test_an_edit_that_loses_gives_nothing_up_and_nobody_is_let_in_beside() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/b")})
    for key, path in ((A, "/a"), (B, "/b")):
        all_.serves(key, claim(1 if key == A else 2, path))
    assert all_.want(A, claim(1, "/b")) == set()
    assert winner(all_, A) == B
    assert all_.want(C, claim(3, "/a")) == set()
    assert winner(all_, C) == A, "the last good generation of A serves /a"
    assert all_.want(A, None) == set()
    assert winner(all_, C) == A, "also when A's spec is invalid, switched off or gone: until the gateway says so"
    assert all_.serves(A, None) == {C}
    assert losers(all_) == set()


def test_a_pair_is_given_up_when_the_gateway_has_confirmed_it() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/a")})
    all_.serves(A, claim(1, "/a"))
    assert all_.want(A, claim(1, "/new")) == set()
    assert losers(all_) == {B}, "until then A may serve both"
    assert all_.serves(A, claim(1, "/new")) == {B}
    assert losers(all_) == set()


def test_what_a_write_without_an_answer_may_have_made_is_held_with_what_was_there() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/a"), C: claim(3, "/b")})
    all_.serves(A, claim(1, "/a"))
    all_.want(C, None)
    all_.want(A, claim(1, "/b"))
    all_.send(A, claim(1, "/b"))
    all_.lost(A)
    all_.want(A, None)
    all_.want(C, claim(3, "/b"))
    assert losers(all_) == {B, C}
    assert all_.serves(A, claim(1, "/b")) == {B}
    assert losers(all_) == {C}


_ASKED_MEANWHILE = [
    (None, "its spec cannot be used, policy refuses it, it is switched off, or it is gone"),
    (claim(1, "/else"), "it moves"),
    (claim(1, "/c"), "it asks for what another one has"),
    (claim(1, "/b", "/d"), "it asks for more"),
]


@pytest.mark.parametrize(("asked", "why"), _ASKED_MEANWHILE, ids=[why for _, why in _ASKED_MEANWHILE])
def test_what_is_under_way_is_held_whatever_is_asked_for_meanwhile(asked: Claim | None, why: str) -> None:
    def under_way() -> Claims:
        all_ = judged({A: claim(1, "/a"), C: claim(3, "/c")})
        all_.serves(A, claim(1, "/a"))
        all_.want(A, claim(1, "/b"))
        all_.send(A, claim(1, "/b"))
        all_.want(A, asked)
        all_.want(B, claim(2, "/b"))
        all_.want(X, claim(2, "/a"))
        assert (winner(all_, B), winner(all_, X)) == (A, A), why
        return all_

    def left(all_: Claims) -> tuple[Key | None, Key | None]:
        return winner(all_, X), winner(all_, B)

    waits = A if asked is not None and asked.pairs[0] == (ANY_HOST, "/b") else None
    made, refused, lost, listed = (under_way() for _ in range(4))
    assert made.serves(A, claim(1, "/b"), made=True) >= {X}
    assert left(made) == (None, A), "it serves that alone"
    refused.refused(A)
    assert left(refused) == (A, waits), "it serves what it served before"
    lost.lost(A)
    assert left(lost) == (A, A), "nobody knows which of them it serves"
    for told in (claim(1, "/a"), None):
        listed.serves(A, told)
        assert left(listed)[1] == A, "a list tells what was there before the answer, or after it"
    assert left(listed)[0] is None
    lost.serves(A, None)
    assert left(lost) == (None, waits), "a list tells after it"


def test_a_deletion_under_way_makes_nobody_sure_of_its_pair() -> None:
    for sent in (True, False):
        all_ = judged({A: claim(1, "/moved")})
        all_.serves(A, claim(1, "/moved"))
        all_.want(A, None)
        all_.offer(A, lambda _: True)
        all_.want(B, claim(2, "/moved"))
        if sent:
            all_.send(A, None)
        all_.want(A, claim(4, "/moved"))
        assert (winner(all_, A), winner(all_, B)) == ((B, None) if sent else (None, A)), "it comes again"


def test_what_a_deleted_one_may_have_left_is_its_own_when_it_comes_again() -> None:
    for taken, winners in ((None, (A, A)), ("/b", (None, None))):
        all_ = judged({A: claim(1, "/a")})
        all_.serves(A, claim(1, "/a"))
        all_.want(A, claim(1, "/b"))
        all_.send(A, claim(1, "/b"))
        all_.lost(A)
        all_.want(A, None)
        all_.abandon(A)
        if taken:
            all_.want(C, claim(3, taken))
        all_.come_again(A, START)
        all_.want(A, None, keeps=True)
        all_.want(X, claim(5, "/a"))
        all_.want(B, claim(5, "/b", host="other.test") if taken else claim(5, "/b"))
        assert (winner(all_, X), winner(all_, B)) == winners


def test_what_was_accepted_and_never_written_is_given_up_at_once() -> None:
    all_ = judged({A: claim(1, "/a"), B: claim(2, "/a")})
    assert all_.want(A, claim(1, "/other")) == {B}
    assert all_.want(A, None) == set()
    assert losers(all_) == set()


def test_a_refused_claim_counts_for_nothing() -> None:
    all_ = judged({A: claim(1, "/x"), B: claim(2, "/x", "/y"), C: claim(3, "/y")})
    assert losers(all_) == {B}, "c meets only b, which has lost"
    assert all_.want(A, None) == {B}, "b now loses to c, which serves"
    assert winner(all_, B) == C


def test_of_those_that_wait_the_oldest_is_next() -> None:
    all_ = judged({A: claim(1), D: claim(4), C: claim(3), B: claim(2)})
    assert all_.want(A, None) == {B, C, D}
    assert [winner(all_, key) for key in (B, C, D)] == [None, B, B]


def test_a_gateway_that_lost_its_routes_takes_a_pair_from_nobody() -> None:
    claims = {A: claim(1), B: claim(2)}
    assert losers(judged(claims, programmed={B})) == {A}
    assert losers(judged(claims, serving={A: claim(1)}, programmed={B})) == {B}, "what the gateway holds counts first"


def test_where_two_really_serve_one_pair_the_younger_is_withdrawn() -> None:
    claims = {A: claim(1), B: claim(2)}
    all_ = judged(claims, serving=claims)
    assert losers(all_) == {B}
    assert (all_.serves_double(A), all_.serves_double(B)) == (False, True)
    assert all_.want(A, claim(1, "/a")) == set()
    assert all_.serves(A, claim(1, "/a")) == {B}, "the older one has given it up before the younger one was withdrawn"
    assert losers(all_) == set()
    assert not all_.serves_double(B)


@pytest.mark.parametrize(
    ("answer", "double", "why"),
    [
        (
            "lost",
            False,
            "nobody knows whether it still serves what another one has: a list tells, and that one withdraws",
        ),
        ("refused", True, "it serves what it did before"),
    ],
)
def test_of_what_was_sent_since_a_double_is_told_by_the_answer(answer: str, double: bool, why: str) -> None:
    claims = {A: claim(1), B: claim(2)}
    all_ = judged(claims, serving=claims)
    all_.want(B, claim(2, "/b"))
    all_.send(B, claim(2, "/b"))
    all_.want(B, claim(2))
    assert not all_.serves_double(B), "it may serve what was sent by now"
    getattr(all_, answer)(B)
    assert losers(all_) == {B}
    assert all_.serves_double(B) is double, why


def test_of_two_that_are_kept_and_serve_one_pair_who_asks_for_something_else_is_withdrawn() -> None:
    """And where neither does, the younger one: as after a restart."""
    for wanted, double in ((claim(1, "/taken"), A), (None, B)):
        all_ = judged({A: claim(1), C: claim(0, "/taken")}, serving={A: claim(1)})
        all_.want(A, wanted, keeps=True)
        all_.serves(B, claim(2))
        assert [key for key in (A, B) if all_.is_double(key, all_._held.serving[key])] == [double]


def test_of_two_that_serve_one_pair_one_that_wants_another_by_now_is_served_there() -> None:
    both = {A: claim(1), B: claim(2)}
    all_ = judged({A: claim(1), B: claim(2, "/new")}, serving=both)
    assert losers(all_) == set(), "its write takes the old route away"
    assert all_.accepted(B) == claim(2, "/new")


def test_nothing_is_decided_before_the_gateway_is_known() -> None:
    all_ = Claims()
    all_.want(A, claim(1, "/x"))
    all_.want(C, claim(1, "/alone"))
    assert not all_.undecided(A)
    all_.want(B, claim(2, "/x"))
    assert [all_.undecided(key) for key in (A, B, C)] == [True, True, False], "and only of what is shared"
    assert losers(all_) == set()
    all_.seed({}, set())
    assert [all_.undecided(key) for key in (A, B, C)] == [False] * 3


@pytest.mark.parametrize(
    ("one", "other", "tie", "why"),
    [
        (claim(1), claim(2, conditions=b"x"), True, "APISIX takes the one that it saw first"),
        (claim(1, conditions=b"x"), claim(2, conditions=b"y"), True, "where both hold"),
        (claim(1), claim(2, conditions=b"x", priority=1), False, "the priority decides between them"),
        (claim(1, "/x"), claim(2, "/y", conditions=b"x"), False, "other path"),
        (claim(1), claim(2, conditions=b"x", host="a.test"), False, "a host is preferred to none"),
        (claim(1, methods="GET"), claim(2, conditions=b"x", methods="POST"), False, "methods apart"),
        (claim(1, methods="GET"), claim(2, conditions=b"x"), True, "a method in common"),
        (claim(1), claim(2), False, "that is a conflict"),
        (claim(1, version="1"), claim(2, version="2"), False, "no request fulfils the conditions of both"),
        (claim(1, version="1"), claim(2, conditions=b"x"), True, "one may"),
    ],
)
def test_what_a_tie_is(one: Claim, other: Claim, tie: bool, why: str) -> None:
    all_ = judged({A: one, B: other})
    assert (all_.ties.of(B) is not None) is tie, why
    assert all_.ties.of(A) is None, "only the younger one is told"
    assert not tie or all_.ties.behind(A) == {B}
    assert judged({A: one, X: other}).ties.of(X) is None, "in another namespace it is a conflict"


def test_a_tie_names_the_oldest_and_changes_with_it_alone() -> None:
    all_ = judged({key: claim(age, conditions=key.name.encode()) for key, age in ((C, 3), (A, 1), (B, 2))})
    assert all_.ties.of(C) == all_.ties.of(B) == Tie(A, (ANY_HOST, "/"), 0)
    all_.want(D, claim(4, conditions=b"d"))
    assert all_.ties.of(C) == Tie(A, (ANY_HOST, "/"), 0), "a younger one changes no message"
    assert all_.ties.behind(A) == {B, C, D}
    all_.want(A, claim(1, conditions=b"a", priority=5))
    assert [all_.ties.of(key) for key in (A, B, C)] == [None, None, Tie(B, (ANY_HOST, "/"), 0)]


def test_those_that_exclude_a_key_hide_no_tie() -> None:
    older = {A: claim(1, version="1"), B: claim(2, version="2"), C: claim(3, "/", "/more", conditions=b"x")}
    all_ = judged({**older, D: claim(4, "/", "/more", version="4")})
    assert [all_.ties.of(key) for key in (A, B, C, D)] == [
        None,
        None,
        Tie(A, (ANY_HOST, "/"), 0),
        Tie(C, (ANY_HOST, "/"), 0),
    ]
    assert D in all_.ties.behind(C)


def test_of_thousands_that_exclude_each_other_few_are_looked_at(figure: Callable[[str], None]) -> None:
    keys = [Key("shop", f"r{number}") for number in range(3_000)]
    all_ = judged({key: claim(number, version=str(number)) for number, key in enumerate(keys)})
    began = time.process_time()
    assert not any(map(all_.ties.of, keys))
    took = time.process_time() - began
    figure(f"the ties of 3,000 on one path that exclude each other: {took:.2f} s")
    assert took < 5 * 1.0


def test_a_tie_says_what_to_do() -> None:
    assert str(Tie(A, ("a.test", "/x"), 2)) == (
        "EchoRoute shop/a has a.test/x at the same priority 2: where the conditions of both hold either may answer; "
        "set spec.match.priority"
    )


def test_what_is_offered_is_open_to_some_before_the_gateway_has_confirmed_it() -> None:
    all_ = judged({A: claim(1, "/a", "/moved"), B: claim(2, "/moved"), C: claim(3, "/c")})
    all_.serves(A, claim(1, "/a", "/moved"))
    all_.serves(C, claim(3, "/c"))
    assert all_.offers.gives_up(A) == frozenset()
    assert all_.want(A, claim(1, "/a")) == set()
    assert all_.offers.gives_up(A) == {(ANY_HOST, "/moved")}
    assert all_.offer(A, lambda key: key != B) == set(), "B has waited for long"
    assert all_.offers.is_untaken(A)
    assert all_.want(C, claim(3, "/c", "/moved")) == {B}, "it is told who has it now"
    assert (losers(all_), winner(all_, B)) == ({B}, C), "C has come meanwhile"
    assert (all_.offers.is_awaited(A), all_.offers.is_untaken(A)) == (True, False)
    assert all_.serves(C, claim(3, "/c", "/moved")) == set()
    assert all_.offers.of(claim(3, "/c", "/moved")) == {A}, "whose turn it is now"
    assert not all_.offers.is_awaited(A)
    assert all_.serves(A, claim(1, "/a")) == set()


def test_who_serves_what_it_offered_has_it_back_until_another_one_serves_it() -> None:
    for served in (False, True):
        all_ = judged({A: claim(1, "/moved")})
        all_.serves(A, claim(1, "/moved"))
        all_.want(A, claim(1, "/a"))
        all_.offer(A, lambda _: True)
        all_.want(B, claim(2, "/moved"))
        assert winner(all_, B) is None
        if served:
            all_.serves(B, claim(2, "/moved"))
        assert all_.want(A, claim(1, "/moved")) == (set() if served else {B})
        assert (winner(all_, A), winner(all_, B)) == ((B, None) if served else (None, A))


def test_an_offer_ends_with_the_next_wish() -> None:
    for wish in (claim(1, "/moved"), claim(1, "/other"), None):
        all_ = judged({A: claim(1, "/moved")})
        all_.serves(A, claim(1, "/moved"))
        all_.want(A, claim(1, "/a"))
        all_.offer(A, lambda _: True)
        all_.want(A, wish)
        all_.want(B, claim(2, "/moved"))
        assert winner(all_, B) == A, "nobody knows yet whether it is given up again"


def test_claims_that_are_gone_leave_nothing() -> None:
    all_ = judged({A: claim(1, "/x", "/y"), B: claim(2, "/x"), X: claim(3, "/x")})
    all_.serves(A, claim(1, "/x", "/y"))
    for key in (B, A, X):
        all_.send(key, all_.accepted(key))
        all_.want(key, None)
        all_.lost(key)
        all_.serves(key, None)
    assert not all_._held._crowds
    assert not any(
        held
        for held in (
            all_._held._by_pair,
            all_._held.accepted,
            all_._held.serving,
            all_._held.sent,
            all_._under_way,
            all_._wanted,
            all_._lost._waiters,
            all_._lost._losses,
        )
    )


def test_the_message_names_the_place_and_who_has_it() -> None:
    assert str(Conflict(A, ("a.test", "/x"), older=True)) == (
        "a.test/x belongs to EchoRoute shop/a, which is older: change spec.match.hosts or spec.match.paths, "
        "or have the other one give it up"
    )
    assert str(Conflict(A, (ANY_HOST, "/x"), older=False)).startswith("/x belongs to EchoRoute shop/a: change")


@pytest.mark.parametrize("spread", ["one namespace", "many namespaces", "many priorities", "many conditions"])
def test_ten_thousand_on_one_path_cost_less_than_a_second(spread: str, figure: Callable[[str], None]) -> None:
    many = range(10_000)
    keys = [Key(f"team-{number}" if spread == "many namespaces" else "shop", f"r{number}") for number in many]

    def one(number: int, age: int) -> Claim:
        if spread == "many priorities":
            return claim(age, priority=number)
        return claim(age, conditions=b"%d" % number if spread == "many conditions" else b"")

    all_ = Claims()
    began = time.process_time()
    for number, key in enumerate(keys):
        all_.want(key, one(number, number))
    all_.seed({}, set())
    assert len([key for key in keys if all_.ties.of(key)]) == (9_999 if spread == "many conditions" else 0)
    for number, key in enumerate(keys[:5]):
        all_.want(key, None)
        all_.serves(key, None)
        all_.want(key, one(number, 20_000 + number))
    took = time.process_time() - began
    figure(f"10,000 claims on one path, {spread}: {took:.2f} s")
    assert took < 5 * 1.0


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


@given(
    early=st.dictionaries(_keys, _claims, max_size=4),
    events=st.lists(_events, max_size=16),
    crowd=st.sampled_from([1, 8]),
)
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
    all_.seed({}, set())
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
        elif what == "release" and key not in wanted:
            told = all_.serves(key, None)
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
    st.tuples(st.just("offer"), _keys, st.none()),
    st.tuples(st.just("list"), _keys, _claims),
)


@given(
    wanted=st.dictionaries(_keys, _claims, max_size=4),
    serving=st.dictionaries(_keys, _claims, max_size=3),
    events=st.lists(_more_events, max_size=16),
)
def test_a_verdict_follows_from_who_has_what_now_and_not_from_what_came_before(
    wanted: dict[Key, Claim], serving: dict[Key, Claim], events: list[tuple[str, Key, Claim | None]]
) -> None:
    """So a restart says the same. Hand edits, offers and writes without an answer are in it, too."""
    all_, asked = Claims(), dict(wanted)
    for key, one in wanted.items():
        all_.want(key, one)
    all_.seed(serving, set())
    for what, key, change in events:
        before = {other: all_.conflict(other) for other in asked}
        told = _happens(all_, asked, what, key, change)
        for other, one in asked.items():
            conflict = all_.conflict(other)
            assert conflict is None or conflict == all_._first_conflict(other, one), "what is accepted stays so"
            assert other in told or conflict == before.get(other), "it is looked at again"


def _happens(all_: Claims, asked: dict[Key, Claim], what: str, key: Key, change: Claim | None) -> set[Key]:
    if what == "want":
        if change is None:
            asked.pop(key, None)
        else:
            asked[key] = change
        return all_.want(key, change, keeps=True) | {key}
    if what == "release" and key not in asked:
        return all_.serves(key, None)
    if what == "offer":
        return all_.offer(key, lambda taker: taker.name != "c")
    accepted = all_.accepted(key)
    if what == "list" and change is not None and accepted is None:
        return all_.serves(key, change) | ({key} if all_.is_double(key, change) else set())
    if what in _ANSWERS:
        return _ANSWERS[what](all_, key)
    return all_.serves(key, accepted) if what == "confirm" and accepted is not None else set()


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
