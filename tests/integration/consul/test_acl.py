"""What the operator's token may not read: a real Consul with ACLs, whose default is to deny."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from devstack.find import Binaries
from devstack.ports import pick_ports
from devstack.processes import ProcessGroup, inherited_environment
from devstack.waiting import until
from echoroute.consul import follower

from .following import following

_POLICY = "operator"
_ALL = 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'


class Guarded(NamedTuple):
    """`http` has all rights; `token` those of the policy."""

    url: str
    http: httpx.Client
    token: str
    policy: str

    def allow(self, rules: str) -> None:
        body = {"ID": self.policy, "Name": _POLICY, "Rules": rules}
        self.http.put(f"/v1/acl/policy/{self.policy}", json=body).raise_for_status()

    def register(self, service: str, port: int) -> None:
        body = {"ID": f"{service}-{port}", "Name": service, "Address": "127.0.0.1", "Port": port}
        self.http.put("/v1/agent/service/register", json=body).raise_for_status()

    def deregister(self, instance: str) -> None:
        self.http.put(f"/v1/agent/service/deregister/{instance}").raise_for_status()


@pytest.fixture
def process_group() -> Iterator[ProcessGroup]:
    """Whatever way the test ends, its processes end, too."""
    group = ProcessGroup()
    yield group
    group.close()


@pytest.fixture
def guarded(devstack_binaries: Binaries, process_group: ProcessGroup, tmp_path: Path) -> Iterator[Guarded]:
    http_port, server, serf = pick_ports(3)
    management, token = str(uuid.uuid4()), str(uuid.uuid4())
    tokens = {"initial_management": management, "agent": management}
    config = tmp_path / "consul.json"
    config.write_text(json.dumps({"acl": {"enabled": True, "default_policy": "deny", "tokens": tokens}}))
    command = [
        str(devstack_binaries["consul"].path), "agent", "-dev", f"-config-file={config}", "-bind=127.0.0.1",
        f"-http-port={http_port}", f"-server-port={server}", f"-serf-lan-port={serf}", "-serf-wan-port=-1",
        "-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1", "-hcl=disable_update_check = true",
    ]  # fmt: skip
    process_group.spawn(command, tmp_path / "consul.log", inherited_environment())
    url = f"http://127.0.0.1:{http_port}"
    headers = {"X-Consul-Token": management}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=10) as http:
        body = {"Name": _POLICY, "Rules": _ALL}
        until(lambda: _answer(http, "/v1/acl/policy", body) is not None, "Consul takes a policy")
        policy = http.get(f"/v1/acl/policy/name/{_POLICY}").raise_for_status().json()["ID"]
        until(lambda: _answer(http, "/v1/acl/token", {"SecretID": token, "Policies": [{"ID": policy}]}) is not None)
        yield Guarded(url, http, token, policy)


def _answer(http: httpx.Client, path: str, body: object) -> httpx.Response | None:
    try:
        answer = http.put(path, json=body)
    except httpx.TransportError:
        return None
    return answer if answer.is_success else None


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ('service "other" { policy = "read" } node_prefix "" { policy = "read" }', "not the service"),
        ('service_prefix "" { policy = "read" }', "not its node"),
    ],
)
async def test_what_may_not_be_read_any_more_stays_as_it_was(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch, rules: str, why: str
) -> None:
    monkeypatch.setattr(follower, "_LONG_WAIT", 3)  # what the token may not read wakes nobody: the wait has to end
    guarded.register("echo", 9001)
    guarded.register("echo", 9002)
    async with following(guarded.url, {"echo"}, guarded.token) as heard:
        await heard.until(lambda: heard.health == {"echo": (2, 2)})
        guarded.allow(rules)
        guarded.deregister("echo-9002")
        await heard.until(lambda: ("echo", "ConsulAccessDenied") in heard.failures, timeout=20)
        assert heard.health == {"echo": (2, 2)}, why
        guarded.allow(_ALL)
        await heard.until(lambda: heard.health == {"echo": (1, 1)}, timeout=60)
        assert heard.reachable == [True]


async def test_one_service_that_may_not_be_read_is_told_and_holds_up_no_other(guarded: Guarded) -> None:
    guarded.register("secret", 9001)
    guarded.register("other", 9002)
    guarded.allow('service "other" { policy = "read" } node_prefix "" { policy = "read" }')
    async with following(guarded.url, {"secret", "other", "nowhere"}, guarded.token) as heard:
        await heard.until(lambda: heard.health == {"other": (1, 1), "nowhere": (0, 0)})
        await heard.until(lambda: ("secret", "ConsulAccessDenied") in heard.failures)
        guarded.register("other", 9003)
        await heard.until(lambda: heard.health["other"] == (2, 2), timeout=5)
        assert "secret" not in heard.health
