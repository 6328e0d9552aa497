"""docs/file-mode.md as its reader types it."""

import os
import sys
from pathlib import Path

from devstack.ports import pick_ports
from devstack.product import start_echo
from devstack.stack import Stack

from ...docs.console import normalised
from ...docs.reader import Reader
from .world import World, route

_REPEATED = "for try in $(seq 150); do echoroute status 2>&1 | grep -q ' 2 ' && break; sleep 0.2; done"


def test_the_commands_of_the_page(world: World, stack_without_kubernetes: Stack, tmp_path: Path) -> None:
    stack = stack_without_kubernetes
    world.write("echo.yaml", route("echo", "/testecho/*", "echo"))
    instances = [start_echo(stack, version) for version in (1, 2)]
    (tmp_path / "admin.key").symlink_to(stack.gateway.api.admin_key_file)
    [port] = pick_ports(1)
    here = {
        "http://127.0.0.1:9180": stack.gateway.api.admin_url,
        "127.0.0.1:8500": stack.consul.url.removeprefix("http://"),
        "$(openssl rand -hex 4)": world.owner,
    }
    instead = {
        "echoroute run": lambda command: f"{command} >log 2>&1 &",
        "echoroute status": lambda command: f"{_REPEATED}; {command}",
    }
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    person = Reader(tmp_path, {"PATH": path, "ECHOROUTE_BIND": f"127.0.0.1:{port}", "LANG": "C.UTF-8"})
    try:
        *_, table, wide, ready = person.follow("file-mode.md", "File mode", here, instead)
    finally:
        person.end()
        for instance in instances:
            instance.stop()
    assert normalised(table.output) == normalised(table.shown)
    assert f"{world.owner}.default.echo" in wide.output
    assert ready.output.startswith("echo ")
