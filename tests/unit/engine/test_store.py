"""The store: five rules that make lost, repeated and reordered events harmless."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from echoroute.core.objects import Key
from echoroute.core.seen import Entry, Seen
from echoroute.engine.store import Store, Transition
from hypothesis import given
from hypothesis import strategies as st

KEY, OTHER = Key("shop", "cart"), Key("shop", "pay")


def entry(version: int) -> Entry:
    return Entry(f"uid-{version}", 1, datetime(2026, 1, 1, tzinfo=UTC), b"{}", b"{}")


def there(version: int, key: Key = KEY) -> Seen:
    return Seen(key, version, entry(version))


def gone(version: int, key: Key = KEY) -> Seen:
    return Seen(key, version, None)


def test_the_highest_version_wins() -> None:
    store = Store()
    assert store.offer(there(5)) == Transition(KEY, None, entry(5))
    assert store.offer(there(4)) is None
    assert store.offer(there(5)) is None, "a repeated event changes nothing"
    assert store.offer(there(10)) == Transition(KEY, entry(5), entry(10)), "versions compare as numbers, not as text"
    assert store.get(KEY) == entry(10)
    assert store.version(KEY) == 10


def test_after_a_list_what_is_there_and_not_ours_is_of_another_class() -> None:
    store = Store()
    store.offer_list({KEY: 1, OTHER: 2}, [there(1), gone(2, OTHER)], version=2)
    assert [store.is_of_another_class(key) for key in (KEY, OTHER, Key("shop", "none"))] == [False, True, False]
    store.offer(gone(3))
    store.offer_list({OTHER: 2}, [], version=3)
    assert not store.is_of_another_class(KEY), "it was deleted"


def test_delete_and_recreate_the_wrong_way_round() -> None:
    store = Store()
    store.offer(there(1))
    store.offer(there(3))
    assert store.offer(gone(2)) is None, "the deletion of the first life comes after the second was created"
    assert store.get(KEY) == entry(3)


def test_a_tombstone_guards_until_the_next_list() -> None:
    store = Store()
    store.offer(there(1))
    assert store.offer(gone(3)) == Transition(KEY, entry(1), None)
    assert store.offer(there(2)) is None, "a late event of before the deletion"
    assert store.version(KEY) == 3
    assert store.offer_list({}, [], version=2) == []
    assert store.offer(there(2)) is None, "a list older than the deletion leaves the tombstone"
    assert store.offer_list({}, [], version=3) == [], "it was gone already"
    assert store.version(KEY) is None, "memory is given back"
    assert store.offer(there(2)) is None, "a late event: what a list did not have is not brought back by what is older"
    assert store.offer(there(4)) == Transition(KEY, None, entry(4))


def test_a_list_removes_what_is_not_newer_than_itself() -> None:
    store = Store()
    store.offer(there(5))
    store.offer(there(8, OTHER))
    assert store.offer_list({}, [], version=7) == [Transition(KEY, entry(5), None)]
    assert store.get(OTHER) == entry(8), "created after the list was made"
    assert len(list(store.entries())) == 1


def test_a_list_brings_what_was_missed() -> None:
    store = Store()
    store.offer(there(5))
    transitions = store.offer_list({KEY: 6, OTHER: 4}, [there(6), there(4, OTHER)], version=7)
    assert transitions == [Transition(KEY, entry(5), entry(6)), Transition(OTHER, None, entry(4))]
    assert store.offer_list({KEY: 6, OTHER: 4}, [], version=9) == [], "what is listed unchanged need not be read"
    assert dict(store.entries()) == {KEY: entry(6), OTHER: entry(4)}


def test_a_stale_list_does_not_undo_an_event() -> None:
    store = Store()
    store.offer(gone(9))
    store.offer_list({KEY: 5}, [there(5)], version=7)
    assert store.get(KEY) is None


def test_a_history_that_went_back_begins_anew() -> None:
    """Restored from a backup, a cluster counts on from an older version: what is newer by number is older by now."""
    store = Store()
    store.offer_list({KEY: 50, OTHER: 60}, [there(50), there(60, OTHER)], version=60)
    store.offer(Seen(Key("lab", "cart"), 70, None, ended=datetime(2026, 1, 1, tzinfo=UTC)))
    assert list(store.all_ended()) == [Key("lab", "cart")]
    assert store.newest == 70
    assert not store.went_back({}, 70, newest=70)
    assert not store.went_back({}, 60, newest=60), "a list that was under way when the event came"
    assert store.went_back({}, 65, newest=70), "not below the last list, and below what an event has told"
    assert (store.newest, list(store.all_ended())) == (0, []), "what was deleted then may be there again"
    assert dict(store.entries()) == {KEY: entry(50), OTHER: entry(60)}, "nothing is gone before it is listed"
    assert store.newer({KEY: 20}) == [KEY]
    assert [store.is_unread(key) for key in (KEY, OTHER)] == [True, False]
    transitions = store.offer_list({KEY: 20}, [there(20)], version=30)
    assert transitions == [Transition(KEY, entry(50), entry(20)), Transition(OTHER, entry(60), None)]
    assert not store.is_unread(KEY)
    assert store.offer(there(31, Key("lab", "cart"))) is not None, "nor does a tombstone of the old history count"


@pytest.mark.parametrize("before", [there(50), gone(50)], ids=["edited", "deleted"])
def test_a_history_is_told_from_another_one_when_its_versions_have_come_past_the_old_ones(before: Seen) -> None:
    """Between the backup and the first list people may have written as much as before it."""
    store = Store()
    store.offer(there(40))
    store.offer(before)
    assert not store.went_back({KEY: 40}, 45, newest=45), "made before that change"
    assert not store.went_back({KEY: 50}, 60, newest=50)
    assert store.went_back({KEY: 40}, 60, newest=50)
    store.offer_list({KEY: 40}, [there(40)], version=60)
    assert dict(store.entries()) == {KEY: entry(40)}


def test_an_object_of_another_class_counts_as_gone_but_its_version_is_known() -> None:
    store = Store()
    store.offer(there(1))
    assert store.offer(gone(2)) == Transition(KEY, entry(1), None)
    assert store.offer(gone(3)) == Transition(KEY, None, None)
    assert (store.version(KEY), list(store.entries())) == (3, [])


@dataclass
class Cluster:
    """What really happened: versions grow by one for each change of any key, and lists are snapshots of it."""

    events: list[Seen] = field(default_factory=list)
    snapshots: list[tuple[int, dict[Key, Seen]]] = field(default_factory=list)

    def run(self, changes: list[tuple[Key, bool]]) -> None:
        now: dict[Key, Seen] = {}
        for version, (key, exists) in enumerate(changes, start=1):
            seen = Seen(key, version, entry(version) if exists else None)
            self.events.append(seen)
            if exists:
                now[key] = seen
            else:
                now.pop(key, None)
            self.snapshots.append((version, dict(now)))


_changes = st.lists(
    st.tuples(st.sampled_from([KEY, OTHER, Key("lab", "cart")]), st.booleans()), min_size=1, max_size=10
)


def deliver_list(store: Store, cluster: Cluster, index: int, *, partly: bool) -> list[Transition]:
    """A list as the engine makes it: with `partly`, only those are read whose version is not known already."""
    version, snapshot = cluster.snapshots[index]
    fetched = [seen for key, seen in snapshot.items() if not partly or store.version(key) != seen.version]
    return store.offer_list({key: seen.version for key, seen in snapshot.items()}, fetched, version)


def mirror(state: dict[Key, Entry], transitions: list[Transition]) -> None:
    """Follow the store by its transitions alone, as the engine does."""
    for change in transitions:
        assert state.get(change.key) == change.before, "a transition starts where the last one ended"
        if change.after is None:
            state.pop(change.key, None)
        else:
            state[change.key] = change.after


@given(changes=_changes, data=st.data())
def test_events_alone_converge_in_any_order_and_number(changes: list[tuple[Key, bool]], data: st.DataObject) -> None:
    cluster = Cluster()
    cluster.run(changes)
    repeated = data.draw(st.lists(st.sampled_from(cluster.events), max_size=5))
    store = Store()
    for seen in data.draw(st.permutations(cluster.events + repeated)):
        store.offer(seen)
    newest = {key: seen.entry for key, seen in cluster.snapshots[-1][1].items()}
    assert dict(store.entries()) == newest


@given(changes=_changes, data=st.data())
def test_any_events_and_lists_converge_with_the_newest_list(
    changes: list[tuple[Key, bool]], data: st.DataObject
) -> None:
    cluster = Cluster()
    cluster.run(changes)
    steps = st.sampled_from(cluster.events) | st.integers(0, len(changes) - 1)
    store, followed = Store(), dict[Key, Entry]()
    for step in data.draw(st.lists(steps, max_size=20)):
        if isinstance(step, Seen):
            is_news = store.is_news(step.key, step.version)
            transition = store.offer(step)
            assert is_news or transition is None, "what is no news need not even be read"
            mirror(followed, [transition] if transition else [])
        else:
            mirror(followed, deliver_list(store, cluster, step, partly=data.draw(st.booleans())))
        assert dict(store.entries()) == followed
    mirror(followed, deliver_list(store, cluster, len(changes) - 1, partly=data.draw(st.booleans())))
    assert followed == {key: seen.entry for key, seen in cluster.snapshots[-1][1].items()}
    for late in cluster.events:
        assert store.offer(late) is None, "nothing of before the newest list brings anything back"


BORN = datetime(2026, 1, 1, tzinfo=UTC)


def ended(version: int, key: Key = KEY) -> Seen:
    return Seen(key, version, None, ended=BORN)


def test_a_delete_event_counts_although_a_list_came_first() -> None:
    store = Store()
    store.offer(there(1))
    store.offer_list({}, [], version=5)
    assert store.ended(KEY) is None, "that it is not listed any more tells of no wish"
    assert store.offer(ended(3)) is None
    assert store.ended(KEY) == BORN
    store.forget_end(KEY)
    assert store.ended(KEY) is None


@pytest.mark.parametrize(
    ("offers", "explained", "why"),
    [
        ([there(1), ended(2)], True, "in order"),
        ([ended(2)], True, "of a key that was never seen"),
        ([ended(2), there(1)], True, "the last word on that life came first"),
        ([there(3), ended(2)], False, "it lives again"),
        ([ended(2), there(3)], False, "and again"),
        ([gone(4), ended(2)], True, "of a tombstone without an event's word"),
    ],
)
def test_a_delete_event_counts_unless_a_newer_life_is_known(offers: list[Seen], explained: bool, why: str) -> None:
    store = Store()
    for one in offers:
        store.offer(one)
    assert (store.ended(KEY) is not None) is explained, why


def test_what_nobody_could_tell_of_counts_as_told() -> None:
    """Between the first list and the watch's own there are no events."""
    store = Store()
    store.offer_list({KEY: 1, OTHER: 2}, [there(1), there(2, OTHER)], version=5)
    store.offer_list({OTHER: 2}, [], version=6, unwatched=True)
    store.offer_list({}, [], version=7)
    assert store.ended(KEY) is not None
    assert store.ended(OTHER) is None, "by then there was a watch"
    store.offer(there(8))
    assert store.ended(KEY) is None


def test_of_more_deletions_than_an_operator_has_routes_the_newest_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A standby hears of deletions for months, and never that another one has done with them."""
    monkeypatch.setattr("echoroute.engine.store._MOST_ENDS", 3)
    store = Store()
    for version in range(1, 7):
        store.offer(Seen(Key("shop", str(version)), version, None, ended=datetime(2026, 1, 1, tzinfo=UTC)))
    assert [key.name for key in store.all_ended()] == ["4", "5", "6"]
