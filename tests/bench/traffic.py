"""What users' requests notice: one route is asked 100 times a second while the others are written."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
from devstack.handles.answers import JsonObject, accepted

from . import workload
from .report import Row, say
from .world import World, percentile

_RATE = 100
_SECONDS = 10.0
_BURSTS = 3
"""Full speed is over in a second or two; so it is done this often, and what was measured is put together."""
_LIVE = "bench-live"
_PACED = 50


class Asked(NamedTuple):
    """A request: when it began, by the monotonic clock, and the seconds that it took; -1 for one that failed."""

    began: float
    took: float


@contextmanager
def asking(world: World) -> Iterator[list[Asked]]:
    """Requests at an even rate meanwhile; the list is filled when the context ends."""
    asked: list[Asked] = []
    program = [sys.executable, str(Path(__file__).with_name("load.py")), f"{world.gateway.url}/live/hello", str(_RATE)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(1)  # connections are made, its modules are imported
            yield asked
        finally:
            output, _ = process.communicate()
            asked += [Asked(*one) for one in json.loads(output)]


def put_live_route(world: World) -> None:
    """A route that is not the operator's, and so stays as it is."""
    body: JsonObject = {
        "uri": "/live/*",
        "plugins": {"proxy-rewrite": {"regex_uri": ["^/live/(.*)", "/$1"]}},
        "upstream": {"type": "roundrobin", "discovery_type": "consul", "service_name": workload.SERVICE},
    }
    gateway = world.gateway
    accepted(gateway.http.put(f"{gateway.admin_url}/apisix/admin/routes/{_LIVE}", headers=gateway.headers, json=body))
    while gateway.http.get(f"{gateway.url}/live/hello").status_code != httpx.codes.OK:
        time.sleep(0.05)


def traffic(world: World) -> None:
    number = world.parameters.n
    world.programmed(number)
    put_live_route(world)
    with asking(world) as idle:
        began = time.monotonic()
        time.sleep(_SECONDS)
        ended = time.monotonic()
    within = [one for one in idle if began <= one.began <= ended]
    _add(world, f"{_RATE} requests/s on one route beside {number}, idle: p50, p99", within, "")
    floor = figures(within)
    bursts = [_while_writing(world, {}) for _ in range(_BURSTS)]
    together = [one for asked, _ in bursts for one in asked]
    rate = median(number / seconds for _, seconds in bursts)
    _add(world, f"the same while {number} others are written, full speed ({rate:.0f}/s)", together, floor)
    asked, seconds = _while_writing(world, {"ECHOROUTE_APISIX_MAX_WRITES_PER_SECOND": str(_PACED)})
    what = f"the same with ECHOROUTE_APISIX_MAX_WRITES_PER_SECOND={_PACED} ({number / seconds:.0f}/s)"
    _add(world, what, asked, floor)


def _while_writing(world: World, settings: dict[str, str]) -> tuple[list[Asked], float]:
    """The requests that began between the first write and the last, and the seconds between these."""
    routes = world.fresh(world.parameters.n)
    put_live_route(world)
    say("writing under load")
    with asking(world) as asked:
        world.start_operator(settings)
        first = world.gateway.wait_for_one(routes[0])
        last = world.gateway.wait_for(routes)
    return [one for one in asked if first <= one.began <= last], last - first


def figures(asked: list[Asked]) -> str:
    """p50 and p99."""
    took = [one.took * 1000 for one in asked if one.took >= 0]
    return f"{median(took):.1f} ms, {percentile(took, 0.99):.1f} ms"


def _add(world: World, what: str, asked: list[Asked], floor: str) -> None:
    failed = sum(one.took < 0 for one in asked)
    figure = f"{figures(asked)} ({len(asked)} requests, {failed} failed)"
    world.report.add(Row(what, figure, floor))
