"""Who answers: weights, canaries, subsets, datacenters, hashing, as EchoRoutes of a real operator have them.

Against a real APISIX: APISIX_ADMIN_URL, APISIX_ADMIN_KEY, APISIX_GATEWAY_URL and CONSUL_HTTP_ADDR as for the contract
tests (tests/contract/README.md). The operator follows the stack's own Consul then, which has a second datacenter.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from devstack.echoroutes import conditions, create, path_of
from devstack.handles.answers import accepted
from devstack.handles.consul import ConsulApi
from devstack.handles.kube import Kube
from devstack.product import start_operator
from devstack.stack import Stack
from devstack.waiting import until

from ..contract.asking import ask
from ..contract.target import Target, real_apisix
from .balancing import ASKS, HASHED, INSTANCES, OTHER_DATACENTER, ROUTES, SHOP, Ask, Balanced
from .targets import settings_for, standin_target
from .volume import ask_all, named_nodes

_SEED = 11
_FEWEST, _MOST = 6, 500
"""Requests until each that is to answer has answered."""
_FOR_SHARES = 2_000
_LIKELY = {1: 23.9, 2: 27.6, 3: 30.6, 4: 33.4, 5: 35.9, 6: 38.3}
"""By degrees of freedom: a greater chi-square comes once in a million times."""


@dataclass(frozen=True, slots=True)
class _World:
    """A gateway in which the table's EchoRoutes are programmed."""

    kube: Kube
    target: Target
    seed: Callable[[], None]


@pytest.fixture(scope="module")
def world(breakable_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_World]:
    stack, kube = breakable_stack, breakable_stack.kube
    target = real_apisix() or standin_target(stack)
    settings = settings_for(target, tmp_path_factory.mktemp("key")) | {"CONSUL_HTTP_ADDR": stack.consul.url}
    elsewhere = stack.start_datacenter(OTHER_DATACENTER)
    accepted(kube.http.post("/api/v1/namespaces", json={"metadata": {"name": SHOP}}))
    with named_nodes([one.name for one in INSTANCES]) as ports, _consul_of(target) as theirs:
        here = [stack.consul.api] if target.is_standin else [stack.consul.api, theirs]
        _register(here, elsewhere.api, ports)
        operator = start_operator(stack, settings, name="operator-of-balancing")
        create(kube, [one.manifest() for one in ROUTES])
        _wait_settled(kube)

        def seed() -> None:
            if target.is_standin:
                stack.gateway.api.seed_request_ids(_SEED)

        yield _World(kube, target, seed)
        accepted(kube.http.delete(path_of(SHOP)))
        for kind in ("routes", "upstreams"):
            until(lambda kind=kind: target.admin("GET", f"/{kind}").json()["total"] == 0, f"all {kind} are gone")
        operator.process.stop()
        for consul in here:
            for one in INSTANCES:
                consul.deregister(one.name)
    elsewhere.stop()


@contextmanager
def _consul_of(target: Target) -> Iterator[ConsulApi]:
    with httpx.Client(base_url=target.consul_url, trust_env=False, timeout=10) as client:
        yield ConsulApi(target.consul_url, client)


def _register(here: list[ConsulApi], elsewhere: ConsulApi, ports: Mapping[str, int]) -> None:
    for one in INSTANCES:
        for consul in [elsewhere] if one.elsewhere else here:
            consul.register(
                one.service,
                ports[one.name],
                instance_id=one.name,
                tags=one.tags,
                meta=one.meta,
                weight=one.weight,
            )


def _wait_settled(kube: Kube) -> None:
    try:
        for one in ROUTES:
            until(lambda one=one: _is_settled(kube, one), timeout=90)
    except AssertionError:
        unsettled = {one.name: conditions(kube, SHOP, one.name) for one in ROUTES if not _is_settled(kube, one)}
        pytest.fail(f"not in the gateway, or not as Ready as they are to be: {unsettled}")


def _is_settled(kube: Kube, one: Balanced) -> bool:
    told = conditions(kube, SHOP, one.name)
    return bool(told) and told["Programmed"].status == "True" and told["Ready"].status == str(one.served)


def _who(target: Target, one: Ask) -> str:
    answer = ask(target, "GET", one.path, one.headers)
    assert answer.status == one.status, f"{one.path} {one.headers}, {one.why}: {answer}"
    return answer.text


def _all_of_them_answer(target: Target, one: Ask) -> None:
    seen: set[str] = set()
    for number in range(_MOST):
        if number >= _FEWEST and seen == one.by:
            return
        seen.add(_who(target, one))
        assert seen <= set(one.by), f"{one.path} {one.headers}, {one.why}"
    pytest.fail(f"{one.path} {one.headers}, {one.why}: of {one.by} only {seen} answered")


def _in_these_shares(target: Target, one: Ask, shares: Mapping[str, float]) -> None:
    answers = ask_all(urlsplit(target.gateway_url).netloc, [one.path] * _FOR_SHARES, one.headers)
    found = Counter(answer.body for answer in answers)
    assert set(found) == set(shares), f"{one.path}, {one.why}"
    chi_square = sum((found[name] - share * _FOR_SHARES) ** 2 / (share * _FOR_SHARES) for name, share in shares.items())
    assert chi_square < _LIKELY[len(shares) - 1], f"{one.path}, {one.why}: {found}"


def test_there_is_enough_to_see() -> None:
    assert len(ASKS) >= 60
    assert len(ROUTES) >= 20


@pytest.mark.parametrize("one", ASKS, ids=lambda one: f"{one.path} {one.why}")
def test_the_right_ones_answer(world: _World, one: Ask) -> None:
    if one.status != httpx.codes.OK:
        _who(world.target, one)
    elif isinstance(one.by, Mapping):
        world.seed()
        _in_these_shares(world.target, one, one.by)
    else:
        _all_of_them_answer(world.target, one)


@pytest.mark.parametrize(("path", "by", "header"), HASHED, ids=[path for path, *_ in HASHED])
def test_a_key_stays_with_its_node(world: _World, path: str, by: set[str], header: tuple[str, str] | None) -> None:
    homes: dict[int, str] = {}
    for number in [*range(40), *range(40)]:
        headers = {} if header is None else {header[0]: header[1].format(f"user-{number}")}
        answer = ask(world.target, "GET", path.format(f"user-{number}"), headers)
        assert answer.status == httpx.codes.OK
        assert homes.setdefault(number, answer.text) == answer.text
    assert set(homes.values()) == by
