"""Consul is away, restarts, loses its data, hangs, or is changed by others: the service serves, and comes back."""

import signal
import socket
import sys
import time

from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost, StartAgent

BACK_WITHIN = 5.0
# Seconds between two looks at the registration, at most.
LOOK = 3.0
# SERVICE_STOP_TIMEOUT's default: after that, servers are stopped by force.
STOP_TIMEOUT = 25.0


def test_an_agent_that_lost_its_data(start_agent: StartAgent, open_host: OpenHost, figure: Figure) -> None:
    """All instances are back within 5 s of its being up, one that was started without it among them."""
    agent, count = start_agent(), 10
    host = open_host(agent.address)
    kinds = ["starlette", "echo", "wrapper", "sidecar", "threaded"]
    instances = [host.start(kinds[number % len(kinds)], "lost") for number in range(count)]
    agent.api.wait_for_passing("lost", count, timeout=60)
    agent.stop()
    agent.lose_data()
    meanwhile = host.start("starlette", "lost")
    until(meanwhile.answers, what="serving without Consul")
    time.sleep(3)  # long enough for the backoff to be at its top
    assert all(each.answers() for each in instances)
    # Under uvicorn only warnings are shown, since the application configures no logging; one, for all attempts.
    assert meanwhile.main.log.count("registration not confirmed, serving and trying on") == 1
    agent.start()
    up = time.monotonic()
    until(lambda: len(agent.api.registered()) == count + 1, timeout=60, what="all registrations")
    back = time.monotonic() - up
    figure(f"Consul restarted empty: {count + 1} instances are back {back:.1f} s after it is up")
    assert back < 5 * BACK_WITHIN
    agent.api.wait_for_passing("lost", count + 1)


def test_deregistered_or_overwritten_by_somebody_else(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    api = shared_agent.api
    instance = open_host(shared_agent.address).start("echo", "contested", SERVICE_VERSION="1")
    api.wait_for_passing("contested", 1)
    api.deregister(instance.id)
    until(lambda: instance.id in api.registered(), timeout=5 * LOOK, what="registering again")
    api.register("contested", instance.port, tags=["of-somebody-else"])
    until(lambda: api.instances("contested")[0].tags == ["version:1"], timeout=5 * LOOK, what="its own tags")
    api.wait_for_passing("contested", 1)
    assert "somebody changed it in Consul: tags is ['of-somebody-else'], not ['version:1']" in instance.main.log


def test_it_does_not_come_back_after_leaving(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Consul's anti-entropy brings back what is removed from the catalog, not what the agent itself has forgotten."""
    api = shared_agent.api
    instance = open_host(shared_agent.address).start("wrapper", "left")
    api.wait_for_passing("left", 1)
    instance.stop()
    instance.wait()
    shared_agent.http.put("/v1/agent/maintenance?enable=true&reason=sync").raise_for_status()
    shared_agent.http.put("/v1/agent/maintenance?enable=false").raise_for_status()
    time.sleep(1)
    assert instance.id not in api.registered()
    assert "left" not in api.services()


def test_a_consul_that_hangs_does_not_hold_up_the_end(start_agent: StartAgent, open_host: OpenHost) -> None:
    """At most 6 s for Consul (a request under way, and the deregistration), the drain, and the server's own stop."""
    agent = start_agent()
    host = open_host(agent.address)
    instances = {kind: host.start(kind, "hanging") for kind in ("starlette", "wrapper", "echo", "threaded", "sidecar")}
    agent.api.wait_for_passing("hanging", len(instances))
    agent.freeze()
    time.sleep(2.5)  # a look at the registration is under way
    began = time.monotonic()
    for instance in instances.values():
        if instance.sidecar is None:
            instance.stop()
    hook = host.consul_init("leave", "--wait", name="hanging", port=instances["sidecar"].port)
    for kind, instance in instances.items():
        if instance.sidecar is None:
            instance.wait()
            assert 2.0 < time.monotonic() - began < STOP_TIMEOUT, kind
            assert "not deregistered, going on with the stop" in instance.main.log, kind
    # The sidecar's hook says so with its exit code, which Kubernetes shows as an event, and has drained none the less.
    assert hook.wait() == 1
    agent.thaw()


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


def test_a_server_that_does_not_stop_is_stopped(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """The whole is bounded: the wrapper kills, and uvicorn is told to drop a request that does not end."""
    host = open_host(shared_agent.address)
    command = ["run", "--", sys.executable, "-c", STUBBORN]
    limits = {"SERVICE_DRAIN": "100ms", "SERVICE_STOP_TIMEOUT": "6500ms"}
    stubborn = host.consul_init(*command, name="stubborn", port=host.free_port(), **limits)
    waiting = host.start("starlette", "waiting", **limits)
    shared_agent.api.wait_for_passing("waiting", 1)
    until(lambda: "registered with the agent" in stubborn.log and "ready" in stubborn.log)
    with socket.create_connection(("127.0.0.1", waiting.port)) as client:
        client.sendall(b"GET /forever HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()
        stubborn.send()
        waiting.stop()
        assert stubborn.wait() == 128 + signal.SIGKILL
        assert 6.0 < time.monotonic() - began < 5 * 6.5
        assert "killing the command" in stubborn.log
        assert waiting.wait() != 0
        assert 6.0 < time.monotonic() - began < 5 * 6.5
        assert "still running 6.5s after the signal" in waiting.main.log
