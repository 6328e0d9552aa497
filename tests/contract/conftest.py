"""A gateway to replay the recordings against, and the nodes behind it."""

import time
from collections.abc import Iterator

import pytest
from devstack.errors import NotBuilt

from .backends import Backends, backends, registered
from .scope import KINDS
from .target import Target, real_apisix, standin


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The APISIX that APISIX_ADMIN_URL names, or a stand-in gateway."""
    real = real_apisix()
    if real is not None:
        yield real
        return
    try:
        with standin(tmp_path_factory.mktemp("standin")) as own:
            yield own
    except NotBuilt as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def nodes(target: Target) -> Iterator[Backends]:
    """The nodes of the data plane's cases, also as instances in Consul."""
    with backends() as running, registered(target.consul_url, running):
        time.sleep(target.settle)
        yield running


@pytest.fixture
def empty(target: Target) -> Iterator[Target]:
    """The gateway without objects; it is emptied again afterwards. One with foreign objects is not touched."""
    for kind in KINDS:
        listed = target.admin("GET", f"/{kind}").json()
        if listed["total"]:
            pytest.fail(f"{target.admin_url} has {listed['total']} {kind}: the recordings need an empty gateway")
    yield target
    for kind in KINDS:
        for item in target.admin("GET", f"/{kind}").json()["list"]:
            target.admin("DELETE", f"/{kind}/{item['value']['id']}?force=true").raise_for_status()
