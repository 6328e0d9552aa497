"""An address behind which several agents answer: told at start, with what to set instead."""

from devstack.waiting import until

from .balancer import balanced
from .conftest import OpenHost, StartAgent

TURNS = {
    "strictly in turn": ((0, 1), "accepted the registration and does not have it"),
    "as it comes": ((0, 0, 1, 1, 1, 0), "leads to several agents: node node1 answered before, node node2 now"),
}


def test_several_agents(start_agent: StartAgent, open_host: OpenHost) -> None:
    agents = [start_agent(), start_agent(node_name="node2")]
    for why, (turns, told) in TURNS.items():
        with balanced([agents[turn].http_port for turn in turns]) as port:
            instance = open_host(f"127.0.0.1:{port}").start("echo", "several")
            until(lambda told=told, main=instance.main: told in main.log, timeout=60, what=why)
            assert "status.hostIP" in instance.main.log
            instance.stop()
            instance.wait()
