"""What is known of the gateway: lists and our own writes, in any order."""

from datetime import UTC, datetime

from echoroute.core.changes import Delete, Put, Stored
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import labels, owner_of
from echoroute.core.plan import digest
from echoroute.engine.writer.actual import Actual

OWNER = "0a1b2c3d"
CART = Key("shop", "cart")
ROUTE = ObjectRef(Kind.ROUTE, f"{OWNER}.shop.cart")
UPSTREAM = ObjectRef(Kind.UPSTREAM, f"{OWNER}.shop.cart.blue")
OURS: JsonObject = {"uri": "/", "labels": labels(OWNER, CART)}
EDITED: JsonObject = {**OURS, "uri": "/edited"}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def our_key(body: JsonObject) -> Key | None:
    owned = owner_of(body)
    return owned[1] if owned and owned[0] == OWNER else None


def stored(body: JsonObject, *, created: int = 1_000, index: int = 1) -> Stored:
    return Stored(body, created, index)


def actual_at(clock: Clock) -> Actual:
    return Actual(our_key, clock)


def test_a_list_is_taken_whole() -> None:
    actual = actual_at(Clock())
    foreign = ObjectRef(Kind.ROUTE, "mine")
    actual.replace({ROUTE: stored(OURS), foreign: stored({"uri": "/x"})}, began=100.0)
    assert dict(actual.owned) == {CART: {ROUTE}}
    assert actual.known[ROUTE].digest == digest(OURS)
    assert actual.known[foreign].key is None
    assert actual.owned_count() == 1
    actual.replace({foreign: stored({"uri": "/x"})}, began=101.0)
    assert (dict(actual.owned), set(actual.known)) == ({}, {foreign})


def test_a_copy_of_our_route_under_an_id_of_its_own_is_not_ours() -> None:
    actual = actual_at(Clock())
    actual.replace({ObjectRef(Kind.ROUTE, "copy"): stored(OURS)}, began=100.0)
    assert not actual.owned


def test_a_list_that_was_under_way_does_not_undo_a_write() -> None:
    clock = Clock()
    actual = actual_at(clock)
    actual.replace({UPSTREAM: stored(OURS)}, began=99.0)
    clock.now = 105.0
    actual.wrote(CART, Put(ROUTE, OURS))
    actual.wrote(CART, Delete(UPSTREAM))
    actual.replace({UPSTREAM: stored(OURS)}, began=104.0)
    assert dict(actual.owned) == {CART: {ROUTE}}, "the list read the gateway before the writes ended"
    actual.replace({UPSTREAM: stored(OURS)}, began=106.0)
    assert dict(actual.owned) == {CART: {UPSTREAM}}, "a later list is the truth"


def test_a_write_of_unknown_outcome_makes_a_list_under_way_say_nothing_of_it() -> None:
    clock = Clock()
    actual = actual_at(clock)
    actual.replace({ROUTE: stored(OURS)}, began=99.0)
    clock.now = 105.0
    actual.attempted(Put(ROUTE, EDITED))
    actual.replace({ROUTE: stored(EDITED, index=2)}, began=104.0)
    assert actual.known[ROUTE].digest == digest(OURS), "known as before until a list that began later"
    actual.replace({ROUTE: stored(EDITED, index=2)}, began=106.0)
    assert actual.known[ROUTE].digest == digest(EDITED)


def test_an_unanswered_write_equals_nothing_until_the_next_list() -> None:
    clock = Clock()
    actual = actual_at(clock)
    actual.replace({ROUTE: stored(OURS)}, began=99.0)
    actual.unanswered(CART, Put(ROUTE, EDITED))
    actual.unanswered(CART, Put(UPSTREAM, OURS))
    actual.unanswered(CART, Delete(ROUTE))
    assert {ref: known.digest for ref, known in actual.known.items()} == {ROUTE: b"", UPSTREAM: b""}
    assert actual.known[ROUTE].create_time == 1_000
    assert dict(actual.owned) == {CART: {ROUTE, UPSTREAM}}, "what may be there is ours to delete"
    actual.replace({ROUTE: stored(OURS)}, began=101.0)
    assert {ref: known.digest for ref, known in actual.known.items()} == {ROUTE: digest(OURS)}


def test_what_was_sent_counts_until_the_next_list() -> None:
    clock = Clock()
    actual = actual_at(clock)
    actual.wrote(CART, Put(ROUTE, OURS))
    assert actual.known[ROUTE].digest == digest(OURS)
    actual.replace({ROUTE: stored(EDITED)}, began=101.0)
    assert actual.known[ROUTE].digest == digest(EDITED), "what is stored is drift, whatever was sent"


def test_a_hand_edit_is_seen_by_its_index_and_a_new_life_by_its_time() -> None:
    actual = actual_at(Clock())
    actual.replace({ROUTE: stored(OURS, index=7)}, began=100.0)
    actual.replace({ROUTE: stored(EDITED, index=8)}, began=101.0)
    assert actual.known[ROUTE].digest == digest(EDITED)
    actual.replace({ROUTE: stored(OURS, index=8, created=2_000)}, began=102.0)
    assert actual.known[ROUTE].digest == digest(OURS), "a wiped etcd counts from the beginning"


def test_an_object_whose_labels_were_taken_away_is_no_longer_ours() -> None:
    actual = actual_at(Clock())
    actual.replace({ROUTE: stored(OURS)}, began=100.0)
    actual.replace({ROUTE: stored({"uri": "/"}, index=2)}, began=101.0)
    assert not actual.owned
    assert ROUTE in actual.known


def test_the_oldest_of_ours() -> None:
    actual = actual_at(Clock())
    assert actual.oldest_owned() is None
    foreign = ObjectRef(Kind.ROUTE, "mine")
    actual.replace({ROUTE: stored(OURS, created=0), foreign: stored({}, created=5)}, began=100.0)
    assert actual.oldest_owned() is None, "0 is not known, and a foreign one does not count"
    actual.replace({ROUTE: stored(OURS, created=1_000, index=2), UPSTREAM: stored(OURS, created=900)}, began=101.0)
    actual.wrote(CART, Put(UPSTREAM, OURS))
    assert actual.oldest_owned() == datetime.fromtimestamp(900, UTC), "an update keeps the time of creation"


def test_around_gives_what_a_plan_has_to_see() -> None:
    actual = actual_at(Clock())
    squatter, far = ObjectRef(Kind.UPSTREAM, "squatted"), ObjectRef(Kind.ROUTE, "far")
    actual.replace({ROUTE: stored(OURS), squatter: stored({}), far: stored({})}, began=100.0)
    bundle = Bundle(ROUTE.id, {squatter: {}, UPSTREAM: {}})
    assert set(actual.around(CART, bundle.objects)) == {ROUTE, squatter}
    assert set(actual.around(CART, ())) == {ROUTE}
    assert actual.around(Key("shop", "new"), ()) == {}
    assert dict(actual.owned) == {CART: {ROUTE}}, "asking changes nothing"
