"""The operator on a running stack, under its own account's rights, for all tests of a worker."""

import pytest
from devstack.product import Operator, install, start_operator
from devstack.stack import Stack


@pytest.fixture(scope="session")
def operator(stack: Stack) -> Operator:
    """Drift rounds each 2 s; kept running for all tests."""
    install(stack)
    return start_operator(stack, {"ECHOROUTE_DRIFT_INTERVAL": "2s"})
