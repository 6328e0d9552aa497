"""Which EchoRoute answers: some thirty of them in two namespaces, before and after a restart of the gateway.

Against a real APISIX: APISIX_ADMIN_URL, APISIX_ADMIN_KEY, APISIX_GATEWAY_URL and CONSUL_HTTP_ADDR as for the contract
tests (tests/contract/README.md), and APISIX_RESTART, a command that restarts it.
"""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException

import pytest
from devstack.echoroutes import condition, create, path_of
from devstack.handles.answers import accepted
from devstack.handles.kube import Kube
from devstack.product import start_operator
from devstack.stack import Stack
from devstack.waiting import until

from ..contract.asking import ask
from ..contract.backends import Backends, Registration, backends, in_consul
from ..contract.target import Target, real_apisix
from .matching import ASKS, LAB, NOBODY, NODES, ROUTES, SHOP, TIES, Ask, Routed
from .targets import settings_for, standin_target


@dataclass(frozen=True, slots=True)
class World:
    """A gateway in which the table's EchoRoutes are programmed."""

    kube: Kube
    target: Target
    restart: Callable[[], None]


def _target(stack: Stack) -> tuple[Target, Callable[[], None]]:
    real = real_apisix()
    if real is not None:
        command = os.environ["APISIX_RESTART"]
        return real, lambda: _run(command)
    return standin_target(stack), stack.gateway.restart


def _run(command: str) -> None:
    subprocess.run(shlex.split(command), check=True, timeout=60)


@pytest.fixture(scope="module")
def world(breakable_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    kube = breakable_stack.kube
    target, restart = _target(breakable_stack)
    settings = settings_for(target, tmp_path_factory.mktemp("key"))
    for namespace in (SHOP, LAB):
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        accepted(kube.http.post("/api/v1/namespaces", json=manifest))
    with backends() as nodes, in_consul(target.consul_url, _instances(nodes)):
        operator = start_operator(breakable_stack, settings, name="operator-of-matching")
        for one in ROUTES:  # one after the other, so that the gateway sees them in this order
            create(kube, [one.manifest()])
            wanted = ("Accepted", "Conflicted") if one.loses else ("Ready", "Ready")
            until(lambda one=one, wanted=wanted: _reason(kube, one, wanted[0]) == wanted[1], f"{one.name}: {wanted}")
        yield World(kube, target, restart)
        for namespace in (SHOP, LAB):
            accepted(kube.http.delete(path_of(namespace)))
        until(lambda: target.admin("GET", "/routes").json()["total"] == 0, "all is gone")
        operator.process.stop()


def _instances(nodes: Backends) -> Iterator[Registration]:
    for service, node in NODES.items():
        host, port = nodes.addresses[node].split(":")
        yield Registration(ID=f"{service}-{node}", Name=service, Address=host, Port=int(port))


def _reason(kube: Kube, one: Routed, type_: str) -> str:
    return condition(kube, one.namespace, one.name, type_).reason


def _answers(target: Target, one: Ask) -> None:
    answer = ask(target, one.method, one.path, one.headers)
    place = f"{one.method} {one.path} {one.headers}: {one.why}"
    if one.by == NOBODY:
        assert answer.status == 404, place
        return
    assert answer.status == 200, f"{place}: {answer}"
    told = json.loads(answer.text)
    seen = {**told, **told["headers"]}
    assert told["instance"] == NODES[one.by], place
    for name, value in one.sees.items():
        assert seen.get(name) == value, f"{place}: {name}"


def _is_back(target: Target) -> bool:
    """Whether the gateway is up, with its routes, and has heard of Consul where the instances of all are."""
    try:
        answers = [(one.by == NOBODY, ask(target, one.method, one.path, one.headers).status) for one in ASKS]
    except (OSError, HTTPException):
        return False  # it is on its way up
    return all(status == (404 if is_nobodys else 200) for is_nobodys, status in answers)


def test_there_is_enough_to_see() -> None:
    assert len(ASKS) >= 60
    assert len(ROUTES) >= 20
    assert {one.namespace for one in ROUTES} == {SHOP, LAB}


def test_the_right_one_answers_before_and_after_a_restart_of_the_gateway(world: World) -> None:
    for _ in ("before", "after"):
        for one in ASKS:
            _answers(world.target, one)
        world.restart()
        until(lambda: _is_back(world.target), "the gateway is back")


def test_a_neighbour_is_told_who_has_it(world: World) -> None:
    for one in ROUTES:
        if one.loses:
            told = condition(world.kube, one.namespace, one.name, "Accepted")
            assert f"belongs to EchoRoute {SHOP}/" in told.message, one.name


def test_the_younger_of_two_that_tie_is_told_so_and_nobody_else(world: World) -> None:
    told = {}
    for one in ROUTES:
        found = re.search("EchoRoute shop/(.*) has", condition(world.kube, one.namespace, one.name, "Accepted").message)
        if found:
            told[one.name] = found[1]
    assert told == TIES
