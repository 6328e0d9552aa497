"""What happens when nothing has changed, and when all goes."""

import time

from devstack.handles.answers import at

from . import floor, workload
from .report import Row
from .world import World

_LOOK = 10.0
"""Seconds after a restart in which it might still write: the watch's own list, and statuses that wait for something."""


def restart(world: World) -> None:
    """The operator starts again over what it has programmed."""
    number = world.parameters.n
    world.programmed(number)
    time.sleep(2)
    world.restart_operator()
    objects, statuses = world.gateway.versions(), _versions(world)
    began = time.monotonic()
    world.start_operator(wait=True)
    ready = time.monotonic() - began
    time.sleep(_LOOK)
    written = _changed(objects, world.gateway.versions())
    patched = _changed(statuses, _versions(world))
    what = f"restart over {number} unchanged"
    world.report.add(
        Row(
            f"{what}: Admin API writes, status patches",
            f"{written}, {patched}",
            "",
            "0, 0",
            written + patched == 0,
            True,
        )
    )
    world.report.add(Row(f"{what}: ready", f"{ready:.2f} s", "", "≤ 4 s", ready <= 4))


def _versions(world: World) -> dict[str, int]:
    """The resourceVersion of each EchoRoute."""
    return {
        str(at(item, "metadata", "name")): int(str(at(item, "metadata", "resourceVersion")))
        for item in workload.items(world.stack.kube)
    }


def _changed(before: dict[str, int], after: dict[str, int]) -> int:
    return sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())


def delete(world: World) -> None:
    """All EchoRoutes are deleted by one call; the floor is the same DELETEs."""
    number = world.parameters.n
    world.fresh(number)
    floor.puts(world.gateway, number)
    bare = floor.deletes(world.gateway, number)
    world.programmed(number)
    routes = [workload.route_id(workload.name_of(n)) for n in range(number)]
    began = time.monotonic()
    workload.delete_all(world.stack.kube)
    answered = time.monotonic()
    empty = world.gateway.wait_for(routes, present=False)
    world.forget()
    took, limit = empty - answered, 2 * bare + 1
    world.report.add(
        Row(
            f"{number} deleted by one call: from its answer to the gateway empty",
            f"{took:.2f} s ({empty - began:.2f} s from its beginning)",
            f"{bare:.2f} s",
            f"≤ 2 x floor + 1 s = {limit:.2f} s",
            took <= limit,
            gating=True,
        )
    )
