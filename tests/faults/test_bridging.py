"""While nobody can hold the Lease no nodes are written: the gateway's own health checks bridge that time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from devstack.echoroutes import create, programmed, route
from devstack.handles.answers import at
from devstack.handles.gateway import GatewayApi
from devstack.product import Operator
from devstack.stack import Stack
from devstack.waiting import until

from .replicas import LEASE, Replica, forget_lease, leads, replica

pytestmark = pytest.mark.timeout(300)

_CHECK = {"path": "/health", "healthy": {"interval": "1s"}, "unhealthy": {"interval": "1s", "httpFailures": 2}}
_IN_A_ROW = 20


class _Node(ThreadingHTTPServer):
    """Answers with its port, or 500 to everything while it is sick."""

    daemon_threads = True
    sick = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Node

    def do_GET(self) -> None:
        body = str(self.server.server_port).encode()
        self.send_response(500 if self.server.sick else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No line for each request."""


@contextmanager
def _node() -> Iterator[_Node]:
    with _Node(("127.0.0.1", 0), _Handler) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        yield node
        node.shutdown()


@pytest.fixture
def replicas(breakable_stack: Stack, start: Callable[..., Operator]) -> Iterator[Replica]:
    yield replica(start)
    forget_lease(breakable_stack.kube)


def _answers(gateway: GatewayApi) -> set[tuple[int, str]]:
    """Status and node of some requests."""
    answers = [gateway.request("/bridged") for _ in range(_IN_A_ROW)]
    return {(answer.status_code, answer.text) for answer in answers}


def _ports(gateway: GatewayApi) -> set[int]:
    """Of the nodes of the only Upstream."""
    found = [at(upstream, "nodes") for upstream in gateway.list_all("upstreams")]
    return {int(str(at(node, "port"))) for nodes in found if isinstance(nodes, list) for node in nodes}


def test_active_health_checks_bridge_an_api_server_that_is_away(
    breakable_stack: Stack, replicas: Replica, figure: Callable[[str], None]
) -> None:
    kube, gateway, consul = breakable_stack.kube, breakable_stack.gateway.api, breakable_stack.consul.api
    with _node() as well, _node() as failing:
        ids = {node: consul.register("bridged", port=node.server_port) for node in (well, failing)}
        spec = {
            "backends": [{"service": "bridged", "resolve": "Operator"}],
            "upstream": {"healthCheck": {"active": _CHECK}},
        }
        create(kube, [route("bridged", "default", "/bridged", **spec)])
        leader = replicas("alone")
        until(lambda: len(programmed(gateway, "default")) == 1)
        both = {(200, str(node.server_port)) for node in (well, failing)}
        until(lambda: _answers(gateway) == both, "both answer")
        breakable_stack.apiserver.pause()
        until(lambda: not leads(leader), timeout=LEASE + 15)
        gateway.reset_stats()
        failing.sick = True
        consul.deregister(ids[failing])
        began = time.monotonic()
        until(lambda: _answers(gateway) == {(200, str(well.server_port))}, "the other one answers alone", timeout=30)
        figure(
            f"nobody leads, and an instance fails: out by the gateway's checks after {time.monotonic() - began:.1f} s"
        )
        assert _ports(gateway) == {well.server_port, failing.server_port}
        assert not gateway.stats().writes, "nobody leads, and nobody writes"
        breakable_stack.apiserver.resume()
        until(lambda: leads(leader), timeout=3 * LEASE)
        until(lambda: _ports(gateway) == {well.server_port}, "what Consul knows is written again")
        consul.deregister(ids[well])
