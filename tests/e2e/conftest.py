"""The gateway and the Consul that tests ask: those of the stack, or of the real APISIX that the environment names.

Tests of what a part of the stack does when told to are skipped there: they use `own_stack_only`.
"""

from collections.abc import Iterator

import httpx
import pytest
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.product import Operator, install, start_operator
from devstack.stack import Stack

from ..contract.target import Target, real_apisix
from .targets import settings_for


@pytest.fixture(scope="session")
def real() -> Target | None:
    """The APISIX that APISIX_ADMIN_URL names (tests/contract/README.md)."""
    return real_apisix()


@pytest.fixture
def own_stack_only(real: Target | None) -> None:
    """For what only the stack's own parts can be told, or asked."""
    if real is not None:
        pytest.skip("it takes the stack's own gateway or Consul")


@pytest.fixture(scope="session")
def operator(request: pytest.FixtureRequest, real: Target | None, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """The operator, on that gateway."""
    if real is None:
        own: Operator = request.getfixturevalue("operator")
        return own
    stack: Stack = request.getfixturevalue("stack")
    install(stack)
    return start_operator(stack, settings_for(real, tmp_path_factory.mktemp("key")))


@pytest.fixture
def gateway(
    request: pytest.FixtureRequest, real: Target | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayApi]:
    """That gateway; objects stay."""
    if real is None:
        own: GatewayApi = request.getfixturevalue("gateway")
        yield own
        return
    key = tmp_path_factory.mktemp("key") / "admin-key"
    key.write_text(real.admin_key)
    with httpx.Client(trust_env=False, timeout=30) as client:
        yield GatewayApi(real.admin_url, real.gateway_url, "http://no-control-port.invalid", key, client)


@pytest.fixture
def consul(request: pytest.FixtureRequest, real: Target | None) -> Iterator[ConsulApi]:
    """Its Consul; what the test registers is deregistered afterwards."""
    if real is None:
        own: ConsulApi = request.getfixturevalue("consul")
        yield own
        return
    with httpx.Client(base_url=real.consul_url, trust_env=False, timeout=10) as client:
        api = ConsulApi(real.consul_url, client)
        before = api.registered()
        yield api
        for instance in api.registered() - before:
            api.deregister(instance)
