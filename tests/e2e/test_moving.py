"""A path that moves from one EchoRoute to another is served all the time: 200 requests a second, and none fails.

Against a real APISIX: as for the contract tests (tests/contract/README.md).
"""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest
from devstack.echoroutes import condition, create, delete, programmed, route
from devstack.handles.answers import JsonObject
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.waiting import until
from pydantic import JsonValue

from .steady import Requests, replace_spec

pytestmark = pytest.mark.usefixtures("operator")

_TIMES: Final = 3


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its name in the library


@pytest.fixture
def service(consul: ConsulApi, namespace: str) -> Iterator[str]:
    """A service with an instance that answers."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Fine) as server:
        threading.Thread(target=server.serve_forever).start()
        consul.register(f"{namespace}-moved", server.server_port)
        yield f"{namespace}-moved"
        server.shutdown()


@pytest.mark.parametrize("order", [1, -1], ids=["who gives it first", "who gets it first"])
@pytest.mark.parametrize("kind", ["a path of several", "blue and green"])
def test_no_request_fails_while_a_path_moves(
    kube: Kube, namespace: str, gateway: GatewayApi, service: str, *, order: int, kind: str
) -> None:
    moved = f"/{namespace}/moved"

    def one(name: str, *, has_it: bool) -> JsonObject:
        more: dict[str, JsonValue] = {"backends": [{"service": service}]}
        if kind == "blue and green":
            return route(name, namespace, moved, enabled=has_it, **more)
        paths: list[JsonValue] = [f"/{namespace}/{name}", *([moved] if has_it else [])]
        return route(name, namespace, "", match={"paths": paths}, **more)

    kube.apply(one("a", has_it=True), one("b", has_it=False))
    until(lambda: gateway.request(moved).status_code == 200)
    with Requests(gateway, moved) as requests:
        for number in range(2 * _TIMES):
            gives, gets = ("a", "b") if number % 2 == 0 else ("b", "a")
            for changed in [one(gives, has_it=False), one(gets, has_it=True)][::order]:
                replace_spec(kube, namespace, changed)
            until(lambda gets=gets: condition(kube, namespace, gets, "Ready")[0] == "True")  # type: ignore[misc]
            time.sleep(0.7)
    assert requests.answers[200] > 200
    assert set(requests.answers) == {200}, requests.answers


def test_no_request_fails_while_an_echoroute_gets_another_name(
    kube: Kube, namespace: str, gateway: GatewayApi, service: str
) -> None:
    moved = f"/{namespace}/moved"
    kube.apply(route("r0", namespace, moved, backends=[{"service": service}]))
    until(lambda: gateway.request(moved).status_code == 200)
    with Requests(gateway, moved) as requests:
        for number in range(_TIMES):
            create(kube, [route(f"r{number + 1}", namespace, moved, backends=[{"service": service}])])
            delete(kube, namespace, f"r{number}")
            until(lambda number=number: condition(kube, namespace, f"r{number + 1}", "Ready")[0] == "True")  # type: ignore[misc]
            until(lambda: len(programmed(gateway, namespace)) == 1)
    assert requests.answers[200] > 200
    assert set(requests.answers) == {200}, requests.answers
