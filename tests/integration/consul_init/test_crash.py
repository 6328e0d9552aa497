"""Instances that die without a word: Consul's own check is what takes them out."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.load import Load
from devstack.processes import ProcessGroup
from devstack.stack import Stack
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost
from .instances import Host

CHECK_INTERVAL = 1.0


@pytest.fixture(scope="module", autouse=True)
def killed(
    shared_agent: ConsulAgent, process_group: ProcessGroup, go_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[float]:
    """When the instance of `abandoned` was killed: before all tests here, since Consul takes more than a minute."""
    host = Host(process_group, tmp_path_factory.mktemp("abandoned"), go_server, shared_agent.address)
    instance = host.start("starlette", "abandoned")
    shared_agent.api.wait_for_passing("abandoned", 1)
    instance.main.process.kill()
    yield time.monotonic()
    host.close()


def met_it_since(load: Load, begin: float) -> bool:
    """Whether the gateway has sent a request to the dead instance: it refuses connections. What is slow is no sign."""
    return any(what == "502" and when >= begin for when, what in load.failures)


def passing(api: ConsulApi, service: str) -> set[str]:
    return {each.id for each in api.instances(service) if each.status == "passing"}


def test_kill_9_under_load(
    stack: Stack, consul: ConsulApi, gateway: GatewayApi, open_host: OpenHost, figure: Figure
) -> None:
    """Out of the passing list within the check's interval and a second; soon after that the gateway knows, too."""
    service, rate = "killed", 100
    host = open_host(consul.url)
    dying, staying = host.start("starlette", service), host.start("starlette", service)
    consul.wait_for_passing(service, 2)
    upstream = {"type": "roundrobin", "discovery_type": "consul", "service_name": service, "retries": 0}
    rewrite = {"proxy-rewrite": {"uri": "/health"}}
    gateway.put("routes", service, {"uri": f"/{service}", "plugins": rewrite, "upstream": upstream})
    gateway.wait_for(f"/{service}", 200)
    with Load(f"{gateway.url}/{service}", rate) as load:
        time.sleep(0.5)
        killed = time.monotonic()
        dying.main.process.kill()
        gone = until(
            lambda: passing(consul, service) == {staying.id}, "the end of the passing list", 5 * (CHECK_INTERVAL + 1)
        )
        until(lambda: not met_it_since(load, time.monotonic() - 1.5), "the end of the failures")
    figure(
        f"kill -9 of one of two instances: out of Consul's passing list after {gone:.1f} s,"
        f" {len(load.failures)} of {load.sent} requests failed without a retry"
    )
    assert load.outcomes["502"], "requests that met it before the gateway knew"
    assert all(killed <= when for when, _ in load.failures)

    # With APISIX's default of a retry on the next node, nobody notices.
    upstream = {**upstream, "retries": 1}
    gateway.put("routes", service, {"uri": f"/{service}", "plugins": rewrite, "upstream": upstream})
    third = host.start("starlette", service)
    consul.wait_for_passing(service, 2)
    with Load(f"{gateway.url}/{service}", rate) as load:
        time.sleep(0.5)
        third.main.process.kill()
        time.sleep(2)
    assert load.outcomes["502"] == 0, load.outcomes


def test_restart_with_the_same_id_is_clean(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    host, api = open_host(shared_agent.address), shared_agent.api
    first = host.start("starlette", "again", SERVICE_VERSION="1")
    api.wait_for_passing("again", 1)
    first.main.process.kill()
    first.main.wait()
    host.start("starlette", "again", port=first.port, SERVICE_VERSION="2")
    until(lambda: [each.tags for each in api.instances("again")] == [["version:2"]], what="the new version")
    api.wait_for_passing("again", 1)


def test_a_new_pod_with_a_dead_pods_address_is_not_mistaken_for_it(
    shared_agent: ConsulAgent, open_host: OpenHost
) -> None:
    """Of another service: its answers must not keep the dead one in Consul."""
    host, api = open_host(shared_agent.address), shared_agent.api
    pod = {"SERVICE_ADDRESS": "", "POD_IP": "127.0.0.1"}
    dead = host.start("starlette", "dead", **pod, POD_UID="uid-1")
    api.wait_for_passing("dead", 1)
    dead.main.process.kill()
    dead.main.wait()
    host.start("starlette", "alive", port=dead.port, **pod, POD_UID="uid-2")
    api.wait_for_passing("alive", 1)
    until(lambda: not api.instances("dead"), what="the removal of what the dead pod left")


def test_a_dead_pods_check_fails_at_a_new_pod(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Where its registration is with another agent, which the new pod cannot clean: the check says whom it means."""
    host, api = open_host(shared_agent.address), shared_agent.api
    dead = host.start("starlette", "dead2", SERVICE_ADDRESS="127.0.0.1", POD_UID="uid-1")
    api.wait_for_passing("dead2", 1)
    dead.main.process.kill()
    dead.main.wait()
    host.start("starlette", "alive2", port=dead.port, SERVICE_ADDRESS="127.0.0.1", POD_UID="uid-2")
    api.wait_for_passing("alive2", 1)
    # From the agent: to the servers it tells a changed output of a check that stays critical after 5 minutes only.
    until(lambda: "421" in shared_agent.http.get(f"/v1/agent/health/service/id/{dead.id}").text)
    assert [each.status for each in api.instances("dead2")] == ["critical"]


def test_consul_removes_what_was_killed(shared_agent: ConsulAgent, killed: float, figure: Figure) -> None:
    """After SERVICE_DEREGISTER_AFTER, for which Consul takes no less than a minute; it looks every 30 s."""
    while shared_agent.api.instances("abandoned"):
        still_there = time.monotonic()
        assert still_there - killed < 110, "Consul does not remove it"
        time.sleep(0.2)
    gone = time.monotonic() - killed
    figure(f"kill -9: Consul has removed the instance after {gone:.0f} s")
    assert gone > 60
