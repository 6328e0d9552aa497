"""Replicas of the operator go and come back, under one change a second and 200 requests a second: nobody notices."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self

import httpx
import pytest
from devstack.echoroutes import delete, path_of, route
from devstack.handles.answers import accepted, at
from devstack.load import Load
from devstack.waiting import until

from .installed import OPERATOR, SYSTEM, Installed, wait_for_rollouts

RATE = 200.0
LEASE = 15.0
SLOWER = 5
"""Seconds are promised on two idle cores; here a whole cluster shares them."""

_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases"
_ROUTE = """
apiVersion: echoroute.dev/v1alpha1
kind: EchoRoute
metadata: {name: watched}
spec:
  match: {paths: ["/watched"]}
  rewrite: {path: /hello}
  backends: [{service: echo}]
"""


def test_changes_arrive_by_the_watch(settled: Installed) -> None:
    """Long before the next round of lists, which comes every 30 s and would do the same in the end."""
    before = _log(settled)  # they may have started before the gateway, and said so
    for _ in range(2):
        settled.kube.apply(_ROUTE)
        settled.gateway.wait_for("/watched", 200, timeout=5)
        settled.kube.delete("echoroute", "watched")
        settled.gateway.wait_for("/watched", 404, timeout=5)
    assert "serves gateway class" in before, "a log that is one of the operator's"
    assert _log(settled).count('"level": "ERROR"') == before.count('"level": "ERROR"')


def _log(installed: Installed) -> str:
    return installed.kube.run("logs", f"--selector={OPERATOR}", "--tail=-1", f"--namespace={SYSTEM}")


def _leader(installed: Installed) -> str:
    """The pod that the Lease names."""
    leases = at(accepted(installed.kube.http.get(_LEASES)).json(), "items")
    assert isinstance(leases, list)
    return str(at(leases[0], "spec", "holderIdentity") or "").rpartition("_")[0]


def _other(installed: Installed) -> str:
    [pod] = [pod for pod in installed.pods(SYSTEM, OPERATOR) if pod != _leader(installed)]
    return pod


class Changes:
    """As a context manager: one new EchoRoute a second, and how long the gateway takes to serve each."""

    def __init__(self, installed: Installed) -> None:
        self._installed = installed
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run)]
        self.seconds: list[float] = []

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(1.0):
            one = route(f"change-{number}", "default", f"/change/{number}")
            one["spec"] |= {"rewrite": {"path": "/hello"}, "backends": [{"service": "echo"}]}
            accepted(self._installed.kube.http.post(path_of("default"), json=one))
            self._threads.append(threading.Thread(target=self._served, args=(f"/change/{number}", time.monotonic())))
            self._threads[-1].start()
            number += 1

    def _served(self, path: str, began: float) -> None:
        with httpx.Client(base_url=self._installed.gateway.url, timeout=5, trust_env=False) as client:
            while client.get(path).status_code != httpx.codes.OK:
                if time.monotonic() > began + 4 * LEASE:
                    break
                time.sleep(0.02)
        self.seconds.append(time.monotonic() - began)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for number in range(len(self._threads) - 1):
            delete(self._installed.kube, "default", f"change-{number}")


class Disturbance(NamedTuple):
    do: Callable[[Installed], None]
    bound: float
    """Seconds within which each change is served."""
    why: str


def _rolling_update(installed: Installed) -> None:
    installed.kube.run("rollout", "restart", "deployment/echoroute-operator", f"--namespace={SYSTEM}")


def _deleted(installed: Installed) -> None:
    installed.kube.run("delete", "pod", _leader(installed), f"--namespace={SYSTEM}", timeout=60)


def _deleted_by_force(installed: Installed) -> None:
    scope = (f"--namespace={SYSTEM}", "--force", "--grace-period=0")
    installed.kube.run("delete", "pod", _leader(installed), *scope, timeout=60)


def _evict(installed: Installed, pod: str) -> int:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": SYSTEM}}
    return installed.kube.http.post(f"/api/v1/namespaces/{SYSTEM}/pods/{pod}/eviction", json=body).status_code


def _evicted(installed: Installed) -> None:
    leader, other = _leader(installed), _other(installed)
    assert _evict(installed, leader) == httpx.codes.CREATED
    assert _evict(installed, other) == httpx.codes.TOO_MANY_REQUESTS, "before its successor is Ready"
    wait_for_rollouts(installed.kube, SYSTEM)
    until(lambda: _evict(installed, other) == httpx.codes.CREATED)


@pytest.mark.parametrize(
    "disturbance",
    [
        Disturbance(_rolling_update, 3.0, "each pod that goes lets another one lead"),
        Disturbance(_deleted, 3.0, "it releases the Lease"),
        Disturbance(_deleted_by_force, LEASE + 3.0, "it may be gone without a word"),
        Disturbance(_evicted, 3.0, "the budget takes one at a time"),
    ],
    ids=lambda disturbance: disturbance.do.__name__.strip("_"),
)
def test_replicas_go_under_load(settled: Installed, figure: Callable[[str], None], disturbance: Disturbance) -> None:
    wait_for_rollouts(settled.kube, SYSTEM)
    before = settled.pods(SYSTEM, OPERATOR)
    with Load(settled.hello, RATE) as load, Changes(settled) as changes:
        time.sleep(3)
        disturbance.do(settled)
        wait_for_rollouts(settled.kube, SYSTEM)
        time.sleep(5)
    assert set(before) != set(settled.pods(SYSTEM, OPERATOR)), "else nothing went"
    name = disturbance.do.__name__.strip("_").replace("_", " ")
    figure(f"{name}: {len(changes.seconds)} changes, each served within {max(changes.seconds):.1f} s")
    assert load.outcomes == {"200": load.sent}
    assert load.sent > 0.9 * RATE * load.seconds
    assert max(changes.seconds) < disturbance.bound * SLOWER, disturbance.why


def test_over_unchanged_routes_a_new_leader_writes_nothing(settled: Installed) -> None:
    until(lambda: not [one for one in settled.gateway.list_all("routes") if "change" in str(one.get("name"))])
    objects, seen = settled.gateway.list_all("routes"), settled.gateway.stats().seq
    leader = _leader(settled)
    _deleted(settled)
    until(lambda: _leader(settled) not in {"", leader})
    wait_for_rollouts(settled.kube, SYSTEM)
    time.sleep(3)  # a leader lists the gateway at once
    assert [write for write in settled.gateway.writes(seen) if write.seq > seen] == []
    assert settled.gateway.list_all("routes") == objects


def test_what_was_changed_while_nobody_led_is_mended(settled: Installed) -> None:
    """What happened while nobody watched is put right by the first look of the next leader."""
    [route] = [one for one in settled.gateway.list_all("routes") if one.get("name") == "echoRoute"]
    scope = f"--namespace={SYSTEM}"
    settled.kube.run("scale", "deployment/echoroute-operator", "--replicas=0", scope)
    until(lambda: not settled.pods(SYSTEM, OPERATOR))
    settled.gateway.delete("routes", str(route["id"]))
    assert settled.gateway.request("/testecho/hello").status_code == 404
    settled.kube.run("scale", "deployment/echoroute-operator", "--replicas=2", scope)
    wait_for_rollouts(settled.kube, SYSTEM)
    settled.gateway.wait_for("/testecho/hello", 200, timeout=40)
