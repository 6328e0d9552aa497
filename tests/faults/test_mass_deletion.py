"""Many EchoRoutes deleted at once, and an operator that has a fifth of a core: no brake, and nothing is left over."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from devstack.echoroutes import create, path_of, programmed, route
from devstack.handles.answers import accepted, at
from devstack.handles.kube import Kube
from devstack.product import Operator, install, start_operator
from devstack.pytest_plugin import FreshStack
from devstack.waiting import until

_MANY = 300
_TIMES = int(os.environ.get("MASS_DELETIONS", "1"))
"""How often each is done; `make soak` asks for ten of ten."""


@contextmanager
def _a_fifth_of_a_core(pid: int) -> Iterator[None]:
    """Stopped for 80 ms, continued for 20 ms, in turns: works everywhere, and is worse than a limit of the kernel's."""
    over = threading.Event()

    def throttle() -> None:
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.08)
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.02)

    thread = threading.Thread(target=throttle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _left(kube: Kube, namespace: str) -> int:
    items = at(accepted(kube.http.get(path_of(namespace))).json(), "items")
    return len(items) if isinstance(items, list) else 0


def _pid(operator: Operator) -> int:
    pid = operator.process.pid
    assert pid is not None
    return pid


@pytest.mark.parametrize("turn", range(1, _TIMES + 1))
@pytest.mark.parametrize(
    "command", ["delete echoroutes --all -n mass --wait=false", "delete namespace mass --wait=false"]
)
def test_deleting_many_at_once_meets_no_brake(fresh_stack: FreshStack, command: str, turn: int) -> None:
    stack = fresh_stack(controller_manager=True)
    install(stack)
    kube, gateway = stack.kube, stack.gateway.api
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mass"}})
    create(kube, [route(f"r{number}", "mass", f"/{number}") for number in range(_MANY)])
    operator = start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": "5s"})
    until(lambda: len(programmed(gateway, "mass")) == _MANY)
    until(lambda: operator.check("watch") == "[+]watch", timeout=60)
    with _a_fifth_of_a_core(_pid(operator)):
        kube.run(*command.split())
        until(lambda: _left(kube, "mass") == 0, timeout=120)
        took = until(lambda: len(programmed(gateway, "mass")) == 0, timeout=60)
    print(f"{command}, time {turn}: the gateway is empty {took:.1f} s after the last EchoRoute went")  # noqa: T201
    assert operator.check("deletions") == "[+]deletions"
    assert not [line for line in operator.said("WARNING") if "DeletionsHeld" in line]
    until(lambda: kube.attempt("get", "namespace", "mass").returncode != 0 or "namespace" not in command, timeout=60)
