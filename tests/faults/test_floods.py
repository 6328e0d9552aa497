"""Floods: one team creates thousands of EchoRoutes, or edits large ones all the time, while another changes one.

Promises in seconds are asserted with five times their bound, and printed (`pytest -s`). `make soak` asks for 10,000.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from devstack.echoroutes import create, delete, path_of, programmed, route
from devstack.handles.answers import JsonObject
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

from .promises import MERGE, change, say, told

Start = Callable[..., Operator]

_SLOW_ROUNDS = {"ECHOROUTE_DRIFT_INTERVAL": "30s"}
_CROWD = int(os.environ.get("FLOOD_ECHOROUTES", "300"))
_PATCHES = 'echoroute_status_patches_total{code="200"}'
_POD = 512  # MiB, the limit in manifests/base
_CREATORS = 4  # requests at once: the API server gets some hundred EchoRoutes a second


def _create_crowd(kube: Kube) -> None:
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flood"}})
    _for_each(lambda name: create(kube, [route(name, "flood", f"/flood/{name}")]))


def _delete_crowd(kube: Kube) -> None:
    """One by one: thousands are more than one request deletes in its time."""
    _for_each(lambda name: delete(kube, "flood", name))


def _for_each(work: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(_CREATORS) as workers:
        list(workers.map(work, [f"r{number}" for number in range(_CROWD)]))


@contextmanager
def _flood(kube: Kube, name: str, pad: str) -> Iterator[None]:
    """Edit an EchoRoute ten times a second, each time with a config as large as one may be."""
    over = threading.Event()

    def edit() -> None:
        turn = 0
        while not over.wait(0.1):
            turn += 1
            plugins: JsonObject = {
                "fault-injection": {"abort": {"http_status": 503, "body": pad, "percentage": 0}},
                "mocking": {"response_example": pad},
                "response-rewrite": {"status_code": 200, "body": f"{turn}{pad}"},
            }
            kube.http.patch(path_of("flood", name), headers=MERGE, json={"spec": {"plugins": plugins}})

    editor = threading.Thread(target=edit)
    editor.start()
    yield
    over.set()
    editor.join()


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("size", [16_000, 350_000], ids=["at the budget", "a megabyte"])
def test_large_configs_edited_ten_times_a_second_delay_nobody_else(
    breakable_stack: Stack, start: Start, size: int
) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    _create_crowd(kube)
    create(kube, [route("ours", "default", "/ours")])
    operator = start(**_SLOW_ROUNDS)
    until(lambda: len(programmed(gateway, "flood")) == _CROWD, timeout=300)
    until(lambda: operator.check("watch") == "[+]watch")
    # The start is over: all statuses are written.
    until(lambda: operator.metric(_PATCHES) > _CROWD, timeout=300)
    gateway.reset_stats()
    began = time.monotonic()
    took = []
    with _flood(kube, "r0", "x" * size), _flood(kube, "r1", "y" * size):
        for turn in range(10):
            took.append(change(breakable_stack, "default", "ours", f"/ours-{turn}"))
            time.sleep(0.6)
    lasted = time.monotonic() - began
    told("the slowest change of ten beside the flood", max(took), 1)
    for name in ("r0", "r1"):
        written = sum(str(write.id).endswith(f"flood.{name}") for write in gateway.writes())
        say(f"writes of {name} in {lasted:.1f} s: {written}")
        assert written <= 2 * lasted + 1
    assert operator.process.running
    _delete_crowd(kube)


@pytest.mark.timeout(1200)
def test_thousands_that_are_created_delay_nobody_else(breakable_stack: Stack, start: Start) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    create(kube, [route("ours", "default", "/ours")])
    operator = start(**_SLOW_ROUNDS)
    until(lambda: len(programmed(gateway, "default")) == 1)
    until(lambda: operator.check("watch") == "[+]watch")
    crowd = threading.Thread(target=_create_crowd, args=[kube])
    crowd.start()
    took = []
    while crowd.is_alive() or operator.metric(_PATCHES) < _CROWD:
        took.append(change(breakable_stack, "default", "ours", f"/ours-{len(took)}"))
        time.sleep(0.6)
    say(f"{len(took)} changes while {_CROWD:,} EchoRoutes were created and got their statuses")
    told("the slowest of them", max(took), 1)
    assert gateway.stats().objects["routes"] == _CROWD + 1
    _delete_crowd(kube)


@pytest.mark.timeout(600)
def test_a_start_beside_many_megabytes_fits_into_the_pod(breakable_stack: Stack, start: Start) -> None:
    """Each of these is refused; the API server has them all the same, and the operator lists them."""
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flood"}})
    for number in range(60):
        manifest = route(f"r{number}", "flood", f"/flood/{number}")
        manifest["spec"]["plugins"] = {"mocking": {"response_example": "x" * 1_000_000}}
        create(kube, [manifest])
    create(kube, [route("ours", "default", "/ours")])
    operator = start(wait=False, **_SLOW_ROUNDS)
    until(lambda: len(programmed(gateway, "default")) == 1, timeout=120)
    until(lambda: operator.check("watch") == "[+]watch", timeout=120)
    status = Path(f"/proc/{operator.process.pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    say(f"a start beside 60 EchoRoutes of a megabyte: {peak} MiB at most, of {_POD}")
    assert peak < _POD
    for number in range(60):
        delete(kube, "flood", f"r{number}")
