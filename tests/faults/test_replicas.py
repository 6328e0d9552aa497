"""Two replicas over 2,000 EchoRoutes: the leader stops, is killed, is frozen; and nobody writes twice, or too late."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from devstack.echoroutes import create, delete, path_of, programmed, route
from devstack.handles.answers import accepted, at
from devstack.handles.kube import Kube
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

from .replicas import LEASE, Replica, forget_lease, holder, leads, pair, replica, stands_by

pytestmark = pytest.mark.timeout(400)

_MANY = 2_000
_CONCURRENCY = 8
_FROZEN = 40.0
"""Seconds at least for which a leader sleeps: far longer than its Lease."""
_SLOWER = 5
"""Seconds are promised on two idle cores; a busy machine may take so many times as long."""

Figure = Callable[[str], None]


def _plenty(number: int) -> dict[str, object]:
    return route(f"r{number:04}", "plenty", f"/plenty/{number}/*", backends=[{"service": "plenty"}])


@pytest.fixture(scope="module")
def plenty(breakable_stack: Stack) -> Iterator[Stack]:
    """The stack with 2,000 EchoRoutes."""
    kube = breakable_stack.kube
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "plenty"}})
    create(kube, (_plenty(number) for number in range(_MANY)))
    yield breakable_stack
    delete(kube, "plenty")


@pytest.fixture
def replicas(breakable_stack: Stack, start: Callable[..., Operator]) -> Iterator[Replica]:
    yield replica(start)
    for name in ("new", "other"):
        with suppress(Exception):
            delete(breakable_stack.kube, "default", name)
    forget_lease(breakable_stack.kube)


def _versions(kube: Kube) -> dict[str, str]:
    """Of all EchoRoutes: a status patch makes another one."""
    items = at(accepted(kube.http.get(path_of("plenty"))).json(), "items")
    assert isinstance(items, list)
    return {str(at(item, "metadata", "name")): str(at(item, "metadata", "resourceVersion")) for item in items}


def _told(kube: Kube) -> bool:
    items = at(accepted(kube.http.get(path_of("plenty"))).json(), "items")
    assert isinstance(items, list)
    return all(at(item, "status", "observedGeneration") == 1 for item in items)


def _serving(stack: Stack, leader: Operator) -> None:
    """Wait until the leader has nothing to do any more."""
    until(lambda: len(programmed(stack.gateway.api, "plenty")) == _MANY, timeout=120)
    until(lambda: _told(stack.kube), timeout=120)
    until(lambda: leader.metric("echoroute_queue_depth") == 0)


def _take_over(stack: Stack, leave: Callable[[], None], other: Operator) -> float:
    """From when a leader leaves until the other one has written a new route."""
    gateway = stack.gateway.api
    leave()
    create(stack.kube, [route("new", "default", "/new")])
    took = until(lambda: len(programmed(gateway, "default")) == 1, timeout=LEASE + 60)
    until(lambda: leads(other))
    return took


class Leave(NamedTuple):
    how: str
    bound: float
    why: str


@pytest.mark.parametrize(
    "leave",
    [Leave("stop", 2.0, "it releases the Lease"), Leave("kill", LEASE + 2.0, "nobody releases it")],
    ids=lambda leave: leave.how,
)
def test_the_other_replica_takes_over_and_over_unchanged_routes_writes_nothing(
    plenty: Stack, replicas: Replica, figure: Figure, leave: Leave
) -> None:
    gateway = plenty.gateway.api
    leader, other = pair(replicas)
    _serving(plenty, leader)
    assert other.metric("echoroute_status_patches_total") == 0
    assert [line for line in other.said("INFO") if line.startswith(("put ", "delete "))] == []
    versions = _versions(plenty.kube)
    gateway.reset_stats()
    took = _take_over(plenty, getattr(leader.process, leave.how), other)
    figure(f"{leave.how} of the leader of {_MANY} EchoRoutes: a new route is served {took:.1f} s later ({leave.why})")
    until(lambda: other.metric("echoroute_rounds_total") >= 1)
    until(lambda: other.metric("echoroute_queue_depth") == 0)
    assert gateway.stats().writes == 1, "that of the new route"
    assert _versions(plenty.kube) == versions, "no status patch"
    assert holder(plenty.kube) == "second"
    assert other.said("ERROR") == []
    assert took < leave.bound * _SLOWER


def test_a_frozen_leader_writes_nothing_once_its_lease_is_over(
    plenty: Stack, replicas: Replica, figure: Figure
) -> None:
    """It freezes in the middle of 2,000 writes, and wakes up after 40 s, when all is done."""
    kube, gateway = plenty.kube, plenty.gateway.api
    gateway.wipe()
    leader, other = pair(replicas, ECHOROUTE_APISIX_MAX_WRITES_PER_SECOND="30")
    until(lambda: len(programmed(gateway, "plenty")) > 200, timeout=60)
    leader.process.pause()
    frozen = time.monotonic()
    assert len(programmed(gateway, "plenty")) < _MANY - 200, "else it was not in the middle"
    took = until(lambda: leads(other), timeout=LEASE + 60)
    _serving(plenty, other)
    until(lambda: time.monotonic() - frozen >= _FROZEN)
    figure(f"SIGSTOP of the leader: the other one leads after {took:.1f} s")
    versions = _versions(kube)
    gateway.reset_stats()
    leader.process.resume()
    until(lambda: stands_by(leader))
    until(lambda: len(leader.said("INFO")) > 0)
    assert holder(kube) == "second"
    writes = gateway.stats().writes
    figure(f"after SIGCONT the old leader sent {writes} writes")
    assert writes <= _CONCURRENCY, "at most those that were past the fence when it froze"
    assert _versions(kube) == versions
    assert "this replica does not lead any more" in leader.said("INFO")
    assert leader.said("ERROR") == []
    other.process.stop()
    create(kube, [route("new", "default", "/new")])
    until(lambda: len(programmed(gateway, "default")) == 1)
    assert leads(leader), "it is a candidate like any other"


def test_a_leader_that_dies_in_the_middle_of_a_mass_deletion_leaves_no_brake_behind(
    breakable_stack: Stack, replicas: Replica, figure: Figure
) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    leader, other = pair(replicas, ECHOROUTE_APISIX_MAX_WRITES_PER_SECOND="60")
    create(kube, [route(f"r{number}", "default", f"/r{number}") for number in range(300)])
    until(lambda: len(programmed(gateway, "default")) == 300, timeout=60)
    kube.run("delete", "echoroutes", "--all", "-n", "default", "--wait=false")
    until(lambda: len(programmed(gateway, "default")) < 200)
    leader.process.kill()
    assert len(programmed(gateway, "default")) > 50, "else it was not in the middle"
    took = until(lambda: programmed(gateway, "default") == [], timeout=LEASE + 60)
    figure(f"the leader killed amid the deletion of 300: the gateway is empty after {took:.1f} s")
    assert took < LEASE + 10 * _SLOWER
    assert other.check("deletions") == "[+]deletions"


def test_while_nobody_can_hold_the_lease_nothing_is_written(breakable_stack: Stack, replicas: Replica) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    leader, other = pair(replicas, ECHOROUTE_DRIFT_INTERVAL="2s")
    create(kube, [route("web", "default", "/web")])
    until(lambda: len(programmed(gateway, "default")) == 1)
    breakable_stack.apiserver.pause()
    until(lambda: not leads(leader), timeout=LEASE + 15)
    assert leader.ready(), "what it has listed is still there"
    assert leader.check("leader").startswith("[-]leader: ")
    gateway.wipe()
    gateway.reset_stats()
    with pytest.raises(AssertionError):
        until(lambda: gateway.stats().writes or leads(leader) or leads(other), timeout=LEASE)
    breakable_stack.apiserver.resume()
    until(lambda: leads(leader) != leads(other), timeout=2 * LEASE)
    until(lambda: len(programmed(gateway, "default")) == 1)


def test_without_the_right_to_the_lease_nobody_leads(breakable_stack: Stack, replicas: Replica) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/echoroute-system/roles/echoroute-operator-leader"
    role = accepted(kube.http.get(path)).json()
    del role["metadata"]["resourceVersion"]
    accepted(kube.http.put(path, json={**role, "rules": []}))
    try:
        alone = replicas("alone")
        create(kube, [route("web", "default", "/web")])
        until(lambda: 'cannot get resource "leases"' in alone.check("leader"))
        assert alone.ready(), "a rollout that takes the right away must not end the pod that still leads"
        assert alone.metric('echoroute_source_up{what="lease"}') == 0
        assert len(alone.said("ERROR")) == 1
        assert programmed(gateway, "default") == []
    finally:
        accepted(kube.http.put(path, json=role))
    until(lambda: len(programmed(gateway, "default")) == 1)
    assert alone.metric('echoroute_source_up{what="lease"}') == 1


class Wire:
    """A way to the API server that can be cut: bytes go through as they are, and then no more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.cut = threading.Event()
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.cut.is_set():
                    return  # the connection stays open: nobody is told
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for each in (self._listener, *self._ends):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture
def wire(breakable_stack: Stack, tmp_path: Path) -> Iterator[tuple[Wire, str]]:
    """The wire, and a kubeconfig that takes it."""
    server = breakable_stack.kube.server
    wire = Wire(int(server.rpartition(":")[2]))
    account = breakable_stack.kube.service_account("echoroute-system", "echoroute-operator", tmp_path / "account")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(account.kubeconfig.read_text().replace(server, f"https://127.0.0.1:{wire.port}"))
    assert json.dumps(wire.port) in kubeconfig.read_text()
    yield wire, str(kubeconfig)
    wire.close()


def test_a_leader_that_is_cut_off_from_the_api_server_steps_down_and_takes_nothing_away(
    breakable_stack: Stack, replicas: Replica, wire: tuple[Wire, str]
) -> None:
    kube, gateway = breakable_stack.kube, breakable_stack.gateway.api
    cable, kubeconfig = wire
    leader, other = pair(replicas, KUBECONFIG=kubeconfig, ECHOROUTE_DRIFT_INTERVAL="1s")
    create(kube, [route("old", "default", "/old")])
    until(lambda: len(programmed(gateway, "default")) == 1)
    cable.cut.set()
    until(lambda: not leads(leader), timeout=LEASE)
    assert not leads(other), "its time is not over yet"
    until(lambda: leads(other), timeout=LEASE + 10)
    create(kube, [route(f"new{number}", "default", f"/new{number}") for number in range(20)])
    delete(kube, "default", "old")
    until(lambda: len(programmed(gateway, "default")) == 20)
    gateway.reset_stats()
    cable.cut.clear()
    until(lambda: stands_by(leader), timeout=90)
    assert gateway.stats().writes == 0
    assert len(programmed(gateway, "default")) == 20
    other.process.stop()
    until(lambda: leads(leader))
    until(lambda: leader.metric("echoroute_rounds_total") >= 2)
    assert len(programmed(gateway, "default")) == 20
