"""EchoRoutes with two weighted backends beside those with one: time and memory.

An EchoRoute with two backends is two objects in the gateway, the second one an Upstream that is written first.
"""

import time
from dataclasses import dataclass

import httpx

from .process import cpu_seconds, memory
from .report import Row, say
from .workload import SECOND_SERVICE, SERVICE
from .world import World, pid_of


@dataclass(frozen=True, slots=True)
class _Found:
    """Seconds from the start of the operator, its CPU seconds until then, and MB after a time of quiet."""

    gateway: float
    statuses: float
    cpu: float
    settled: float
    peak: float


def split(world: World) -> None:
    _register_second(world)
    one, two = _measured(world, 1), _measured(world, 2)
    number = world.parameters.n
    for what, found in (("one backend", one), ("two weighted backends", two)):
        times = f"gateway {found.gateway:.2f} s, statuses {found.statuses:.2f} s, CPU {found.cpu:.2f} s"
        figure = f"{times}, {found.settled:.0f} MB settled, {found.peak:.0f} MB peak"
        world.report.add(Row(f"{number} EchoRoutes with {what}, the operator starts (once)", figure))
    more = 1000 * (two.settled - one.settled) / number
    figure = f"{two.gateway / one.gateway:.2f} x, {more:+.1f} KB each"
    world.report.add(Row("two weighted backends beside one: last route in the gateway, memory", figure))


def _measured(world: World, backends: int) -> _Found:
    number = world.parameters.n
    routes = world.fresh(number, backends)
    began = time.monotonic()
    operator = world.start_operator()
    gateway = world.gateway.wait_for(routes) - began
    statuses = world.wait_statuses(operator, number) - began
    world.forget()  # what others start from has one backend
    pid = pid_of(operator.process)
    cpu = cpu_seconds(pid)
    time.sleep(world.parameters.quiet)
    found = memory(pid)
    say(f"{number} with {backends}: gateway {gateway:.2f} s, statuses {statuses:.2f} s, {found.now:.0f} MB")
    return _Found(gateway, statuses, cpu, found.now, found.peak)


def _register_second(world: World) -> None:
    """The second service is the instance of the first one, by another name."""
    consul = world.gateway.consul_url
    [entry] = httpx.get(f"{consul}/v1/health/service/{SERVICE}", trust_env=False).json()
    service = entry["Service"]
    body = {"Name": SECOND_SERVICE, "Address": service["Address"], "Port": service["Port"]}
    httpx.put(f"{consul}/v1/agent/service/register", json=body, trust_env=False).raise_for_status()
