"""The samples of backends, applied as they are: who answers."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from devstack.echoroutes import condition
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.parts.consul import Consul
from devstack.paths import REPOSITORY
from devstack.waiting import until

from ..contract.backends import Backends, backends

pytestmark = pytest.mark.usefixtures("operator")

SAMPLES = REPOSITORY / "manifests/samples"
_MANY = 300


class _Instance(NamedTuple):
    service: str
    node: str
    tags: tuple[str, ...] = ()


# Sample; EchoRoute; instances; path; who answers it.
_SHARED = {
    "canary-version.yaml": (
        "greet",
        [_Instance("greet", "inst1", ("version:1",)), _Instance("greet", "inst2", ("version:2",))],
        ("inst1", "inst2"),
    ),
    "weights.yaml": (
        "search",
        [_Instance("search", "inst1"), _Instance("search-rust", "inst2")],
        ("inst1", "inst2"),
    ),
    "resolve-operator.yaml": ("stock", [_Instance("stock", "inst1"), _Instance("stock", "inst2")], ("inst1", "inst2")),
    "health-check.yaml": ("quotes", [_Instance("quotes", "inst1")], ("inst1",)),
}


class _Nodes:
    """The nodes behind the gateway, and Consul, in which they register."""

    def __init__(self, consul: ConsulApi, found: Backends) -> None:
        self._consul = consul
        self._addresses = found.addresses

    def register(self, *instances: _Instance) -> None:
        for one in instances:
            self._consul.register(one.service, self.port(one.node), tags=one.tags)

    def port(self, node: str) -> int:
        return int(self._addresses[node].rpartition(":")[2])


@pytest.fixture
def nodes(consul: ConsulApi) -> Iterator[_Nodes]:
    with backends() as found:
        yield _Nodes(consul, found)


def _apply(kube: Kube, namespace: str, sample: str, name: str) -> None:
    kube.apply(SAMPLES / sample, namespace=namespace)
    until(lambda: condition(kube, namespace, name, "Ready").status == "True", f"{name} is ready")


def _answers(gateway: GatewayApi, path: str, times: int, headers: dict[str, str] | None = None) -> Counter[str]:
    answers = [gateway.request(path, headers=headers or {}) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return Counter(answer.json()["instance"] for answer in answers)


def _path(sample: str) -> str:
    return {"weights.yaml": "/search"}.get(sample, f"/{_SHARED[sample][0]}/a")


@pytest.mark.parametrize("sample", _SHARED)
def test_each_backend_answers(sample: str, kube: Kube, namespace: str, gateway: GatewayApi, nodes: _Nodes) -> None:
    name, instances, expected = _SHARED[sample]
    nodes.register(*instances)
    _apply(kube, namespace, sample, name)
    assert set(_answers(gateway, _path(sample), _MANY)) == set(expected)
    kube.run("delete", "er", name, "-n", namespace)


def test_a_canary_by_version_ends_by_editing_two_numbers(
    kube: Kube, namespace: str, gateway: GatewayApi, nodes: _Nodes
) -> None:
    name, instances, _ = _SHARED["canary-version.yaml"]
    nodes.register(*instances)
    _apply(kube, namespace, "canary-version.yaml", name)
    share = _answers(gateway, "/greet/a", _MANY)["inst2"]
    assert 5 <= share <= 80, "a tenth of 300, give or take far more than chance does"
    shown = kube.run("get", "er", name, "-n", namespace, "--no-headers")
    assert "greet version:1 90 %, greet version:2 10 %" in shown
    for at, weight in enumerate((0, 10)):
        patch = f'[{{"op": "replace", "path": "/spec/backends/{at}/weight", "value": {weight}}}]'
        kube.run("patch", "er", name, "-n", namespace, "--type=json", "-p", patch)
    until(lambda: set(_answers(gateway, "/greet/a", 20)) == {"inst2"}, "the new version answers alone")
    kube.run("delete", "er", name, "-n", namespace)


def test_a_canary_by_header_and_cookie(kube: Kube, namespace: str, gateway: GatewayApi, nodes: _Nodes) -> None:
    nodes.register(_Instance("checkout", "inst1"), _Instance("checkout-next", "inst2"))
    _apply(kube, namespace, "canary-rules.yaml", "checkout")
    for headers, expected in [
        ({}, "inst1"),
        ({"X-Canary": "always"}, "inst2"),
        ({"X-Canary": "never"}, "inst1"),
        ({"Cookie": "a=b; canary=yes"}, "inst2"),
        ({"Cookie": "canary=no"}, "inst1"),
    ]:
        assert set(_answers(gateway, "/checkout/a", 10, headers)) == {expected}, headers
    kube.run("delete", "er", "checkout", "-n", namespace)


def test_consistent_hashing(kube: Kube, namespace: str, gateway: GatewayApi, nodes: _Nodes) -> None:
    nodes.register(*(_Instance("cart", name) for name in ("inst1", "inst2", "inst3")))
    _apply(kube, namespace, "load-balancer.yaml", "cart")
    until(lambda: kube.run("get", "er", "cart", "-n", namespace, "-o", "jsonpath={.status.instances.healthy}") == "3")

    def chosen() -> dict[int, set[str]]:
        return {user: set(_answers(gateway, "/cart/a", 3, {"X-User": f"u{user}"})) for user in range(30)}

    until(lambda: all(len(one) == 1 for one in chosen().values()), "each user has one instance")
    assert set.union(*chosen().values()) == {"inst1", "inst2", "inst3"}
    kube.run("delete", "er", "cart", "-n", namespace)


@pytest.mark.usefixtures("own_stack_only")  # the second datacenter joins the stack's own Consul
def test_another_datacenter(
    kube: Kube, namespace: str, gateway: GatewayApi, second_datacenter: Consul, nodes: _Nodes
) -> None:
    nodes.register(_Instance("archive", "inst1"))
    second_datacenter.api.register("archive", nodes.port("inst2"), meta={"tier": "hot"})
    second_datacenter.api.register("archive", nodes.port("inst3"), meta={"tier": "cold"})
    _apply(kube, namespace, "datacenter.yaml", "archive")
    assert set(_answers(gateway, "/archive/a", 20)) == {"inst3"}
    kube.run("delete", "er", "archive", "-n", namespace)


def test_each_sample_with_backends_of_its_own_is_shown() -> None:
    others = {"canary-rules.yaml", "load-balancer.yaml", "datacenter.yaml"}
    fields = ("canary:", "subset:", "weight:", "resolve:", "loadBalancer:", "healthCheck:")
    found = {path.name for path in SAMPLES.glob("*.yaml") if any(field in path.read_text() for field in fields)}
    assert found == others | _SHARED.keys()
