"""What the tests of promises in seconds share: a change that is timed, and the figure beside its bound."""

import time

from devstack.echoroutes import path_of
from devstack.handles.answers import accepted, at
from devstack.stack import Stack
from devstack.waiting import until

MERGE = {"Content-Type": "application/merge-patch+json"}


def change(stack: Stack, namespace: str, name: str, path: str) -> float:
    """Give an EchoRoute that has its status another path; the seconds until the gateway has it."""

    def identity() -> str:
        return str(at(stack.kube.read(path_of(namespace, name)), "status", "routeId") or "")

    until(identity)
    route = identity()
    began = time.monotonic()
    body = {"spec": {"match": {"paths": [path]}}}
    accepted(stack.kube.http.patch(path_of(namespace, name), headers=MERGE, json=body))
    while at(stack.gateway.api.get("routes", route), "uri") != path:
        assert time.monotonic() - began < 60
        time.sleep(0.01)
    return time.monotonic() - began


def say(line: str) -> None:
    """Print a figure (`pytest -s`)."""
    print(line)  # noqa: T201


def told(what: str, took: float, bound: float) -> None:
    """Say how long it took, beside the promise; it fails at five times the promise."""
    say(f"{what}: {took:.2f} s (promised: {bound:g} s)")
    assert took <= 5 * bound
