"""compose.yaml, run for real: the article's set-up answers, and goes on answering."""

import os
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from cluster import podman
from devstack.waiting import until

from .project import NAME, Project, furnish

pytestmark = pytest.mark.skipif(
    os.environ.get("COMPOSE_CHECK") != "inside", reason="runs in namespaces of its own: make compose-check"
)

HELLO = "http://127.0.0.1:9080/testecho/hello"
_OURS = ("operator", "echo-v1", "echo-v2")
SERVICES = ("secrets", "etcd-auth", "consul", "etcd", "apisix", *_OURS)

# One for all: a client of its own for each question would read the system's certificates each time.
_HTTP = httpx.Client(timeout=5)


def versions(requests: int) -> list[int]:
    """Who answers, one request after the other. Any other answer is an error."""
    answers = [_HTTP.get(HELLO) for _ in range(requests)]
    assert [answer.status_code for answer in answers] == [200] * requests
    return [answer.json()["version"] for answer in answers]


def answering() -> set[int]:
    try:
        return set(versions(4))
    except (httpx.TransportError, AssertionError):
        return set()


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    furnish()
    made = Project()
    made.compose("down", "--volumes")  # of a check that was killed
    made.compose("up", "--detach", "--no-build", timeout=170)
    try:
        yield made
    finally:
        made.compose("down", "--volumes", timeout=170)


@pytest.fixture(autouse=True)
def up(project: Project) -> None:
    try:
        until(lambda: answering() == {1, 2}, "both versions answer", timeout=60)
    except AssertionError:
        print(project.logs())  # noqa: T201 - shown with the failure
        raise


def in_operator(*command: str) -> str:
    return podman.podman("exec", Project.container("operator"), *command)


def test_both_versions_answer_in_turn() -> None:
    answers = versions(20)
    assert all(first != second for first, second in pairwise(answers)), answers


def test_the_status_says_so() -> None:
    """The line of the one EchoRoute, in the end."""
    ready = ["default", "echo", "/testecho/*", "echo", "True", "2", "Ready"]

    def rows() -> list[list[str]]:
        return [line.split() for line in in_operator("echoroute", "status").splitlines()[1:]]

    until(lambda: rows() == [ready], "Ready, two instances", timeout=60)


@pytest.mark.parametrize("service", _OURS)
def test_what_is_ours_runs_without_rights(project: Project, service: str) -> None:
    found = project.inspect(service)
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    status = podman.podman("exec", project.container(service), "cat", "/proc/1/status").splitlines()
    fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
    assert fields["Uid"].split() == ["65532"] * 4
    assert {fields[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0000000000000000"}
    assert fields["NoNewPrivs"] == "1"


def test_nothing_is_published_beyond_loopback() -> None:
    listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout.splitlines()
    published = {line.split()[3] for line in listening}
    assert {"127.0.0.1:9080", "127.0.0.1:9180", "127.0.0.1:8500", "127.0.0.1:8080"} <= published
    assert [address for address in published if address.startswith(("0.0.0.0:", "*:", "[::]:"))] == []


@pytest.mark.parametrize("service", ["consul", "operator"])
def test_health_checks_succeed(project: Project, service: str) -> None:
    """Here they run only when asked: nothing like systemd is at hand to run them by the clock."""
    podman.podman("healthcheck", "run", project.container(service))


def secret(name: str) -> str:
    return in_operator("cat", f"/secrets/{name}")


def test_the_admin_api_takes_the_key_and_no_other() -> None:
    key = secret("admin-key")
    url = "http://127.0.0.1:9180/apisix/admin/routes"
    [entry] = _listed(httpx.get(url, headers={"X-API-KEY": key}))
    assert (entry["id"], entry["uri"]) == ("c0305e01.default.echo", "/testecho/*")
    assert httpx.get(url, headers={"X-API-KEY": "other"}).status_code == 401


def _listed(answer: httpx.Response) -> list[dict[str, Any]]:
    return [entry["value"] for entry in answer.json()["list"]]


def test_etcd_wants_its_password(project: Project) -> None:
    etcd = f"http://{_address(project, 'etcd')}:2379/v3"
    refused = httpx.post(f"{etcd}/kv/range", json={"key": "AA=="})
    assert (refused.status_code, refused.json()["message"]) == (400, "etcdserver: user name is empty")
    assert httpx.post(f"{etcd}/auth/authenticate", json={"name": "root", "password": "other"}).status_code == 400
    taken = httpx.post(f"{etcd}/auth/authenticate", json={"name": "root", "password": secret("etcd-password")})
    assert taken.json()["token"]


def _address(project: Project, service: str) -> str:
    [network] = project.inspect(service)["NetworkSettings"]["Networks"].values()
    address: str = network["IPAddress"]
    return address


def test_etcd_is_in_a_network_that_services_are_not_in() -> None:
    ask = "import socket, sys; socket.getaddrinfo(sys.argv[1], 2379)"
    in_operator("python3", "-c", ask, "apisix")
    with pytest.raises(podman.PodmanFailed, match="gaierror"):
        in_operator("python3", "-c", ask, "etcd")


def test_secrets_stand_nowhere_but_in_their_volume(project: Project) -> None:
    values = [secret("admin-key"), secret("etcd-password")]
    assert all(values)
    said = project.compose("config")
    for service in SERVICES:
        container = project.container(service)
        said += podman.podman("inspect", container) + podman.podman("logs", container)
    assert [value for value in values if value in said] == []
    for service in ("echo-v1", "echo-v2", "consul"):
        assert "/secrets" not in podman.podman("inspect", project.container(service))


def test_secrets_made_again_change_nothing_but_a_key_that_somebody_chose(project: Project) -> None:
    before = secret("admin-key"), secret("etcd-password")
    project.compose("run", "--rm", "secrets")
    assert (secret("admin-key"), secret("etcd-password")) == before
    project.compose("run", "--rm", "-e", "APISIX_ADMIN_KEY=my-own", "secrets")
    try:
        assert (secret("admin-key"), secret("etcd-password")) == ("my-own", before[1])
    finally:
        project.compose("run", "--rm", "-e", f"APISIX_ADMIN_KEY={before[0]}", "secrets")


def test_one_version_stops_and_no_request_fails(project: Project) -> None:
    command = ["podman", "stop", "--time", "15", project.container("echo-v2")]
    try:
        with subprocess.Popen(command, env=podman.process_environment(), stdout=subprocess.DEVNULL) as stopping:
            answered = versions(1)
            while stopping.poll() is None:
                answered += versions(1)
        assert stopping.returncode == 0
        assert len(answered) > 10, "it was asked all the time, and `versions` takes no other answer than 200"
        assert set(versions(20)) == {1}
    finally:
        project.compose("start", "echo-v2")


def test_registrations_outlive_consul(project: Project) -> None:
    project.compose("restart", "consul")
    nodes = "http://127.0.0.1:8500/v1/catalog/service/echo"
    until(lambda: _instances(nodes) == 2, "the volume remembers both", timeout=60)


def _instances(url: str) -> int:
    try:
        return len(httpx.get(url, timeout=2).json())
    except (httpx.TransportError, ValueError):
        return 0


def test_without_the_operator_the_gateway_goes_on(project: Project) -> None:
    podman.podman("kill", "--signal", "KILL", project.container("operator"))
    assert set(versions(10)) == {1, 2}
    project.compose("start", "operator")
    until(lambda: "Ready" in _status_wide(), "its status is back", timeout=60)


def _status_wide() -> str:
    try:
        return in_operator("echoroute", "status", "-o", "wide")
    except podman.PodmanFailed:
        return ""


def test_down_leaves_nothing(project: Project) -> None:
    project.compose("down", "--volumes", timeout=170)
    for command in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert podman.podman(*command, "--quiet", "--filter", f"name={NAME}") == "", command
