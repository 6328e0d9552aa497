"""EchoRoutes exist, the gateway is empty, the operator starts: pairs of that and its floor."""

import time
from dataclasses import dataclass
from statistics import median

from . import floor
from .process import cpu_seconds, memory
from .report import Row, say
from .world import World, pid_of


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process until all is in the gateway and all statuses are true, and their floors.

    `first` is when the first route was in the gateway.
    """

    first: float
    gateway: float
    statuses: float
    puts: float
    patches: float
    cpu: float
    """CPU seconds of the operator until then, its start and imports included."""
    floor_cpu: float


def pair(world: World, number: int) -> Start:
    """One floor, then one start."""
    world.fresh(number)
    cpu = time.process_time()
    puts = floor.puts(world.gateway, number)
    patches = floor.patches(world.stack.kubeconfig, number)
    floor_cpu = time.process_time() - cpu
    routes = world.fresh(number)
    began = time.monotonic()
    operator = world.start_operator()
    first = world.gateway.wait_for_one(routes[0]) - began
    gateway = world.gateway.wait_for(routes) - began
    statuses = world.wait_statuses(operator, number) - began
    found = Start(first, gateway, statuses, puts, patches, cpu_seconds(pid_of(operator.process)), floor_cpu)
    say(
        f"{number}: first {first:.2f} s, gateway {gateway:.2f} s, statuses {statuses:.2f} s;"
        f" floor {puts:.2f} s and {patches:.2f} s"
    )
    return found


def start(world: World) -> None:
    """The gates of a start, as medians."""
    number = world.parameters.n
    found = [pair(world, number) for _ in range(world.parameters.pairs)]
    puts, patches = median(one.puts for one in found), median(one.patches for one in found)
    gateway, statuses = median(one.gateway for one in found), median(one.statuses for one in found)
    times = f"{number} EchoRoutes, the operator starts" + (f" (median of {len(found)})" if len(found) > 1 else "")
    limit = 1.5 * puts + 2
    world.report.add(
        Row(
            f"{times}: last route in the gateway",
            f"{gateway:.2f} s",
            f"{puts:.2f} s",
            f"≤ 1.5 x floor + 2 s = {limit:.2f} s",
            gateway <= limit,
            gating=True,
        )
    )
    cpu, floor_cpu = median(one.cpu for one in found), median(one.floor_cpu for one in found)
    limit = 1.4 * (puts + patches) + 2
    world.report.add(
        Row(
            f"{times}: all statuses true",
            f"{statuses:.2f} s",
            f"{puts + patches:.2f} s",
            f"≤ 1.4 x floor + 2 s = {limit:.2f} s",
            statuses <= limit,
            gating=True,
        )
    )
    world.report.add(Row(f"{times}: CPU of the operator until then", f"{cpu:.2f} s", f"{floor_cpu:.2f} s"))


def settled_memory(world: World) -> None:
    """Memory after `quiet` seconds."""
    number = world.parameters.n
    operator = world.programmed(number)
    time.sleep(world.parameters.quiet)
    found = memory(pid_of(operator.process))
    world.report.add(Row(f"memory with {number} EchoRoutes", f"{found.now:.0f} MB settled, {found.peak:.0f} MB peak"))
