"""How long the operator takes to bring N EchoRoutes into the gateway, beside the floor measured in the same run.

The floor makes the same Admin API PUTs and status patches with the same libraries and concurrency, and no logic.
`make bench`, or `BENCH_N=500 make bench`.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from devstack.builder import build
from devstack.instances import directory_of
from devstack.product import install, start_operator
from devstack.programs import DEMO
from devstack.stack import Stack
from echoroute.api.parse import parse_spec
from echoroute.core.changes import Put
from echoroute.core.objects import JsonObject, Key
from echoroute.core.seen import Seen
from echoroute.core.translate import translate
from echoroute.gateway.admin_api import AdminApi
from echoroute.kube.api import KubernetesApi
from echoroute.kube.echoroutes import EchoRoutes
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls

N = int(os.environ.get("BENCH_N", "2000"))
CONCURRENCY = 8


def spec(number: int) -> JsonObject:
    return {
        "match": {"paths": [f"/r{number}/*"]},
        "rewrite": {"regex": {"pattern": f"^/r{number}/(.*)", "replacement": "/$1"}},
        "backends": [{"service": "echo"}],
    }


async def timed(jobs: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """Seconds that all jobs take, eight at once."""
    waiting = iter(jobs)

    async def work() -> None:
        for job in waiting:
            await job()

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONCURRENCY):
            tasks.create_task(work())
    return time.monotonic() - began


async def floor(stack: Stack) -> tuple[float, float]:
    """Seconds for N PUTs, and for N status patches."""
    os.environ["KUBECONFIG"] = str(stack.kubeconfig)
    gateway = AdminApi(
        stack.gateway.admin_url,
        Credential("key", file=stack.gateway.admin_key_file),
        tls=Tls(),
        concurrency=CONCURRENCY,
        max_writes_per_second=None,
    )
    bundles = [translate(Key("default", f"r{n:05d}"), parse_spec(spec(n)), owner="00000000") for n in range(N)]
    changes = [[Put(ref, body) for ref, body in bundle.objects.items()] for bundle in bundles]
    puts = await timed([lambda change=change: gateway.apply(change) for change in changes])
    await gateway.aclose()
    async with KubernetesApi(16) as api:
        routes = EchoRoutes(api, gateway_class="apisix", namespaces=())
        listing = await routes.list(metadata_only=False)
        patches = await timed([lambda seen=seen: patch(routes, seen) for seen in listing.objects])
    return puts, patches


async def patch(routes: EchoRoutes, seen: Seen) -> None:
    assert seen.entry is not None
    moment = "2026-01-01T00:00:00Z"
    conditions: JsonObject = {
        "conditions": [
            {"type": type_, "status": "True", "reason": type_, "message": "floor", "lastTransitionTime": moment}
            for type_ in ("Accepted", "ResolvedRefs", "Programmed", "Ready")
        ]
    }
    await routes.patch_status(seen.key, seen.entry.uid, conditions)


def fill(stack: Stack) -> None:
    items = [
        {
            "apiVersion": "echoroute.dev/v1alpha1",
            "kind": "EchoRoute",
            "metadata": {"name": f"r{n:05d}", "namespace": "default"},
            "spec": spec(n),
        }
        for n in range(N)
    ]
    for at in range(0, N, 500):
        stack.kube.run("create", "-f", "-", stdin=_list(items[at : at + 500]), timeout=120)


def _list(items: list[JsonObject]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def measure(stack: Stack) -> None:
    fill(stack)
    puts, patches = asyncio.run(floor(stack))
    print(f"floor: {N} PUTs {puts:.2f} s, {N} status patches {patches:.2f} s", flush=True)
    # New objects, with the default status, as at a first start.
    stack.kube.http.delete("/apis/echoroute.dev/v1alpha1/namespaces/default/echoroutes").raise_for_status()
    fill(stack)
    stack.gateway.api.wipe()
    stack.gateway.api.reset_stats()
    began = time.monotonic()
    operator = start_operator(stack, wait=False)
    while stack.gateway.api.stats().writes < N:
        time.sleep(0.05)
    gateway = time.monotonic() - began
    while not operator.ready() or operator.metric("echoroute_status_patches_total") < N:
        time.sleep(0.2)
    statuses = time.monotonic() - began
    print(f"start: all in the gateway after {gateway:.2f} s  (gate: {1.5 * puts + 2:.2f} s = 1.5 x floor + 2 s)")
    print(f"start: all statuses after       {statuses:.2f} s  (gate: {1.4 * (puts + patches) + 2:.2f} s)", flush=True)
    operator.process.stop()
    stack.gateway.api.reset_stats()
    began = time.monotonic()
    operator = start_operator(stack)
    ready = time.monotonic() - began
    time.sleep(5)
    writes, patched = stack.gateway.api.stats().writes, operator.metric("echoroute_status_patches_total")
    print(f"restart, unchanged: ready after {ready:.2f} s (goal: 4 s)")
    print(f"restart, unchanged: {writes} writes, {patched:.0f} status patches (gate: 0, 0)")
    memory = int(Path(f"/proc/{operator.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    print(f"memory after that: {memory:.0f} MB")


def main() -> None:
    with Stack(directory_of("bench"), build(DEMO)) as stack:
        install(stack)
        stack.consul.api.register("echo", port=1)
        measure(stack)


if __name__ == "__main__":
    main()
