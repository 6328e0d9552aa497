"""What each command of the command line does."""

import argparse
import os
import shlex
import signal
import subprocess
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
from devstack.paths import REPOSITORY, shown
from devstack.programs import CLUSTER
from devstack.progress import Step
from devstack.state import State, read_state

from cluster import images, machine, podman
from cluster.parts import ctr
from cluster.paths import RUN, SOURCES
from cluster.sandbox import enter
from cluster.supervisor import Cluster, end_leftovers

_START_SECONDS = 300.0
_WATCH_SECONDS = 0.5
_TEST = "test"
"""The cluster of `make cluster-test`, beside one that a person uses."""


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
    del arguments
    prepare()


def prepare() -> None:
    """Everything that takes long, once. Raises CannotRun, BuildFailed, PodmanFailed."""
    machine.require_machine()
    machine.install_packages()
    build(CLUSTER)
    podman.prepare()
    images.make_pause()


def run_images(arguments: argparse.Namespace) -> None:
    del arguments
    prepare()
    print("\n".join(build_images()))


def build_images() -> list[str]:
    """All images of the test overlay: a base, the devstack's programs, and our own by `make images`; their names."""
    images.make_base()
    return [images.PYTHON_IMAGE, *images.make_parts(require(CLUSTER)), *images.make_products()]


def run_up(arguments: argparse.Namespace) -> None:
    name = arguments.name
    prepare()
    with suppress(DevstackError):
        _print_screen(name, running_state(name))
        return
    start(name)
    _print_screen(name, running_state(name))


def start(name: str) -> None:
    """Start a cluster in the background and wait until its node is ready. Raises PartFailed."""
    directory = directory_of(name)
    log = directory / "logs" / "node.log"
    with Step(f"cluster {name}: starting") as step:

        def show() -> None:
            step.update(tail(log, lines=1).strip(" =>") or "namespaces")

        supervisor = [sys.executable, "-m", "cluster", "supervise", "--name", name]
        instances.start_detached(directory, supervisor, _START_SECONDS, show)
        step.finish("ready")


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
    os.execvpe(command[0], command, _environment_inside(arguments.name))  # noqa: S606 (its arguments are a list, no shell reads them)


def _environment_inside(name: str) -> dict[str, str]:
    return {**os.environ, "PATH": machine.PATH, **running_state(name).environment}


def load(name: str, names: Sequence[str]) -> None:
    """Bring images of podman's into the node. Raises PodmanFailed."""
    into = inside(name, ctr("images", "import", "-"))
    for image in names:
        with Step(f"{image}: into the node") as step:
            podman.send(image, into)
            step.finish("loaded")


def run_load(arguments: argparse.Namespace) -> None:
    load(arguments.name, arguments.image)


def run_test(arguments: argparse.Namespace) -> None:
    del arguments
    _test("cluster-test", folder="pods", before=["life"], programs=["helm"])


def run_test_pages(arguments: argparse.Namespace) -> None:
    del arguments
    _test("pages-check", folder="pages")


def _test(target: str, folder: str, before: Sequence[str] = (), programs: Sequence[str] = ()) -> None:
    """Build, start a cluster of its own, run a folder of tests/cluster in it, end it. One line where that cannot be.

    The folders in `before` start clusters themselves.
    """
    try:
        machine.require_machine()
    except machine.CannotRun as reason:
        machine.not_run(target, reason)
        return
    prepare()
    build(programs)
    names = build_images()
    tests = shown(SOURCES)
    pytest = [sys.executable, "-m", "pytest"]
    status = 0
    for each in before:
        status |= subprocess.run([*pytest, f"{tests}/{each}"], cwd=REPOSITORY, check=False).returncode
    start(_TEST)
    try:
        load(_TEST, names)
        command = inside(_TEST, ["env", f"--chdir={REPOSITORY}", *pytest, f"{tests}/{folder}"])
        status |= subprocess.run(command, check=False, env=_environment_inside(_TEST)).returncode
    finally:
        print("\n".join(instances.stop(directory_of(_TEST), end_leftovers)))
    if status:
        msg = f"tests failed; the logs of the node are in {shown(directory_of(_TEST))}"
        raise DevstackError(msg)


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
