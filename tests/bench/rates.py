"""What the gateway itself can do, so that it is known where it bounds a figure."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from . import floor, workload
from .process import cpu_seconds
from .report import Row
from .world import World


def rates(world: World) -> None:
    number = world.parameters.n
    world.fresh(number)
    gateway = world.gateway
    _add(world, f"{number} PUTs, 8 connections", number, lambda: floor.puts(gateway, number))
    _add(world, f"20 full lists of {number} routes, one after another", 20, lambda: _lists(world, 20))
    _add(world, "2000 proxied requests, 8 connections", 2000, lambda: _requests(world, 2000))
    gateway.clear()


def _add(world: World, what: str, number: int, work: Callable[[], float]) -> None:
    pid = world.gateway.pid
    before = cpu_seconds(pid) if pid is not None else 0.0
    seconds = work()
    figure = f"{number / seconds:,.0f}/s with this client"
    if pid is not None:
        each = (cpu_seconds(pid) - before) / number
        figure += f"; {each * 1000:.2f} ms of CPU each"
        if each > 0:
            figure += f", so {1 / each:,.0f}/s a core"
    world.report.add(Row(f"{world.gateway.name}'s own rate: {what}", figure))


def _lists(world: World, number: int) -> float:
    began = time.monotonic()
    for _ in range(number):
        url = f"{world.gateway.admin_url}/apisix/admin/routes"
        world.gateway.http.get(url, headers=world.gateway.headers).raise_for_status()
    return time.monotonic() - began


def _requests(world: World, number: int) -> float:
    path = f"/{workload.name_of(0)}/hello"
    world.gateway.http.get(f"{world.gateway.url}{path}").raise_for_status()

    def ask(_: int) -> None:
        world.gateway.http.get(f"{world.gateway.url}{path}").raise_for_status()

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(number)))
    return time.monotonic() - began
