"""What it costs: for a service, and for Consul when there are many."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost, StartAgent
from .instances import APPS

linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


def test_import_costs_about_what_asyncio_does(figure: Figure) -> None:
    """As a ratio: both on this machine, in turns, our own processor time, the least of seven."""

    def processor_time(statement: str) -> float:
        code = f"import time; began = time.process_time(); {statement}; print(time.process_time() - began)"
        return float(subprocess.check_output([sys.executable, "-c", code]))

    times = [(processor_time("from consul_init import *"), processor_time("import asyncio")) for _ in range(7)]
    ours, asyncios = (min(column) for column in zip(*times, strict=True))
    figure(f"from consul_init import *: {1000 * ours:.0f} ms, {ours / asyncios:.2f} times import asyncio")
    assert ours / asyncios < 3.0


@linux
def test_at_most_15_mb_over_the_bare_service(shared_agent: ConsulAgent, open_host: OpenHost, figure: Figure) -> None:
    """Measured while registered and watched; both are uvicorn with Starlette."""
    host = open_host(shared_agent.address)
    instance = host.start("starlette", "cost")
    port = instance.port + 1
    bare = host.run(
        [sys.executable, "-m", "uvicorn", "--app-dir", str(APPS), "--port", str(port), "bare:app"],
        host.environment("bare", port),
    )
    shared_agent.api.wait_for_passing("cost", 1)
    until(lambda: "Application startup complete" in bare.log)
    time.sleep(3)
    over = resident(instance.main.process.pid) - resident(bare.process.pid)
    bare.send()
    bare.wait()
    figure(f"memory over the bare service: {over / 1e6:.1f} MB")
    assert over < 15e6


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@linux
@pytest.mark.timeout(400)  # on a very busy machine
def test_500_registrations_from_one_host(start_agent: StartAgent, open_host: OpenHost, figure: Figure) -> None:
    """Consul takes 200 connections at a time from one address by default: they all come through, and none is held."""
    agent, count = start_agent(log_level="error"), 500
    host = open_host(agent.address)
    service = host.start("wrapper", "behind", SERVICE_REGISTER="false")
    environment = host.environment("many", service.port)
    command = [sys.executable, str(APPS / "many.py"), str(count), "2"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as many:
        assert many.stdout is not None
        registered = float(many.stdout.readline())
        assert len(agent.api.registered()) == count
        memory, cpu = float(many.stdout.readline()), float(many.stdout.readline())
        many.communicate("\n")
    figure(
        f"{count} registrations at once from one host: all there after {registered:.1f} s,"
        f" {1000 * memory / count:.0f} kB each, then {100 * cpu:.0f} % of a core for all"
    )
    assert registered < 240  # a twentieth of that on a machine that does nothing else
    assert memory < 60
    assert cpu < 0.9
    until(lambda: agent.api.registered() == set(), timeout=60)
