"""One EchoRoute is written at most twice a second after its first write, whatever its team does; others do not wait."""

from echoroute.core.changes import Put
from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.core.plan import KeyPlan
from echoroute.engine.writer.spacing import OF_A_KEY, Spacing

OURS, THEIRS = Key("flood", "a"), Key("shop", "a")


def _plan(key: Key) -> KeyPlan:
    return KeyPlan(writes=(Put(ObjectRef(Kind.ROUTE, f"0a1b2c3d.{key.namespace}.{key.name}"), {"uri": "/"}),))


def _write(spacing: Spacing, key: Key) -> float:
    """Write what is due now; the seconds that the rest has to wait."""
    due, pause = spacing.due(key, _plan(key))
    for put in due.writes:
        spacing.note(key, put)
    return pause


def test_the_first_write_is_made_at_once_and_the_next_half_a_second_later() -> None:
    now = 100.0
    spacing = Spacing(lambda: now)
    assert _write(spacing, OURS) == 0.0
    assert _write(spacing, OURS) == OF_A_KEY
    assert _write(spacing, THEIRS) == 0.0, "another key does not wait for it"
    now += OF_A_KEY
    assert _write(spacing, OURS) == 0.0


def test_ten_edits_a_second_are_two_writes_a_second() -> None:
    now, writes = 0.0, 0
    spacing = Spacing(lambda: now)
    for _ in range(100):
        writes += _write(spacing, OURS) == 0.0
        now += 0.1
    assert writes <= 2 * 10 + 1


def test_a_bulk_of_writes_is_not_looked_through_at_each() -> None:
    now, looks = 0.0, 0

    class Counted(float):
        def __gt__(self, other: float) -> bool:
            nonlocal looks
            looks += 1
            return float(self) > other

    spacing = Spacing(lambda: Counted(now))
    writes = 5_000
    for number in range(writes):
        assert _write(spacing, Key("bulk", f"r{number}")) == 0.0
        now += 1 / 2_000
    assert looks <= 5 * writes
