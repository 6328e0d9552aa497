"""One installation for all tests here; those that uninstall come last."""

from collections.abc import Iterator

import pytest

from .installed import Installed, cluster, install


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """`kubectl apply -k`, once."""
    kube = cluster()
    installed = install(kube, tmp_path_factory.mktemp("installed"))
    yield installed
    installed.close()
    kube.http.close()


@pytest.fixture
def settled(installed: Installed) -> Installed:
    """The installation with both versions of echo healthy, and their route in the gateway."""
    installed.consul.wait_for_passing("echo", 2, timeout=60)
    installed.wait_for_versions()
    return installed
