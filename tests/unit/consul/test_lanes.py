"""In which order services are asked for, without asking."""

from collections import Counter

from echoroute.api.selection import Service
from echoroute.consul.lanes import ByDatacenter, InRotation
from echoroute.consul.watch import Watch


def watches(kind: str, count: int, *, resolved: bool = False, datacenter: str = "") -> list[Watch]:
    return [Watch(Service(f"{kind}-{n}", datacenter), resolved=resolved) for n in range(count)]


def kind(watch: Watch | None) -> str:
    return watch.service.name.partition("-")[0] if watch else ""


def test_what_flaps_has_every_second_turn_and_the_resolved_three_of_four_of_the_others() -> None:
    line = InRotation(lambda: 0.0)
    for one in watches("news", 100):
        line.add(one, had_news=True)
    for one in (*watches("resolved", 100, resolved=True), *watches("other", 100)):
        line.add(one, had_news=False)
    assert Counter(kind(line.next()) for _ in range(80)) == {"news": 40, "resolved": 30, "other": 10}


def test_turns_that_nobody_wants_are_the_others() -> None:
    line = InRotation(lambda: 0.0)
    for one in watches("other", 10):
        line.add(one, had_news=False)
    assert [kind(line.next()) for _ in range(11)] == ["other"] * 10 + [""]


def test_datacenters_have_their_turn_and_a_limit_each_and_the_resolved_come_first() -> None:
    line = ByDatacenter(2, strangers=2)
    far = watches("far", 5, datacenter="dc2")
    for one in (*far, *watches("other", 2), *watches("resolved", 2, resolved=True)):
        line.add(one, had_news=False)
    taken = [line.next() for _ in range(5)]
    assert [kind(one) for one in taken] == ["resolved", "resolved", "far", "far", ""]
    line.gone(taken[2])
    assert kind(line.next()) == "far"
    assert line.next() is None
    for one in taken:
        if kind(one) == "resolved":
            line.gone(one)
    assert [kind(line.next()) for _ in range(3)] == ["other", "other", ""]


def test_a_datacenter_that_has_answered_is_never_behind_any_that_has_not() -> None:
    line, made_up, known = ByDatacenter(10, strangers=20), 3_000, "dc2"
    for number in range(made_up):
        for one in watches("made", 2, resolved=True, datacenter=f"made-up-{number}"):
            line.add(one, had_news=False)
    (met,) = watches("far", 1, datacenter=known)
    line.add(met, had_news=False)
    under_way: list[Watch] = []
    while met not in under_way:
        taken = line.next()
        if taken is None:
            for one in under_way:
                line.gone(one)  # it fails
            under_way.clear()
        else:
            under_way.append(taken)
            assert len(under_way) <= 20, "of all these together"
    met.instances = ()
    line.gone(met)
    for one in (*watches("far", 3, datacenter=known), *watches("own", 3)):
        line.add(one, had_news=False)
    assert Counter(kind(line.next()) for _ in range(6)) == {"far": 3, "own": 3}
    assert kind(line.next()) == "made"


def test_the_places_of_strangers_are_given_back_when_one_answers() -> None:
    line = ByDatacenter(2, strangers=2)
    far = watches("far", 4, datacenter="dc2")
    for one in (*far, *watches("made", 4, datacenter="made-up")):
        line.add(one, had_news=False)
    assert [kind(line.next()) for _ in range(3)] == ["far", "made", ""]
    far[0].instances = ()
    line.gone(far[0])
    assert [kind(line.next()) for _ in range(4)] == ["far", "far", "made", ""], "two of the known, two strangers"
