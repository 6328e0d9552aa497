"""What each command of the command line does."""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from devstack import instances
from devstack.builder import build
from devstack.errors import DevstackError, tail
from devstack.find import require
from devstack.paths import shown
from devstack.programs import CLUSTER
from devstack.progress import Step
from devstack.state import State, read_state

from cluster import images, machine, podman
from cluster.parts import ctr
from cluster.paths import RUN
from cluster.sandbox import enter
from cluster.supervisor import Cluster, end_leftovers

_START_SECONDS = 300.0
_WATCH_SECONDS = 0.5


def directory_of(name: str) -> Path:
    return RUN / instances.directory_of(name).name


def running_state(name: str) -> State:
    """The state of a cluster that is up. Raises DevstackError when it is not."""
    directory = directory_of(name)
    state = read_state(directory)
    if state is None or not state.ready or not instances.supervised(directory):
        msg = f"the cluster {name} is not up: start it with `cluster up --name {name}` (or make cluster-up)"
        raise DevstackError(msg)
    return state


def inside(name: str, command: Sequence[str]) -> list[str]:
    """A command line that runs `command` in the namespaces of a cluster that is up. Raises DevstackError."""
    return [*enter(running_state(name).processes["node"].pid), *command]


def run_prepare(arguments: argparse.Namespace) -> None:
    """Everything that takes long, once."""
    del arguments
    machine.require_machine()
    machine.install_packages()
    build(CLUSTER)
    podman.prepare()
    images.make_pause()


def run_images(arguments: argparse.Namespace) -> None:
    """All images of the test overlay: a base, the devstack's programs, and our own by `make images`."""
    del arguments
    podman.prepare()
    images.make_base()
    names = images.make_parts(require(CLUSTER))
    print("\n".join([*names, *images.make_products()]))


def run_up(arguments: argparse.Namespace) -> None:
    name, directory = arguments.name, directory_of(arguments.name)
    run_prepare(arguments)
    with suppress(DevstackError):
        _print_screen(name, running_state(name))
        return
    log = directory / "logs" / "node.log"
    with Step(f"cluster {name}: starting") as step:

        def show() -> None:
            step.update(tail(log, lines=1).strip(" =>") or "namespaces")

        supervisor = [sys.executable, "-m", "cluster", "supervise", "--name", name]
        instances.start_detached(directory, supervisor, _START_SECONDS, show)
        step.finish("ready")
    _print_screen(name, running_state(name))


def run_supervise(arguments: argparse.Namespace) -> None:
    """What `up` starts: it stays until SIGTERM, or until the node or the relay has ended."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with suppress(KeyboardInterrupt), Cluster(directory_of(arguments.name), require(CLUSTER)) as cluster:
        while True:
            cluster.check()
            time.sleep(_WATCH_SECONDS)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print_screen(name: str, state: State) -> None:
    option = "" if name == instances.DEFAULT else f" --name {name}"
    print(f"""
  Kubernetes  one node; kubeconfig {shown(Path(state.environment["KUBECONFIG"]))}
  Logs        {shown(directory_of(name))}/logs, {shown(directory_of(name))}/node/logs

  To use it:    eval "$(.venv/bin/cluster env{option})"; "$KUBECTL" get nodes
  To enter it:  .venv/bin/cluster exec{option} -- ip address
  To end it:    .venv/bin/cluster down{option}
""", flush=True)  # fmt: skip


def run_env(arguments: argparse.Namespace) -> None:
    for variable, value in running_state(arguments.name).environment.items():
        print(f"export {variable}={shlex.quote(value)}")


def run_exec(arguments: argparse.Namespace) -> None:
    # Entering a mount namespace leads to its root.
    command = inside(arguments.name, ["env", f"--chdir={Path.cwd()}", *arguments.command])
    environment = {**os.environ, "PATH": machine.PATH, **running_state(arguments.name).environment}
    os.execvpe(command[0], command, environment)  # noqa: S606 (its arguments are a list, no shell reads them)


def load(name: str, names: Sequence[str]) -> None:
    """Bring images of podman's into the node. Raises PodmanFailed."""
    into = inside(name, ctr("images", "import", "-"))
    for image in names:
        with Step(f"{image}: into the node") as step:
            podman.send(image, into)
            step.finish("loaded")


def run_load(arguments: argparse.Namespace) -> None:
    load(arguments.name, arguments.image)


def run_status(arguments: argparse.Namespace) -> None:
    del arguments
    names = sorted(path.parent.name for path in RUN.glob("*/state.json"))
    if not names:
        print("no cluster runs")
    for name in names:
        state, supervised = read_state(directory_of(name)), instances.supervised(directory_of(name))
        if not supervised:
            print(f"{name}: its supervisor is gone; `cluster down --name {name}` takes away what it left")
        else:
            print(f"{name}: {'up' if state is not None and state.ready else 'starting'}")


def run_logs(arguments: argparse.Namespace) -> None:
    directory = directory_of(arguments.name)
    logs = {log.stem: log for log in (*directory.glob("logs/*.log"), *directory.glob("node/logs/*.log"))}
    if arguments.part not in logs:
        msg = f"there is no log of {arguments.part}; there are: {', '.join(sorted(logs)) or 'none'}"
        raise DevstackError(msg)
    print(logs[arguments.part].read_text(errors="replace"), end="")


def run_down(arguments: argparse.Namespace) -> None:
    lines = list(instances.stop(directory_of(arguments.name), end_leftovers))
    print("\n".join(lines) or "nothing to stop")
