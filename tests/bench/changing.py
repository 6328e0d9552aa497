"""One EchoRoute changes while many exist: how long until the gateway has it, and until a request is answered."""

import random
import time
from statistics import median

import httpx
from devstack.handles.answers import at

from . import workload
from .report import Row
from .world import World, percentile

_APPLIES = 20
_APART = 0.05
"""Seconds from the end of one measurement to the next: a user's change, not a bulk."""


def change(world: World) -> None:
    number = world.parameters.n
    world.programmed(number)
    randomly = random.Random(1)  # noqa: S311 - which of them does not matter
    took = [_accepted_after(world, randomly.randrange(number), turn) for turn in range(world.parameters.changes)]
    p50, p99 = median(took) * 1000, percentile(took, 0.99) * 1000
    world.report.add(
        Row(
            f"one of {number} changed ({len(took)} times): API server's answer to gateway, p50, p99",
            f"{p50:.0f} ms, {p99:.0f} ms",
            "",
            "≤ 30 ms, ≤ 150 ms",
            p50 <= 30 and p99 <= 150,
        )
    )
    _applies(world, number)


def _accepted_after(world: World, number: int, turn: int) -> float:
    """Seconds from the API server's answer until the gateway holds the change."""
    name = workload.name_of(number)
    wanted = f"change {turn} of {name}"
    workload.merge_spec(world.stack.kube, name, {"name": wanted})
    answered = time.monotonic()
    while (found := world.gateway.get(workload.route_id(name))) is None or at(found, "value", "name") != wanted:
        if time.monotonic() > answered + 30:
            raise TimeoutError(f"{name} is not changed in the gateway after 30 s")
        time.sleep(0.001)
    took = time.monotonic() - answered
    time.sleep(_APART)
    return took


def _applies(world: World, number: int) -> None:
    names = [f"applied-{turn:03d}" for turn in range(_APPLIES)]
    answered, returned = zip(*(_answered_after(world, name) for name in names), strict=True)
    world.report.add(
        Row(
            f"one more beside {number} ({_APPLIES} times): kubectl apply to the first answered request, p50, worst",
            f"{median(answered) * 1000:.0f} ms, {max(answered) * 1000:.0f} ms",
            f"kubectl alone {median(returned) * 1000:.0f} ms",
        )
    )
    for name in names:
        world.stack.kube.http.delete(f"{workload.COLLECTION}/{name}").raise_for_status()
    world.gateway.wait_for([workload.route_id(name) for name in names], present=False)


def _answered_after(world: World, name: str) -> tuple[float, float]:
    """Seconds from the start of kubectl until a request is answered, and until kubectl returned."""
    began = time.monotonic()
    world.stack.kube.apply(workload.manifest(name))
    returned = time.monotonic() - began
    url = f"{world.gateway.url}/{name}/hello"
    while world.gateway.http.get(url).status_code != httpx.codes.OK:
        if time.monotonic() > began + 30:
            raise TimeoutError(f"{url} is not answered after 30 s")
        time.sleep(0.001)
    return time.monotonic() - began, returned
