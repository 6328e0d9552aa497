"""The gateway's own health checks, active and passive, as an EchoRoute asks for them.

Against a real APISIX: as for the contract tests (tests/contract/README.md).
"""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple

import pytest
from devstack.echoroutes import create, route
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.ports import pick_ports
from devstack.waiting import until
from pydantic import JsonValue

pytestmark = pytest.mark.usefixtures("operator")

_HEALTH: Final = "/health"
_ACTIVE: Final[dict[str, JsonValue]] = {
    "path": _HEALTH,
    "timeout": "2s",
    "healthy": {"interval": "2s"},
    "unhealthy": {"interval": "2s", "timeouts": 254},
}
"""On a machine that does much else a node that is well may be slow: timeouts alone take none out."""
_MANY: Final = 20
"""Requests, of which each of two nodes gets half."""
_SEEN: Final = 5
"""Rounds of them in which nothing changes."""


class _Node:
    """Answers with its name, or with a failure; its health page is always fine. It can be dead, too."""

    def __init__(self, name: str) -> None:
        self.name, self.port = name, pick_ports(1)[0]
        self.fails = False
        self.start()

    def start(self) -> None:
        node = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = node.name.encode()
                self.send_response(500 if node.fails and self.path != _HEALTH else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its name in the library

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Answers)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def die(self) -> None:
        """Nobody listens any more; it may start again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Nodes(NamedTuple):
    well: _Node
    ill: _Node


@pytest.fixture
def nodes() -> Iterator[_Nodes]:
    found = _Nodes(_Node("well"), _Node("ill"))
    yield found
    for one in found:
        one.die()


@pytest.fixture
def service(consul: ConsulApi, namespace: str, nodes: _Nodes) -> str:
    for one in nodes:
        consul.register(f"{namespace}-checked", one.port)
    return f"{namespace}-checked"


@dataclass(frozen=True, slots=True)
class _Checked:
    """EchoRoutes to a service of two instances, in which Consul believes: it asks nobody here."""

    kube: Kube
    gateway: GatewayApi
    namespace: str
    backend: dict[str, JsonValue]

    def create(self, name: str, check: JsonValue) -> None:
        """Until both answer."""
        upstream: JsonValue = {"retries": 0, "healthCheck": check}
        create(self.kube, [route(name, self.namespace, self._path(name), backends=[self.backend], upstream=upstream)])
        until(lambda: set(self.answers(name)) == {"well", "ill"}, "both answer")

    def answers(self, name: str) -> Counter[str]:
        """Who answered; where it was no success, the status."""
        answers = [self.gateway.request(self._path(name)) for _ in range(_MANY)]
        return Counter(answer.text if answer.status_code == 200 else str(answer.status_code) for answer in answers)

    def _path(self, name: str) -> str:
        return f"/{self.namespace}/{name}"


@pytest.fixture(params=[{}, {"resolve": "Operator"}], ids=["resolved by the gateway", "by the operator"])
def checked(request: pytest.FixtureRequest, kube: Kube, namespace: str, gateway: GatewayApi, service: str) -> _Checked:
    return _Checked(kube, gateway, namespace, {"service": service, **request.param})


def test_a_dead_instance_is_taken_out_and_comes_back(checked: _Checked, nodes: _Nodes) -> None:
    checked.create("active", {"active": _ACTIVE})
    nodes.ill.die()
    until(lambda: set(checked.answers("active")) == {"well"}, "the dead one is out")
    assert all(set(checked.answers("active")) == {"well"} for _ in range(_SEEN))
    nodes.ill.start()
    until(lambda: set(checked.answers("active")) == {"well", "ill"}, "it is back")


def test_an_instance_that_fails_requests_is_taken_out_after_so_many(checked: _Checked, nodes: _Nodes) -> None:
    """Its health page is fine, and asked for once an hour only while it is out: it stays out."""
    for name, failures in (("strict", 3), ("patient", 254)):
        checked.create(
            name,
            {
                "active": {**_ACTIVE, "unhealthy": {"interval": "1h", "timeouts": 254}},
                "passive": {"unhealthy": {"statuses": [500], "httpFailures": failures}},
            },
        )
    nodes.ill.fails = True
    failed = 0

    def is_out() -> bool:
        nonlocal failed
        found = checked.answers("strict")
        failed += found["500"]
        return found == {"well": _MANY}

    until(is_out, "it is out")
    assert failed >= 3, "it takes so many failures"
    for _ in range(_SEEN):
        assert checked.answers("strict") == {"well": _MANY}
        assert set(checked.answers("patient")) == {"well", "500"}
