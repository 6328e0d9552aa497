"""The README's first screen, followed to the letter, and what it shows."""

import re
import shlex
import sys
from pathlib import Path

import yaml
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import OpenHost

README = (Path(__file__).parents[3] / "echo" / "consul-init" / "README.md").read_text()
# Where the README's pod is, and which.
ADDRESS, CONSUL, NODE, UID = "10.1.2.3", "10.1.0.7:8500", "worker-1", "5f1c0d7e"
# A service that the code of the README is part of.
SERVING = """
import os, socketserver, threading
from consul_init import Registered
server = socketserver.TCPServer(("127.0.0.1", int(os.environ["SERVICE_PORT"])), socketserver.BaseRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
"""


def block(language: str, contains: str) -> str:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    found = [text for name, text in blocks if name == language and contains in text]
    assert len(found) == 1, contains
    return found[0]


def variables(port: int) -> dict[str, str]:
    """The pod's, as a kubelet fills them in; but for the agent, which is this test's."""
    told = {"status.podIP": "127.0.0.1", "metadata.uid": UID}
    values: dict[str, str] = {}
    for each in yaml.safe_load(block("yaml", "SERVICE_NAME"))["env"]:
        values[each["name"]] = each.get("value") or told.get(each["valueFrom"]["fieldRef"]["fieldPath"], "")
    del values["CONSUL_HTTP_ADDR"]
    return {**values, "SERVICE_PORT": values["SERVICE_PORT"].replace("8000", str(port))}


def test_the_first_screen(shared_agent: ConsulAgent, open_host: OpenHost, tmp_path: Path) -> None:
    host = open_host(shared_agent.address)
    port = host.free_port()
    (tmp_path / "main.py").write_text(block("python", "FastAPI("))
    pod = {**variables(port), "PYTHONPATH": str(tmp_path), "SERVICE_ADDRESS": ""}
    environment = {**host.environment("orders", port), **pod}
    (command,) = re.findall(r"^    (uvicorn .*)$", README, re.MULTILINE)
    running = host.run([sys.executable, "-m", *shlex.split(command.replace("8000", str(port)))], environment)
    shared_agent.api.wait_for_passing("orders", 1, timeout=60)
    checked = host.run([sys.executable, "-m", "consul_init", "check"], environment)
    assert checked.wait() == 0, checked.log
    shown = block("", "agrees: registered")
    for readmes, ours in ((CONSUL, shared_agent.address), (ADDRESS, "127.0.0.1"), ("8000", str(port)), (NODE, "node1")):
        shown = shown.replace(readmes, ours)
    assert checked.log == shown
    running.send()
    until(lambda: shared_agent.api.instances("orders") == [])
    running.wait()


def test_the_state_in_code(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    """Each line of it, in a service that answers."""
    host = open_host(shared_agent.address)
    code = block("python", "registered.wait_passing(timeout=10)")
    printing = re.sub(r"^    registered\.(state|output)", r"    print(registered.\1)", code, flags=re.MULTILINE)
    environment = host.environment("states", host.free_port(), SERVICE_CHECK_TYPE="tcp")
    running = host.run([sys.executable, "-c", SERVING + printing], environment)
    assert running.wait() == 0, running.log
    assert "\npassing\nTCP connect" in running.log
    assert "# State.PASSING" in code, "what is printed"
