"""References to selections are counted: right after any edits, and at the same cost whatever else there is."""

import asyncio
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from types import FrameType

from echoroute.api.selection import Resolver, Selection, Service
from echoroute.core.instances import Instance, State
from echoroute.core.objects import JsonObject
from echoroute.engine.desired import DesiredSide
from hypothesis import given
from hypothesis import strategies as st

from .sides import Followed, new_side, seen

_BACKENDS: list[JsonObject] = [
    {"service": "a"},
    {"service": "a", "resolve": "Operator"},
    {"service": "a", "subset": {"tags": ["x"]}},
    {"service": "a", "subset": {"datacenter": "dc2"}},
    {"service": "b", "weight": 0},
    {"service": "b", "subset": {"meta": {"version": "2"}}},
]
_INVALID: list[JsonObject] = [{"service": "a"}, {"service": "a"}]

_specs = st.none() | st.just(_INVALID) | st.lists(st.sampled_from(_BACKENDS), min_size=1, max_size=4, unique_by=str)
_edits = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), _specs, st.booleans()), max_size=25)


@given(_edits)
def test_after_any_edits_what_is_followed_is_what_a_recount_gives(
    edits: list[tuple[str, list[JsonObject] | None, bool]],
) -> None:
    async def play() -> None:
        followed = Followed()
        side = new_side(followed)
        for version, (name, backends, turn) in enumerate(edits, start=1):
            side.offer(seen(name, version, backends))
            if turn:  # otherwise the next edit comes in the same turn of the loop
                await _turn()
                _check(side, followed)
                for service in followed.services:
                    side.service_answered(service, _instances(service))
        await _turn()
        _check(side, followed)

    asyncio.run(play())


def _check(side: DesiredSide, followed: Followed) -> None:
    recount: dict[Selection, set[str]] = {}
    for key, route in side.table.items():
        for mention in route.backends:
            recount.setdefault(mention.selection, set()).add(key.name)
    uses = side.table.uses
    assert {selection: {key.name for key in uses.of(selection)} for selection in uses} == recount
    resolvers: dict[Service, set[Resolver]] = {}
    for selection in recount:
        resolvers.setdefault(selection.service, set()).add(selection.resolver)
    assert {service: uses.resolvers(service) for service in resolvers} == resolvers
    assert followed.services == {service: Resolver.OPERATOR in by for service, by in resolvers.items()}
    states = side.discovery._services
    assert {service: set(state.views) for service, state in states.items()} == {
        service: {selection for selection in recount if selection.service == service} for service in resolvers
    }


def _instances(service: Service) -> tuple[Instance, ...]:
    return (Instance("one", service.name, "10.0.0.1", "10.9.9.9", 80, State.PASSING),)


async def _turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_is_known_of_a_service_stays_when_another_selection_of_it_takes_the_place() -> None:
    """Its query says nothing new, so nobody would tell it again."""
    side = new_side(Followed())
    side.offer(seen("one", 1, [_BACKENDS[0]]))
    await _turn()
    side.service_answered(Service("a"), _instances(Service("a")))
    side.offer(seen("one", 2, [_BACKENDS[1]]))
    await _turn()
    [selection] = side.table.uses
    nodes = side.discovery.nodes(selection)
    assert nodes is not None
    assert nodes.healthy == 1


_FEW, _MANY = 100, 3_000


async def test_an_edit_costs_the_same_whatever_else_there_is() -> None:
    few, many = await _side(_FEW), await _side(_MANY)
    beside_few, beside_many = await _costs(few), await _costs(many)
    # The order of a set is another in each run, and so are some steps.
    assert all(abs(one - other) < 500 for one, other in zip(beside_few, beside_many, strict=True)), (
        f"{beside_few} steps beside {_FEW}, {beside_many} beside {_MANY}"
    )
    # Nor is anything copied, which takes no steps of Python.
    assert min(await _peaks(many)) < 100_000, f"a set of {_MANY} has 130,000 bytes, as has a dictionary"


_LATER = 10_000
_EDITS: list[list[JsonObject] | None] = [
    [{"service": "new"}],
    [{"service": "new", "resolve": "Operator"}, {"service": "s-5"}],
    [{"service": "new", "resolve": "Operator"}, {"service": "s-5", "subset": {"tags": ["new"]}}],
    None,
]


async def _costs(side: DesiredSide) -> list[int]:
    return [await _steps(lambda at=at: _edit(side, _LATER + at)) for at in range(len(_EDITS))]


async def _peaks(side: DesiredSide) -> list[int]:
    """The most memory that each edit took, in bytes; now and then a dictionary grows."""
    peaks = []
    for at in range(10):
        tracemalloc.start()
        await _edit(side, 2 * _LATER + at)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return peaks


async def _edit(side: DesiredSide, version: int) -> None:
    side.offer(seen("edited", version, _EDITS[version % len(_EDITS)]))
    await _turn()


async def _side(others: int) -> DesiredSide:
    """With as many EchoRoutes, each with a service and a subset of its own."""
    side = new_side(Followed())
    for number in range(others):
        own: JsonObject = {"service": f"s-{number}", "subset": {"tags": [f"t-{number}"]}}
        side.offer(seen(f"other-{number}", number + 1, [own, {"service": f"s-{number}"}]))
    await _turn()
    return side


async def _steps(work: Callable[[], Awaitable[None]]) -> int:
    """How many steps of Python's machine it takes."""
    steps = 0

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., object]:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        await work()
    finally:
        sys.settrace(before)
    return steps
