"""A real Consul with the arguments of its pod, and the script that gives it its tokens."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from devstack.find import Binaries
from devstack.handles.consul import ConsulApi
from devstack.ports import pick_ports
from devstack.processes import ProcessGroup
from devstack.waiting import until

from .containers import Container, Script, arguments
from .rendered import MANIFESTS

_NAMES = ("management", "agent", "operator", "apisix", "echo")


class Consul:
    """The pod: Consul, its script, the folders of policies and tokens."""

    def __init__(self, binaries: Binaries, kubectl: Path, group: ProcessGroup, directory: Path) -> None:
        http, server, lan, wan = pick_ports(4)
        self.url, self.data = f"http://127.0.0.1:{http}", directory / "data"
        here = [
            f"-data-dir={self.data}",
            "-client=127.0.0.1",
            f"-http-port={http}",
            f"-server-port={server}",
            f"-serf-lan-port={lan}",
            f"-serf-wan-port={wan}",
        ]
        command = [str(binaries["consul"].path), *arguments(kubectl, "StatefulSet/consul", "consul"), *here]
        self.server = Container(group, command, directory / "consul.log", {})
        self.tokens, self.policies = directory / "tokens", directory / "policies"
        self.tokens.mkdir()
        self.policies.mkdir()
        for file in (*MANIFESTS.glob("components/consul/policies/*.hcl"), MANIFESTS / "overlays/dev/echo.hcl"):
            shutil.copy(file, self.policies)
        for name in _NAMES:
            self.renew(name)
        environment = {"CONSUL_URL": self.url, "TOKENS": str(self.tokens), "POLICIES": str(self.policies)}
        self.script = Script(group, "consul/consul_acl.py", directory / "acl.log", environment)
        self._clients: list[httpx.Client] = []

    def renew(self, name: str) -> str:
        secret = str(uuid.uuid4())
        (self.tokens / name).write_text(secret)
        return secret

    def start(self) -> None:
        self.server.start()
        until(self._has_a_leader, "Consul has a leader")

    def _has_a_leader(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v1/status/leader", trust_env=False).json() != ""
        except httpx.TransportError:
            return False

    def shown(self, name: str | None) -> ConsulApi:
        """Consul's API with the token of this name, or with none."""
        headers = {"X-Consul-Token": (self.tokens / name).read_text()} if name else {}
        self._clients.append(httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=10))
        return ConsulApi(self.url, self._clients[-1])

    def status(self, name: str | None, method: str, path: str, body: object = None) -> int:
        return self.shown(name).http.request(method, f"/v1/{path}", json=body).status_code

    def register(self, name: str | None, service: str) -> int:
        body = {"Name": service, "Address": "10.0.0.7", "Port": 8000}
        return self.status(name, "PUT", "agent/service/register", body)

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture
def consul(devstack_binaries: Binaries, kubectl: Path, process_group: ProcessGroup, tmp_path: Path) -> Iterator[Consul]:
    pod = Consul(devstack_binaries, kubectl, process_group, tmp_path)
    pod.start()
    yield pod
    pod.close()


def test_each_token_can_do_its_work_and_nothing_more(consul: Consul) -> None:
    waiting = consul.script.start("wait")
    until(lambda: "does not know the token of agent yet" in waiting.log)
    keeping = consul.script.start("keep")
    assert waiting.wait() == 0

    register, leave = "agent/service/register", "agent/service/deregister/echo"
    assert consul.register("echo", "echo") == 200
    for name, method, path, expected, why in (
        ("echo", "GET", "agent/health/service/id/echo", 200, "the init library reads back what it registered"),
        ("echo", "PUT", "kv/x", 403, "a service has nothing to store"),
        ("operator", "PUT", leave, 403, "the operator only reads"),
        ("apisix", "PUT", leave, 403, "so does the gateway"),
        ("operator", "GET", "acl/tokens", 403, "tokens are for management alone"),
        ("echo", "GET", "acl/tokens", 403, "likewise"),
        (None, "GET", "agent/health/service/id/echo", 403, "strangers: what an EchoRoute to Consul itself would reach"),
        (None, "PUT", leave, 403, "strangers"),
        (None, "PUT", "kv/x", 403, "strangers"),
        (None, "GET", "agent/self", 403, "strangers: its configuration"),
        (None, "PUT", "acl/bootstrap", 403, "strangers: there is one bootstrap, and it is ours"),
        ("echo", "PUT", leave, 200, "the init library leaves"),
    ):
        assert consul.status(name, method, path) == expected, f"{name} {method} {path}: {why}"
    assert consul.register("echo", "echo") == 200
    for name, service in (("echo", "pay"), ("operator", "echo"), ("apisix", "echo"), ("agent", "echo"), (None, "echo")):
        assert consul.register(name, service) == 403, f"{name} may not register {service} with {register}"

    assert consul.shown(None).services() == [], "strangers"
    for name in ("operator", "apisix"):
        until(lambda name=name: [one.address for one in consul.shown(name).instances("echo")] == ["10.0.0.7"])
        for path in ("catalog/services", "health/state/any", "health/service/echo"):
            answer = consul.shown(name).http.get(f"/v1/{path}")
            assert answer.json(), path
            assert "X-Consul-Results-Filtered-By-ACLs" not in answer.headers, f"{name} needs {path}"
    assert keeping.stop() == 0, "as process 1 it has to take SIGTERM itself"


def test_restarts_and_lost_data(consul: Consul) -> None:
    keeping = consul.script.start("keep")
    consul.script.run("wait")
    assert consul.register("echo", "echo") == 200
    told = keeping.log

    consul.server.kill()
    consul.start()
    consul.script.run("wait")
    assert consul.shown("echo").registered() == {"echo"}
    assert consul.register(None, "echo") == 403
    until(lambda: "Synced node info" in consul.server.log)  # with the agent's token, which it has kept

    consul.server.kill()
    shutil.rmtree(consul.data)
    consul.start()
    consul.script.run("wait", timeout=60)
    assert consul.register("echo", "echo") == 200
    assert keeping.log.count("ACLs are bootstrapped") == 2
    assert told.count("\n") == 1 + 2 * 4, "one line for each step, and none for finding it done"
    values = [(consul.tokens / name).read_text() for name in _NAMES]
    assert [value for value in values if value in keeping.log + consul.server.log] == []


def test_a_new_token_and_another_policy_need_no_restart(consul: Consul) -> None:
    consul.script.start("keep")
    consul.script.run("wait")
    new = consul.renew("echo")
    (consul.policies / "echo.hcl").write_text('service "pay" { policy = "write" }')
    until(lambda: consul.status("echo", "GET", "acl/token/self") == 200, timeout=50)  # it looks every ten seconds
    until(lambda: consul.register("echo", "pay") == 200)
    assert consul.register("echo", "echo") == 403
    assert new == (consul.tokens / "echo").read_text()


@pytest.mark.parametrize(
    ("name", "written", "says", "why"),
    [
        ("operator", "no-uuid", "not a valid UUID", "a token that Consul does not take"),
        ("operator", "", "there is no token in", "an empty Secret"),
        ("management", "0b1c2d3e-0000-4000-8000-000000000000", "ACL bootstrap no longer allowed", "Consul has another"),
        ("operator", "a\nb", "does not answer: ", "no header can carry it"),
    ],
)
def test_trouble_is_told_once_without_the_secret(consul: Consul, name: str, written: str, says: str, why: str) -> None:
    first = consul.script.start("keep")
    consul.script.run("wait")
    first.stop()
    right = (consul.tokens / name).read_text()
    (consul.tokens / name).write_text(written)
    keeping = consul.script.start("keep")
    until(lambda: says in keeping.log, why)
    (consul.tokens / name).write_text(right)
    waiting = consul.script.start("wait")
    assert waiting.wait() == 0
    assert keeping.log.count(says) == 1, why
    assert not written or written not in keeping.log, why


def test_one_mistake_keeps_nobody_else_from_a_token(consul: Consul) -> None:
    (consul.policies / "broken.hcl").write_text("service {{{")
    (consul.policies / "without-token.hcl").write_text('service "x" { policy = "write" }')
    keeping = consul.script.start("keep")
    for name in _NAMES:
        until(lambda name=name: consul.status(name, "GET", "acl/token/self") == 200, name)
    until(lambda: "Consul refuses acl/policy with" in keeping.log)
    assert "cannot read the token of without-token" in keeping.log


def test_it_becomes_a_leader_before_anybody_needs_a_token(consul: Consul) -> None:
    """What the probes of its pod ask."""
    for path in ("catalog/nodes", "status/leader"):
        assert consul.status(None, "GET", path) == 200, path
