"""Backends that change are served all the time: 200 requests a second, and none fails.

Against a real APISIX: as for the contract tests (tests/contract/README.md).
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import pytest
from devstack.echoroutes import condition, conditions, route
from devstack.handles.answers import JsonObject
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import Fault, GatewayApi
from devstack.handles.kube import Kube
from devstack.waiting import until
from pydantic import JsonValue

from .steady import Requests, replace_spec
from .volume import named_nodes

pytestmark = pytest.mark.usefixtures("operator")

_TIMES: Final = 2
_OWN = "own:"
"""In a service's name: the namespace of the test, so that no test knows the instances of another."""
_A, _B = f"{_OWN}a", f"{_OWN}b"
_NODES: Final = {"a-v1": (_A, "version:1"), "a-v2": (_A, "version:2"), "b": (_B, "version:1")}


@pytest.fixture
def services(consul: ConsulApi, namespace: str) -> Iterator[None]:
    """One with an instance of each version, and another one."""
    with named_nodes(list(_NODES)) as ports:
        for name, (service, tag) in _NODES.items():
            consul.register(_owned(service, namespace), ports[name], tags=[tag])
        yield


def _owned(text: str, namespace: str) -> str:
    return text.replace(_OWN, f"{namespace}-")


def _to(service: str, weight: int | None = None, **more: JsonValue) -> dict[str, JsonValue]:
    return {"service": service, **({} if weight is None else {"weight": weight}), **more}


def _version(number: int, weight: int | None = None) -> dict[str, JsonValue]:
    return _to(_A, weight, subset={"tags": [f"version:{number}"]})


def _backends(*backends: JsonValue) -> dict[str, JsonValue]:
    return {"backends": list(backends)}


_OPERATOR: Final[dict[str, JsonValue]] = {"resolve": "Operator"}
_BETA: Final[dict[str, JsonValue]] = {"headers": [{"name": "X-Beta", "op": "Absent"}]}
_HASH: Final[dict[str, JsonValue]] = {"policy": "ConsistentHash", "hashOn": "Variable", "key": "remote_addr"}

_MOVES: Final[dict[str, tuple[Mapping[str, JsonValue], ...]]] = {
    "one backend, several, and back": (_backends(_to(_A)), _backends(_to(_A, 50), _to(_B, 50))),
    "found by the gateway, by the operator, and back": (_backends(_to(_A)), _backends(_to(_A, **_OPERATOR))),
    "several, found by the gateway, by the operator, and back": (
        _backends(_to(_A), _to(_B)),
        _backends(_to(_A, **_OPERATOR), _to(_B, **_OPERATOR)),
    ),
    "one subset, another, and back": (_backends(_version(1)), _backends(_version(2))),
    "the service gets another name": (_backends(_to(_A)), _backends(_to(_B))),
    "the service gets another name, found by the operator": (
        _backends(_to(_A, **_OPERATOR)),
        _backends(_to(_B, **_OPERATOR)),
    ),
    "the order of the backends": (_backends(_to(_A, 9), _to(_B, 1)), _backends(_to(_B, 1), _to(_A, 9))),
    "a canary comes and goes": (
        {**_backends(_to(_A)), "canary": None},
        {**_backends(_to(_A)), "canary": [{"match": _BETA, **_backends(_version(2))}]},
    ),
    "other settings of the upstream": (
        {**_backends(_version(1), _to(_B)), "upstream": None},
        {**_backends(_version(1), _to(_B)), "upstream": {"retries": 1, "loadBalancer": _HASH}},
    ),
    "100/0 to 0/100 in ten steps": tuple(
        _backends(_version(1, 100 - step), _version(2, step)) for step in range(0, 101, 10)
    ),
}


@dataclass(frozen=True, slots=True)
class _Switch:
    """An EchoRoute whose spec is replaced again and again."""

    kube: Kube
    gateway: GatewayApi
    namespace: str

    @property
    def path(self) -> str:
        return f"/{self.namespace}/switched"

    def manifest(self, spec: Mapping[str, JsonValue]) -> JsonObject:
        named = json.loads(_owned(json.dumps(dict(spec)), self.namespace))
        return route("switched", self.namespace, self.path, **named)

    def create(self, spec: Mapping[str, JsonValue]) -> None:
        """With what is absent left out, where a change says null."""
        self.kube.apply(self.manifest({name: value for name, value in spec.items() if value is not None}))
        until(self.is_ready, "it is ready")
        until(lambda: self.gateway.request(self.path).status_code == 200, "it is served")

    def change(self, spec: Mapping[str, JsonValue]) -> None:
        """Until it is Ready."""
        replace_spec(self.kube, self.namespace, self.manifest(spec))
        until(self.is_ready, f"Ready with {spec}: {self.told()}")

    def is_ready(self) -> bool:
        return condition(self.kube, self.namespace, "switched", "Ready").status == "True"

    def told(self) -> object:
        return conditions(self.kube, self.namespace, "switched")

    def upstreams(self) -> list[str]:
        """Ids of our Upstreams."""
        ours = f".{self.namespace}.switched."
        return [str(one["id"]) for one in self.gateway.list_all("upstreams") if ours in str(one["id"])]


@pytest.fixture
def switch(kube: Kube, gateway: GatewayApi, namespace: str, services: None) -> _Switch:
    return _Switch(kube, gateway, namespace)


@contextmanager
def _nothing_fails(switch: _Switch) -> Iterator[Requests]:
    with Requests(switch.gateway, switch.path) as requests:
        yield requests
        time.sleep(0.3)
    assert requests.answers[200] > 50
    assert set(requests.answers) == {200}, requests.answers


@pytest.mark.parametrize("name", _MOVES)
def test_no_request_fails_while_backends_change(switch: _Switch, name: str) -> None:
    first, *others = _MOVES[name]
    switch.create(first)
    used = switch.upstreams()
    with _nothing_fails(switch):
        for _ in range(_TIMES if len(others) == 1 else 1):
            for spec in (*others, first):
                switch.change(spec)
                time.sleep(0.2)
    until(lambda: switch.upstreams() == used, "the Upstreams that are not used any more are gone")


@pytest.mark.usefixtures("own_stack_only")
def test_no_request_fails_while_the_data_plane_lags(switch: _Switch) -> None:
    """Another worker, or another gateway, sees each write some time later."""
    lag = [Fault(action="lag", kind="routes", delay_ms=500), Fault(action="lag", kind="upstreams", delay_ms=300)]
    switch.create(_backends(_to(_A)))
    for fault in lag:
        switch.gateway.add_fault(fault)
    with _nothing_fails(switch):
        for spec in (_backends(_version(1), _version(2)), _backends(_to(_B)), _backends(_to(_A), _to(_B))):
            switch.change(spec)
            time.sleep(1)


@pytest.mark.usefixtures("own_stack_only")
def test_an_upstream_that_another_teams_route_names_holds_nothing_up(switch: _Switch) -> None:
    """The gateway does not let go of it. The spec is live all the same, and the Upstream goes when it can."""
    switch.create(_backends(_version(1), _version(2)))
    until(switch.is_ready)
    pinned = switch.upstreams()
    rules: JsonValue = [{"weighted_upstreams": [{"upstream_id": one}]} for one in pinned]
    theirs: JsonObject = {
        "uri": f"{switch.path}/theirs",
        "upstream": {"type": "roundrobin", "nodes": []},
        "plugins": {"traffic-split": {"rules": rules}},
    }
    switch.gateway.put("routes", f"theirs-{switch.namespace}", theirs)
    try:
        with _nothing_fails(switch):
            switch.change(_backends(_to(_B)))
            refused = lambda: [one for one in switch.gateway.writes() if one.method == "DELETE" and one.status == 400]  # noqa: E731
            until(lambda: {one.id for one in refused()} >= set(pinned), "their removal was refused")
            switch.change(_backends(_to(_A)))
        assert set(switch.upstreams()) >= set(pinned)
        assert switch.is_ready()
    finally:
        switch.gateway.delete("routes", f"theirs-{switch.namespace}")
    until(lambda: not set(switch.upstreams()) & set(pinned), "they go when nothing names them", timeout=60)
