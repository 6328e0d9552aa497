"""Shares over 600 weighted EchoRoutes at once: exact in the mean to 1/4096, whatever is written meanwhile.

In file mode, on the stand-in with seeded request ids, or on a real APISIX: APISIX_ADMIN_URL, APISIX_ADMIN_KEY,
APISIX_GATEWAY_URL and CONSUL_HTTP_ADDR as for the contract tests (tests/contract/README.md).
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from devstack.product import start_standalone
from devstack.stack import Stack
from devstack.waiting import until

from ..contract.backends import Registration, in_consul
from ..contract.target import Target, real_apisix
from .targets import settings_for, standin_target
from .volume import ask_all, named_nodes

# A real gateway makes its router anew for each write: on two busy cores 60,000 requests beside 600 writes took longer
# than any other test may.
pytestmark = pytest.mark.timeout(600)

_ROUTES = 600
_REQUESTS = 60_000
_SEED = 17
_OWNER = "5a4e5a4e"
_NAMES = ("share-a", "share-b", "share-c", "share-d")
_LIKELY = {1: 23.9, 3: 30.6}
"""By degrees of freedom: a greater chi-square comes once in a million times."""


@dataclass(frozen=True, slots=True)
class _Split:
    """Weights, and how many of 4,096 requests each backend gets."""

    path: str
    weights: tuple[int, ...]
    of_4096: tuple[int, ...]

    def echoroute(self, number: int, turn: int) -> dict[str, object]:
        """Each turn is another spec."""
        backends = [{"service": name, "weight": weight} for name, weight in zip(_NAMES, self.weights, strict=False)]
        return {
            "apiVersion": "echoroute.dev/v1alpha1",
            "kind": "EchoRoute",
            "metadata": {"name": f"{self.path}-{number}"},
            "spec": {
                "match": {"paths": [f"/{self.path}/{number}"]},
                "backends": backends,
                "rewrite": {"headers": {"set": {"X-Turn": str(turn)}}},
            },
        }


_SPLITS = (_Split("two", (90, 10), (3686, 410)), _Split("four", (40, 30, 20, 10), (1638, 1229, 819, 410)))


@dataclass(frozen=True, slots=True)
class _World:
    """A gateway with 600 EchoRoutes, and what rewrites them all."""

    target: Target
    rewrite: Callable[[int], None]
    seed: Callable[[], None]


@pytest.fixture(scope="module")
def target(stack_without_kubernetes: Stack) -> Target:
    return real_apisix() or standin_target(stack_without_kubernetes)


@pytest.fixture(scope="module")
def nodes(target: Target) -> Iterator[Mapping[str, int]]:
    """A node for each service, in Consul."""
    with named_nodes(_NAMES) as ports:
        instances = [Registration(ID=name, Name=name, Address="127.0.0.1", Port=port) for name, port in ports.items()]
        with in_consul(target.consul_url, instances):
            yield ports


@pytest.fixture(scope="module")
def world(
    stack_without_kubernetes: Stack, target: Target, nodes: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_World]:
    folder = tmp_path_factory.mktemp("shares")

    def rewrite(turn: int) -> None:
        every = [split.echoroute(number, turn) for split in _SPLITS for number in range(_ROUTES // len(_SPLITS))]
        (folder / "next").write_text("\n---\n".join(map(json.dumps, every)))
        (folder / "next").rename(folder / "all.yaml")

    def seed() -> None:
        if target.is_standin:
            stack_without_kubernetes.gateway.api.seed_request_ids(_SEED)

    rewrite(0)
    settings = settings_for(target, tmp_path_factory.mktemp("key")) | {"ECHOROUTE_OWNER_ID": _OWNER}
    operator = start_standalone(stack_without_kubernetes, folder, settings, wait=False)
    until(lambda: _all_are_of(target, 0), f"{_ROUTES} routes are in the gateway", timeout=120)
    time.sleep(target.settle)
    yield _World(target, rewrite, seed)
    operator.process.stop()
    for kind in ("routes", "upstreams"):
        for item in _ours(target, kind):
            target.admin("DELETE", f"/{kind}/{item['id']}?force=true").raise_for_status()


def _ours(target: Target, kind: str) -> list[dict[str, Any]]:
    """The objects of this operator: the gateway may hold others, of tests before."""
    every = (item["value"] for item in target.admin("GET", f"/{kind}").json()["list"])
    return [item for item in every if item["id"].startswith(f"{_OWNER}.")]


def _all_are_of(target: Target, turn: int) -> bool:
    """Whether all Routes are of this turn; the last one is looked at first, since a list is dear."""
    last = target.admin("GET", f"/routes/{_OWNER}.default.{_SPLITS[-1].path}-{_ROUTES // len(_SPLITS) - 1}")
    if last.status_code != httpx.codes.OK or _turn(last.json()["value"]) != str(turn):
        return False
    return Counter(map(_turn, _ours(target, "routes"))) == {str(turn): _ROUTES}


def _turn(route: dict[str, Any]) -> str:
    turn: str = route["plugins"]["proxy-rewrite"]["headers"]["set"]["X-Turn"]
    return turn


def _asked(target: Target, paths: Sequence[str]) -> dict[str, Counter[str]]:
    """Which node answered how often, by the first part of the path. Each request is answered."""
    found: dict[str, Counter[str]] = {}
    for answer in ask_all(urlsplit(target.gateway_url).netloc, paths):
        assert answer.status == 200, answer
        found.setdefault(answer.path.split("/")[1], Counter())[answer.body] += 1
    return found


def _paths() -> list[str]:
    """At random, and the same in each run."""
    draw = random.Random(_SEED)  # noqa: S311 - no secret
    each = _ROUTES // len(_SPLITS)
    return [f"/{draw.choice(_SPLITS).path}/{draw.randrange(each)}" for _ in range(_REQUESTS)]


def _chi_square(found: Counter[str], of_4096: Sequence[int]) -> float:
    expected = [found.total() * k / 4096 for k in of_4096]
    return sum((found[name] - wanted) ** 2 / wanted for name, wanted in zip(_NAMES, expected, strict=False))


def _are_as_asked(found: dict[str, Counter[str]], figure: Callable[[str], None], when: str) -> None:
    for split in _SPLITS:
        counts = found[split.path]
        chi_square = _chi_square(counts, split.of_4096)
        shares = " ".join(f"{100 * counts[name] / counts.total():.2f}" for name in _NAMES[: len(split.weights)])
        asked = "/".join(map(str, split.weights))
        how = f"{asked} over {_ROUTES // 2} EchoRoutes, {when}"
        figure(f"{how}: {shares} % of {counts.total()}, chi-square {chi_square:.1f}")
        assert chi_square < _LIKELY[len(split.weights) - 1], counts


@contextmanager
def _all_the_time(what: Callable[[], None]) -> Iterator[None]:
    """Does something again and again beside the block, at least once."""
    ended = threading.Event()
    failures: list[Exception] = []

    def run() -> None:
        try:
            what()
            while not ended.is_set():
                what()
        except Exception as error:  # noqa: BLE001 - raised again below, where the test is
            failures.append(error)

    thread = threading.Thread(target=run, name="rewriting")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]


def test_shares_are_as_asked(world: _World, figure: Callable[[str], None]) -> None:
    world.seed()
    _are_as_asked(_asked(world.target, _paths()), figure, "at rest")


def test_shares_are_as_asked_while_the_routes_are_rewritten(world: _World, figure: Callable[[str], None]) -> None:
    turns = 0

    def rewrite() -> None:
        nonlocal turns
        turns += 1
        world.rewrite(turns)
        until(lambda: _all_are_of(world.target, turns), f"all routes are of turn {turns}", timeout=120)

    world.seed()
    with _all_the_time(rewrite):
        found = _asked(world.target, _paths())
    _are_as_asked(found, figure, f"while each was written {turns} times")


def test_the_gateways_own_weights_do_not_reach_it(
    target: Target, nodes: Mapping[str, int], figure: Callable[[str], None]
) -> None:
    """Why shares are not written as weights of traffic-split: one worker keeps 512 of them."""
    for name, port in nodes.items():
        upstream = {"type": "roundrobin", "nodes": {f"127.0.0.1:{port}": 1}}
        target.admin("PUT", f"/upstreams/{name}", json.dumps(upstream)).raise_for_status()
    weighted = [{"weight": 90}, {"upstream_id": "share-b", "weight": 10}]
    split = {"traffic-split": {"rules": [{"weighted_upstreams": weighted}]}}
    try:
        for number in range(_ROUTES):
            route = {"uri": f"/own/{number}", "upstream_id": "share-a", "plugins": split}
            target.admin("PUT", f"/routes/own-{number}", json.dumps(route)).raise_for_status()
        time.sleep(target.settle)
        draw = random.Random(_SEED)  # noqa: S311 - no secret
        counts = _asked(target, [f"/own/{draw.randrange(_ROUTES)}" for _ in range(_REQUESTS // 2)])["own"]
    finally:
        for number in range(_ROUTES):
            target.admin("DELETE", f"/routes/own-{number}")
        for name in nodes:
            target.admin("DELETE", f"/upstreams/{name}")
    share = 100 * counts["share-b"] / counts.total()
    how = f"90/10 by the gateway's own weights over {_ROUTES} routes"
    figure(f"{how}: {share:.2f} % of {counts.total()} where 10 are asked")
    assert share < 8
