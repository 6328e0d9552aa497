"""Operators on a stack whose parts may be killed."""

from collections.abc import Callable, Iterator

import pytest
from devstack.echoroutes import delete
from devstack.product import Operator, start_operator
from devstack.stack import Stack


@pytest.fixture
def start(module_stack: Stack) -> Iterator[Callable[..., Operator]]:
    """Starts operators of one test, on the module's stack; afterwards that is well and empty again."""
    running: list[Operator] = []

    def start(*, wait: bool = True, **settings: str) -> Operator:
        settings = {"ECHOROUTE_DRIFT_INTERVAL": "2s", **settings}
        running.append(start_operator(module_stack, settings, wait=wait, name=f"operator-{len(running)}"))
        return running[-1]

    yield start
    for operator in running:
        operator.process.stop()
    for part in module_stack.parts:
        if part.running:
            part.resume()
        else:
            part.start()
    module_stack.gateway.api.clear_faults()
    module_stack.gateway.api.wipe()
    delete(module_stack.kube, "default")
