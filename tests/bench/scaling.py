"""Many EchoRoutes beside few: time for each, memory, CPU at rest."""

import time

from .process import cpu_seconds, memory
from .report import Row, say
from .starting import Start, pair
from .world import World, pid_of

_IDLE = 65.0
"""Seconds over which the CPU is counted: two rounds of comparing both sides."""


def scale(world: World) -> None:
    small, large = world.parameters.small, world.parameters.large
    few, many = pair(world, small), pair(world, large)
    for number, found in ((small, few), (large, many)):
        world.report.add(
            Row(
                f"{number} EchoRoutes, the operator starts (once): gateway, statuses",
                f"{found.gateway:.2f} s, {found.statuses:.2f} s",
                f"{found.puts:.2f} s, {found.puts + found.patches:.2f} s",
            )
        )
    _for_each(world, "from the first route in the gateway to the last", _gateway(few) / small, _gateway(many) / large)
    _for_each(world, "from the first route to all statuses", _statuses(few) / small, _statuses(many) / large)


def _gateway(found: Start) -> float:
    return found.gateway - found.first


def _statuses(found: Start) -> float:
    return found.statuses - found.first


def _for_each(world: World, what: str, few: float, many: float) -> None:
    ratio = many / few
    sizes = f"{world.parameters.large} against {world.parameters.small}"
    figure = f"{many * 1000:.2f} ms / {few * 1000:.2f} ms = {ratio:.2f}"
    world.report.add(Row(f"{sizes}, for each: {what}", figure, "", "≤ 1.5", ratio <= 1.5, gating=True))


def at_rest(world: World) -> None:
    """Nothing happens: what the rounds cost."""
    number = world.parameters.large
    operator = world.programmed(number)
    time.sleep(world.parameters.quiet)
    pid = pid_of(operator.process)
    found = memory(pid)
    figure = f"{found.now:.0f} MB settled, {found.peak:.0f} MB peak"
    met = found.now <= 200 and found.peak <= 300
    world.report.add(Row(f"memory with {number} EchoRoutes", figure, "", "≤ 200 MB, ≤ 300 MB", met))
    say(f"counting the CPU at rest for {_IDLE:.0f} s")
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(_IDLE)
    share = (cpu_seconds(pid) - before) / (time.monotonic() - began)
    world.report.add(Row(f"CPU at rest with {number} EchoRoutes", f"{share:.1%} of a core", "", "≤ 1 %", share <= 0.01))
