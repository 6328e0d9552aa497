"""Backends that the operator resolves: many services, services that flap, and datacenters that nobody knows."""

import itertools
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from devstack.handles.answers import JsonObject, accepted
from devstack.handles.consul import ConsulApi

from . import workload
from .process import memory
from .report import Row, say
from .traffic import asking, figures, put_live_route
from .world import World, pid_of

_SERVICES = 500
_HELD = 80
_MORE = 60
"""Megabytes that 500 services may cost beside one."""
_FLAPPING, _OF_EACH = 20, 50
_SECONDS = 20.0
_UNKNOWN = 100
_SOON = 1.0


def nodes(world: World) -> None:
    _many_services(world)
    _flapping(world)
    _unknown_datacenters(world)


def _many_services(world: World) -> None:
    number = world.parameters.n
    consul = _consul(world)
    plain = memory(pid_of(world.programmed(number).process))
    instances = _register(consul, ((f"service-{n}", n % 250, 8000 + n // 250) for n in range(_SERVICES)))
    _fresh(world, [(workload.name_of(n), _backend(f"service-{n % _SERVICES}")) for n in range(number)])
    operator = world.start_operator()
    pid = pid_of(operator.process)
    say(f"{_SERVICES} services, {number} EchoRoutes")
    world.gateway.wait_for([workload.route_id(workload.name_of(n)) for n in range(number)])
    time.sleep(world.parameters.quiet)
    held = 0
    for _ in range(20):
        held = max(held, _connections(pid, consul))
        time.sleep(0.25)
    found = memory(pid)
    what = f"{number} EchoRoutes of {_SERVICES} services that the operator resolves"
    figure = f"{found.now:.0f} MB settled, {found.peak:.0f} MB peak"
    limit = plain.now + _MORE
    floor = f"{plain.now:.0f} MB with one service"
    world.report.add(Row(f"{what}: memory", figure, floor, f"≤ {limit:.0f} MB", found.now <= limit, gating=True))
    world.report.add(Row(f"{what}: connections to Consul", str(held), "", f"≤ {_HELD}", held <= _HELD, gating=True))
    lap = operator.metric("echoroute_consul_lap_seconds")
    world.report.add(Row(f"{what}: a lap of the rotation", f"{lap:.1f} s"))
    _deregister(consul, instances)


def _flapping(world: World) -> None:
    consul, services = _consul(world), [f"flaps-{n}" for n in range(_FLAPPING)]
    placed = [(service, at, 8000 + n) for at, service in enumerate(services) for n in range(_OF_EACH)]
    instances = _register(consul, placed)
    names = [f"flaps{n}" for n in range(_FLAPPING)]
    _fresh(world, [(name, _backend(service)) for name, service in zip(names, services, strict=True)])
    put_live_route(world)
    alone, _ = _flap(world, consul, instances)
    world.start_operator()
    world.gateway.wait_for([workload.route_id(name) for name in names])
    time.sleep(3)
    before = world.gateway.versions()
    asked, transitions = _flap(world, consul, instances)
    time.sleep(3)
    routes = sum(before.get(key) != at for key, at in world.gateway.versions().items() if "/routes/" in key)
    writes = world.stack.gateway.api.writes() if world.gateway.pid is not None else []
    what = f"{len(instances)} instances in {_FLAPPING} services flap, {transitions} transitions in {_SECONDS:.0f} s"
    world.report.add(Row(f"{what}: Routes written", str(routes), "", "0", routes == 0, gating=True))
    if writes:
        upstreams = sum(write.kind == "upstreams" for write in writes)
        met = upstreams <= transitions
        world.report.add(Row(f"{what}: Upstreams written", str(upstreams), "", f"≤ {transitions}", met, gating=True))
    world.report.add(Row(f"{what}: requests beside it, p50, p99", asked, f"{alone} without the operator"))
    _deregister(consul, instances)


def _flap(world: World, consul: ConsulApi, instances: Sequence[str]) -> tuple[str, int]:
    """Let instances fail and pass again for some seconds; figures of the requests meanwhile, and the transitions."""
    if world.gateway.pid is not None:
        world.stack.gateway.api.reset_stats()
    transitions = 0
    with asking(world) as asked:
        end = time.monotonic() + _SECONDS
        for status in itertools.cycle(("critical", "passing")):
            for instance in instances:
                consul.set_status(instance, status)
                transitions += 1
                if time.monotonic() > end:
                    break
            if time.monotonic() > end:
                break
    return figures(asked), transitions


def _unknown_datacenters(world: World) -> None:
    consul = _consul(world)
    good, bad = _register(consul, [("well", 1, 8001), ("well", 1, 8002)])
    lost = [(f"lost{n}", _backend(f"lost-{n}", "nowhere")) for n in range(_UNKNOWN)]
    _fresh(world, [*lost, ("well", _backend("well"))])
    world.start_operator()
    world.gateway.wait_for([workload.route_id("well")])
    time.sleep(5)
    took = []
    for status in ("critical", "passing") * 5:
        before = world.gateway.versions()
        consul.set_status(bad, status)
        began = time.monotonic()
        while world.gateway.versions() == before:
            time.sleep(0.005)
        took.append(time.monotonic() - began)
        time.sleep(1.5)
    what = f"{_UNKNOWN} EchoRoutes with an unknown datacenter: another service's change, worst of {len(took)}"
    worst = max(took)
    world.report.add(Row(what, f"{worst:.2f} s", "", f"≤ {_SOON:g} s", worst <= _SOON, gating=True))
    _deregister(consul, [good, bad])


def _consul(world: World) -> ConsulApi:
    return ConsulApi(world.gateway.consul_url, httpx.Client(base_url=world.gateway.consul_url, trust_env=False))


def _backend(service: str, datacenter: str = "") -> JsonObject:
    subset: JsonObject = {"subset": {"datacenter": datacenter}} if datacenter else {}
    return {"service": service, "resolve": "Operator", **subset}


def _register(consul: ConsulApi, instances: Iterable[tuple[str, int, int]]) -> list[str]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda one: consul.register(one[0], one[2], address=f"10.30.0.{one[1]}"), instances))


def _deregister(consul: ConsulApi, instances: Sequence[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(consul.deregister, instances))


def _fresh(world: World, routes: Sequence[tuple[str, JsonObject]]) -> None:
    """No operator, an empty gateway, and these EchoRoutes with a backend each."""
    world.fresh(0)

    def post(one: tuple[str, JsonObject]) -> None:
        name, backend = one
        manifest = workload.manifest(name)
        manifest["spec"] = {**workload.spec(name), "backends": [backend]}
        accepted(world.stack.kube.http.post(workload.COLLECTION, json=manifest))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(post, routes))


def _connections(pid: int, consul: ConsulApi) -> int:
    """Established connections of a process to Consul, by /proc/net/tcp (man 5 proc)."""
    port = f":{int(consul.url.rpartition(':')[2]):04X}"
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(link.readlink().name)
        except OSError:
            continue  # closed meanwhile
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(row[2].endswith(port) and row[3] == "01" and f"socket:[{row[9]}]" in sockets for row in rows)
