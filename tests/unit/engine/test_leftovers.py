"""An Upstream stays for a moment after the Route that named it, and no longer, whatever else its team does."""

from echoroute.core.objects import Key, Kind, ObjectRef
from echoroute.engine.writer.leftovers import WAIT, Leftovers, upstreams_in_use
from echoroute.errors import GatewayDeferred

KEY = Key("shop", "a")
FIRST, SECOND = (ObjectRef(Kind.UPSTREAM, f"0a1b2c3d.shop.a.{name}") for name in ("first", "second"))


def test_each_has_a_time_of_its_own() -> None:
    now = 100.0
    leftovers = Leftovers(lambda: now)
    leftovers.unnamed(KEY, [FIRST])
    assert leftovers.too_early(KEY, FIRST) == WAIT
    now += WAIT / 2
    leftovers.unnamed(KEY, [FIRST, SECOND])
    assert leftovers.too_early(KEY, SECOND) == WAIT
    now += WAIT / 2
    assert leftovers.too_early(KEY, FIRST) <= 0.0, (
        "the Route was changed since, and it is not for the first one to wait"
    )
    assert leftovers.too_early(KEY, SECOND) == WAIT / 2


def test_who_edits_twice_a_second_leaves_few() -> None:
    now, there, most = 0.0, list[ObjectRef](), 0
    leftovers = Leftovers(lambda: now)
    for edit in range(100):
        there.append(ObjectRef(Kind.UPSTREAM, f"0a1b2c3d.shop.a.{edit}"))
        leftovers.unnamed(KEY, there)
        for ref in [ref for ref in there if leftovers.too_early(KEY, ref) <= 0]:
            leftovers.gone(KEY, ref)
            there.remove(ref)
        most = max(most, len(there))
        now += WAIT / 4
    assert most <= 5


def test_the_time_begins_anew_where_the_route_named_it_again_or_may_have() -> None:
    now = 0.0
    leftovers = Leftovers(lambda: now)
    leftovers.unnamed(KEY, [FIRST, SECOND])
    now += WAIT
    leftovers.unnamed(KEY, [SECOND])
    leftovers.unnamed(KEY, [FIRST, SECOND])
    assert leftovers.too_early(KEY, FIRST) == WAIT
    assert leftovers.too_early(KEY, SECOND) <= 0.0
    leftovers.in_doubt(KEY)
    assert leftovers.too_early(KEY, SECOND) == WAIT


def test_one_that_is_in_use_is_not_asked_for_at_each_edit() -> None:
    now = 0.0
    leftovers = Leftovers(lambda: now)
    leftovers.unnamed(KEY, [FIRST])
    now += WAIT
    assert leftovers.refused(KEY, FIRST, GatewayDeferred("it is still using it now")) > 0.0
    leftovers.unnamed(KEY, [FIRST, SECOND])
    assert leftovers.too_early(KEY, FIRST) == WAIT


def test_one_that_is_there_no_more_is_forgotten() -> None:
    """Somebody has removed it, or a Route names it again: it may be left over another time."""
    leftovers = Leftovers(lambda: 0.0)
    for _ in range(12):
        late = leftovers.refused(KEY, FIRST, GatewayDeferred("it is still using it now"))
    leftovers.unnamed(KEY, [FIRST, SECOND])
    assert upstreams_in_use.collect()[0].samples[0].value == 1
    leftovers.unnamed(KEY, [SECOND])
    assert upstreams_in_use.collect()[0].samples[0].value == 0
    assert leftovers.refused(KEY, FIRST, GatewayDeferred("it is still using it now")) < 1.0 < late, "it begins anew"
