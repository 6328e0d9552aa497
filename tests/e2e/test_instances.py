"""Instances that people register by mistake: the status says what the gateway does with requests."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest
from devstack.echoroutes import condition, route
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.waiting import until
from pydantic import JsonValue

pytestmark = pytest.mark.usefixtures("operator")

_GRACE: Final = 30


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def good() -> Iterator[int]:
    """The port of an instance that answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Fine) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@dataclass(frozen=True)
class Odd:
    """`registered` beside name and id; the reason of Ready, a part of its message, and what requests are answered."""

    name: str
    registered: dict[str, JsonValue]
    ready: str
    told: str
    answers: set[int]
    beside: bool = False
    """Whether a good instance is there, too."""


_ODD = (
    Odd("bare", {"Port": 1}, "NoHealthyInstances", "'odd' has no address", {502}),
    Odd("named", {"Address": "localhost", "Port": 1}, "NoHealthyInstances", "does not look up names", {502}),
    Odd("zero", {"Address": "127.0.0.1"}, "NoHealthyInstances", "asks port 80 of '127.0.0.1'", {502}),
    Odd("far", {"Address": "127.0.0.1", "Port": 70000}, "NoHealthyInstances", "has the port 70000", {503}, beside=True),
    Odd("Spelt", {"Address": "127.0.0.1", "Port": 1}, "ServiceNotFound", "spelt'; write it so", {503}),
    Odd("mixed", {"Port": 1}, "UnusableInstances", "'odd' has no address", {200, 502}, beside=True),
)


def test_the_status_says_what_the_gateway_does(
    kube: Kube, namespace: str, gateway: GatewayApi, consul: ConsulApi, good: int
) -> None:
    for odd in _ODD:
        service = f"{namespace}-{odd.name}"
        body = {"ID": f"{service}-odd", "Name": service.lower(), **odd.registered}
        consul.http.put("/v1/agent/service/register", json=body).raise_for_status()
        if odd.beside:
            consul.register(service.lower(), good)
        kube.apply(route(odd.name.lower(), namespace, f"/{odd.name}", backends=[{"service": service}]))
    for odd in _ODD:
        _is_as_it_should(odd, kube, namespace, gateway)


def _is_as_it_should(odd: Odd, kube: Kube, namespace: str, gateway: GatewayApi) -> None:
    name = odd.name.lower()
    until(lambda: condition(kube, namespace, name, "Ready").reason == odd.ready, odd.ready, timeout=_GRACE + 20)
    assert odd.told in condition(kube, namespace, name, "Ready").message.replace(f"{namespace}-{odd.name}-", "")
    assert {gateway.request(f"/{odd.name}").status_code for _ in range(6)} == odd.answers, odd.name
