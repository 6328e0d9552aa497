"""What each command of the command line does."""

import argparse
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType

from devstack import instances
from devstack.builder import build
from devstack.errors import DevstackError
from devstack.find import Binaries
from devstack.golang import ensure_go
from devstack.paths import shown
from devstack.programs import ALL, DEMO, PROGRAMS
from devstack.progress import Step
from devstack.stack import Stack

_WATCH_SECONDS = 0.5


def run_build(arguments: argparse.Namespace) -> None:
    names = ALL if arguments.all else arguments.part or DEMO
    for name, binary in build(names).items():
        print(f"{name:<24} {binary.version:<10} {binary.origin}: {shown(binary.path)}")


def run_vet(arguments: argparse.Namespace) -> None:
    del arguments
    go = ensure_go()
    own = [program for program in PROGRAMS.values() if not program.module]
    for program in own:
        command = [str(go.path), "vet", "-C", str(program.directory), "./..."]
        if subprocess.run(command, env=go.environment(), check=False).returncode != 0:
            msg = f"go vet finds fault with {shown(program.directory)}; its words are above"
            raise DevstackError(msg)


def run_up(arguments: argparse.Namespace) -> None:
    name = arguments.name
    binaries = build((*DEMO, "kube-controller-manager") if arguments.controller_manager else DEMO)
    if arguments.detach:
        with Step(f"devstack {name}: starting") as step:
            again = ["up", "--name", name, *(["--controller-manager"] if arguments.controller_manager else [])]
            instances.start_detached(instances.directory_of(name), [sys.executable, "-m", "devstack", *again])
            step.finish("ready")
        _print_screen(name, binaries, f".venv/bin/devstack down{_name_option(name)}")
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with suppress(KeyboardInterrupt):
        _stay(Stack(instances.directory_of(name), binaries))
    print(f"devstack {name} stopped")


def _stay(stack: Stack) -> None:
    """Start it, say where it listens, and watch it until Ctrl-C or until a part crashes."""
    try:
        with Step(f"devstack {stack.name}: starting") as step:
            stack.start()
            step.finish("ready")
        _print_screen(stack.name, stack.binaries, "Ctrl-C")
        while True:
            stack.check()
            time.sleep(_WATCH_SECONDS)
    finally:
        stack.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _name_option(name: str) -> str:
    return "" if name == instances.DEFAULT else f" --name {name}"


def _print_screen(name: str, binaries: Binaries, how_to_stop: str) -> None:
    values = instances.running_state(name).environment
    logs = shown(instances.directory_of(name) / "logs")
    print(f"""
  Kubernetes  {binaries["kube-apiserver"].version}  kubeconfig {values["KUBECONFIG"]}
  Consul      {binaries["consul"].version}  {values["CONSUL_HTTP_ADDR"]}/ui
  Gateway     {values["APISIX_GATEWAY_URL"]}  ({binaries["gateway"].version})
  Admin API   {values["APISIX_ADMIN_URL"]}  key in {values["APISIX_ADMIN_KEY_FILE"]}
  Logs        {logs}

  To use it:  eval "$(.venv/bin/devstack env{_name_option(name)})"; "$KUBECTL" get namespaces
  To end it:  {how_to_stop}
""", flush=True)  # fmt: skip


def run_status(arguments: argparse.Namespace) -> None:
    del arguments
    names = instances.names()
    if not names:
        print("no stack runs")
    for name in names:
        print(f"{name}: {instances.describe(name)}")
        state = instances.state_of(name)
        for process, identity in state.processes.items() if state else ():
            print(f"  {process:<24} pid {identity.pid:<8} {'running' if identity.is_alive() else 'gone'}")


def run_env(arguments: argparse.Namespace) -> None:
    for name, value in instances.running_state(arguments.name).environment.items():
        print(f"export {name}={shlex.quote(value)}")


def run_logs(arguments: argparse.Namespace) -> None:
    log = instances.directory_of(arguments.name) / "logs" / f"{arguments.part}.log"
    try:
        print(log.read_text(errors="replace"), end="")
    except FileNotFoundError as error:
        there = ", ".join(sorted(path.stem for path in log.parent.glob("*.log"))) or "none"
        msg = f"there is no log {shown(log)}; there are: {there}"
        raise DevstackError(msg) from error


def run_down(arguments: argparse.Namespace) -> None:
    names = instances.names() if arguments.all else [arguments.name]
    lines = [line for name in names for line in instances.stop(instances.directory_of(name))]
    print("\n".join(lines) or "nothing to stop")
