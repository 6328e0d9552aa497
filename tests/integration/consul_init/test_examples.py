"""The programs of `examples/`, started as their README says: in Consul while they can serve, out of it first."""

import contextlib
import itertools
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from devstack.waiting import until
from grpc_health.v1 import health_pb2, health_pb2_grpc

from .agent import ConsulAgent
from .conftest import OpenHost
from .instances import Host, Running, stop_and_watch

EXAMPLES = Path(__file__).parents[3] / "examples"
DRAIN = 2.0
KINDS = ("fastapi", "uvicorn-worker", "wsgi", "django", "grpc", "ttl", "any")
# As the table in its README says, in this order.
COMMANDS = dict(
    zip(KINDS, re.findall(r"^\|.*\| `(.+)` \|$", (EXAMPLES / "README.md").read_text(), re.MULTILINE), strict=True)
)

Start = Callable[..., tuple[Running, int]]


@pytest.fixture
def start(shared_agent: ConsulAgent, open_host: OpenHost) -> Iterator[Start]:
    """A factory of running examples, by kind and name of the service; gives the port, too, which is not 8000 here."""
    host: Host = open_host(shared_agent.address)
    started: list[Running] = []

    def run(kind: str, service: str, **changed: str) -> tuple[Running, int]:
        port = host.free_port()
        words = [word.replace("8000", str(port)) for word in shlex.split(COMMANDS[kind])]
        variables = dict(word.split("=", 1) for word in itertools.takewhile(lambda word: "=" in word, words))
        words = [str(EXAMPLES / word) if (EXAMPLES / word).is_file() else word for word in words[len(variables) :]]
        environment = host.environment(service, port, SERVICE_DRAIN=f"{DRAIN:g}s", **variables, **changed)
        environment |= {
            "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
            "PYTHONPATH": str(EXAMPLES),
            "GUNICORN_CMD_ARGS": "--no-control-socket",
        }
        del environment["PYTHONWARNINGS"]  # of other people's libraries
        started.append(host.run(words, environment))
        return started[-1], port

    yield run
    for each in started:
        if each.process.poll() is None:
            each.send()
        each.wait()


def answers(kind: str, port: int) -> bool:
    if kind == "grpc":
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                asked = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
            except grpc.RpcError:
                return False
            return bool(asked.status == health_pb2.HealthCheckResponse.SERVING)
    with contextlib.suppress(httpx.TransportError):
        headers = {"Host": "orders.example"}
        url = f"http://127.0.0.1:{port}/health"
        return httpx.get(url, headers=headers, trust_env=False, follow_redirects=False).status_code in (200, 301)
    return False


@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind != "ttl"])
def test_in_consul_exactly_while_it_can_serve(kind: str, start: Start, shared_agent: ConsulAgent) -> None:
    api, service = shared_agent.api, f"example-{kind}"
    running, port = start(kind, service)
    (found,) = api.wait_for_passing(service, 1, timeout=60)
    assert found.id == f"{service}-127.0.0.1-{port}"
    assert answers(kind, port)

    def serves() -> None:
        assert answers(kind, port)

    still_there = stop_and_watch(running.send, api, service, serves)
    while answers(kind, port):
        time.sleep(0.02)
    assert time.monotonic() - still_there > DRAIN, running.log
    running.wait()
    assert api.instances(service) == []


@pytest.mark.parametrize("kind", ["wsgi", "django"])
def test_a_reload_changes_nothing_in_consul(kind: str, start: Start, shared_agent: ConsulAgent) -> None:
    """The wrapper hands HUP on: workers are replaced behind a registration that stays, and stays one."""
    api, service = shared_agent.api, f"reload-{kind}"
    running, port = start(kind, service)
    api.wait_for_passing(service, 1, timeout=60)
    running.send(signal.SIGHUP)
    end = time.monotonic() + 5
    while time.monotonic() < end or running.log.count("Worker exiting") < 2:
        assert [each.status for each in api.instances(service)] == ["passing"]
        assert answers(kind, port)
        time.sleep(0.05)
    assert running.log.count("registered with the agent") == 1


def test_a_worker_without_a_port(start: Start, shared_agent: ConsulAgent) -> None:
    """Passing while its jobs are done, critical while one hangs, out of Consul before it ends."""
    api = shared_agent.api
    running, _port = start("ttl", "example-ttl", SERVICE_CHECK_TIMEOUT="6s")
    api.wait_for_passing("example-ttl", 1, timeout=60)
    time.sleep(7)  # more than the time to live
    assert [each.status for each in api.instances("example-ttl")] == ["passing"]
    running.send()
    until(lambda: api.instances("example-ttl") == [])
    assert running.process.poll() is None, "it drains"
    assert running.wait() == 0
    hanging, _port = start("ttl", "example-hangs", MOST_SECONDS_PER_JOB="3", JOB_SECONDS="8")
    api.wait_for_passing("example-hangs", 1, timeout=60)
    until(lambda: [each.status for each in api.instances("example-hangs")] == ["critical"])
    until(lambda: [each.status for each in api.instances("example-hangs")] == ["passing"])
    assert hanging.process.poll() is None
    os.kill(hanging.process.pid, signal.SIGKILL)
    hanging.wait()
    until(lambda: [each.status for each in api.instances("example-hangs")] == ["critical"], timeout=5 * 11)
