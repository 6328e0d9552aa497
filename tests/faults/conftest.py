"""Operators on a stack whose parts may be killed."""

from collections.abc import Callable, Iterator

import pytest
from devstack.echoroutes import delete
from devstack.product import Operator, start_operator
from devstack.stack import Stack


@pytest.fixture
def start(breakable_stack: Stack) -> Iterator[Callable[..., Operator]]:
    """Starts operators of one test, on a stack that they may break; afterwards that is well and empty again."""
    running: list[Operator] = []

    def start(*, wait: bool = True, **settings: str) -> Operator:
        settings = {"ECHOROUTE_DRIFT_INTERVAL": "1s", **settings}
        running.append(start_operator(breakable_stack, settings, wait=wait, name=f"operator-{len(running)}"))
        return running[-1]

    yield start
    for operator in running:
        operator.process.stop()
    for part in breakable_stack.parts:
        if part.running:
            part.resume()
        else:
            part.start()
    breakable_stack.gateway.api.clear_faults()
    breakable_stack.gateway.api.wipe()
    delete(breakable_stack.kube, "default")
