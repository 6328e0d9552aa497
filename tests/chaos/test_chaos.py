"""Everything goes wrong, over 500 EchoRoutes that change and 50 that do not: in the end all is as it was asked for.

`CHAOS_SECONDS` (90) says for how long, `CHAOS_SEED` (0) with which choices; timing makes each run another one anyway.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from devstack.echoroutes import path_of, route
from devstack.handles.answers import JsonObject, accepted, at
from devstack.product import Operator, install, start_echo, start_operator
from devstack.pytest_plugin import FreshStack
from devstack.stack import Stack
from devstack.waiting import until
from echoroute.api.objects import EchoRouteObject
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import Kind
from echoroute.core.ownership import owner_id
from echoroute.core.policy import Policy
from echoroute.core.seen import key_of, seen

from .mishaps import Mishaps
from .traffic import RECOVERY, Traffic

SECONDS, SEED = float(os.environ.get("CHAOS_SECONDS", "90")), int(os.environ.get("CHAOS_SEED", "0"))
BUSY, CALM = 500, 50
_CHANGES_PER_SECOND = 15.0
_QUIET = 10.0
_MORE_FILES, _MORE_MEMORY = 20, 1.5


class Use(NamedTuple):
    """What a process holds."""

    files: int
    megabytes: float


def _use(operator: Operator) -> Use:
    pid = operator.process.pid
    assert pid is not None
    resident = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return Use(len(list(Path(f"/proc/{pid}/fd").iterdir())), int(resident.split()[1]) * 1024 / 1e6)


def _calm(number: int) -> JsonObject:
    return route(
        f"calm-{number}", "default", f"/calm/{number}", rewrite={"path": "/hello"}, backends=[{"service": "echo"}]
    )


def _busy(number: int, chance: random.Random) -> JsonObject:
    path = f"/busy/{number}/{chance.choice('abc')}"
    return route(f"busy-{number}", "default", path, backends=[{"service": "echo"}], websocket=chance.random() < 0.5)


@contextmanager
def _changing(stack: Stack, chance: random.Random) -> Iterator[None]:
    """People create, change and delete; what the API server does not take while it is away, they try no more."""
    over = threading.Event()

    def change() -> None:
        kube = stack.kube
        while not over.wait(1 / _CHANGES_PER_SECOND):
            number = chance.randrange(BUSY)
            path = path_of("default", f"busy-{number}")
            try:
                if chance.random() < 0.2:
                    kube.http.delete(path, timeout=5)
                elif kube.http.post(path_of("default"), json=_busy(number, chance), timeout=5).status_code == 409:
                    patch = {"spec": _busy(number, chance)["spec"]}
                    headers = {"Content-Type": "application/merge-patch+json"}
                    kube.http.patch(path, json=patch, headers=headers, timeout=5)
            except httpx.TransportError:
                continue

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _asked_for(stack: Stack) -> dict[str, JsonObject]:
    """The gateway's objects as the EchoRoutes ask for them, by id."""
    owner = owner_id(str(at(stack.kube.read("/api/v1/namespaces/kube-system"), "metadata", "uid")), "apisix")
    found: dict[str, JsonObject] = {}
    items = at(accepted(stack.kube.http.get(path_of("default"))).json(), "items")
    for raw in items if isinstance(items, list) else ():
        entry = seen(raw, gateway_class="apisix").entry
        assert entry is not None
        bundle = evaluate(key_of(EchoRouteObject.from_raw(raw)), entry, owner=owner, policy=Policy(frozenset())).bundle
        assert bundle is not None
        found |= {ref.id: body for ref, body in bundle.objects.items() if ref.kind is Kind.ROUTE}
    return found


def _held(stack: Stack) -> dict[str, JsonObject]:
    own = {"create_time", "update_time", "id"}
    routes = stack.gateway.api.list_all("routes")
    return {str(one["id"]): {name: value for name, value in one.items() if name not in own} for one in routes}


def _is_as_asked(stack: Stack) -> bool:
    asked, held = _asked_for(stack), _held(stack)
    bodies = {name: {key: value for key, value in body.items() if key != "id"} for name, body in asked.items()}
    return bodies == held


@pytest.mark.timeout(SECONDS + 800)
def test_whatever_goes_wrong_in_the_end_all_is_as_it_was_asked_for(
    fresh_stack: FreshStack, figure: Callable[[str], None]
) -> None:
    stack, chance = fresh_stack(), random.Random(SEED)  # noqa: S311 - chaos, no secret
    install(stack)
    for version in (1, 2):
        start_echo(stack, version)
    stack.consul.api.wait_for_passing("echo", 2)
    manifests = [*map(_calm, range(CALM)), *(_busy(number, chance) for number in range(BUSY))]
    for manifest in manifests:
        accepted(stack.kube.http.post(path_of("default"), json=manifest))
    replicas = [_replica(stack, pod) for pod in ("first", "second")]
    until(lambda: _is_as_asked(stack), "all routes are there", timeout=60)
    traffic = Traffic(stack.gateway.api, [f"/calm/{number}" for number in range(CALM)])
    until(traffic.serves)
    time.sleep(_QUIET)
    before = max(_use(replica) for replica in replicas)

    mishaps = Mishaps(stack, replicas, traffic, chance)
    with traffic, _changing(stack, chance):
        mishaps.run(SECONDS)
    took = until(lambda: _is_as_asked(stack), "all is as it was asked for", timeout=2 * RECOVERY)
    until(lambda: sum(one.metric("echoroute_leader") for one in replicas if one.answers()) == 1, timeout=RECOVERY)
    time.sleep(_QUIET)
    after = [_use(replica) for replica in replicas]

    _tell(figure, mishaps, took)
    failed = traffic.outcomes.total() - traffic.outcomes["200"]
    figure(f"{traffic.outcomes.total()} requests, {failed} failed while gateway or Consul were away")
    figure(f"files and MB of a replica: {before.files}, {before.megabytes:.0f} before; {after} after")
    assert traffic.unexplained() == []
    assert all(use.files <= before.files + _MORE_FILES for use in after)
    assert all(use.megabytes <= before.megabytes * _MORE_MEMORY for use in after)


def _replica(stack: Stack, pod: str) -> Operator:
    elected = {"ECHOROUTE_LEADER_ELECTION": "true", "POD_NAME": pod, "POD_NAMESPACE": "echoroute-system"}
    return start_operator(stack, {**elected, "ECHOROUTE_DRIFT_INTERVAL": "5s"}, name=pod)


def _tell(figure: Callable[[str], None], mishaps: Mishaps, took: float) -> None:
    figure(f"seed {SEED}, {SECONDS:g} s: " + ", ".join(f"{what} {n}x" for what, n in mishaps.happened.most_common()))
    slowest = ", ".join(f"at most {seconds:.1f} s {what}" for what, seconds in mishaps.slowest.items())
    figure(f"as asked for {took:.1f} s after the last mishap; {slowest}")
