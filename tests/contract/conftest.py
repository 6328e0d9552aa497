"""A gateway to replay the recordings against, and the nodes behind it."""

import time
from collections.abc import Iterator

import pytest
from devstack.errors import NotBuilt

from .backends import Backends, backends, registered
from .consumers import known
from .scope import KINDS
from .standin import StandIn, running_consul, running_standin
from .target import Target, real_apisix


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """A stand-in gateway with a Consul of its own."""
    directory = tmp_path_factory.mktemp("standin")
    try:
        with running_consul(directory) as consul_url, running_standin(directory, consul_url) as own:
            yield own
    except NotBuilt as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The APISIX that APISIX_ADMIN_URL names, or the stand-in."""
    real = real_apisix()
    if real is not None:
        return real
    own: StandIn = request.getfixturevalue("standin")
    return own.target


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


@pytest.fixture
def calm(standin: StandIn) -> Iterator[StandIn]:
    """The stand-in without objects, faults and counts; also afterwards."""
    for path in ("/wipe", "/reset-stats"):
        standin.control("POST", path)
    yield standin
    standin.control("DELETE", "/faults")
    standin.control("POST", "/wipe")


@pytest.fixture
def consumers(empty: Target) -> Iterator[None]:
    """Two Consumers, for the plugins that ask who calls. The stand-in has none."""
    if empty.is_standin:
        yield
        return
    with known(empty):
        yield
