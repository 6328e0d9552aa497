"""Tilt and kubectl, on a PATH and in a home of their own."""

import os
from pathlib import Path

import pytest
from devstack.errors import NotBuilt
from devstack.find import Binaries, require


@pytest.fixture(scope="session")
def tilt_binaries() -> Binaries:
    try:
        return require(["tilt", "kubectl"])
    except NotBuilt as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def tilt(tilt_binaries: Binaries) -> Path:
    return tilt_binaries["tilt"].path


@pytest.fixture(scope="session")
def environment(tilt_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For Tilt and what it starts: nobody's state, nothing to report to anybody, our kubectl first.

    HOME stays what it is: what builds images finds there how this machine reaches its package index.
    """
    home = tmp_path_factory.mktemp("tilt")
    tools = home / "bin"
    tools.mkdir()
    (tools / "kubectl").symlink_to(tilt_binaries["kubectl"].path)
    folders = ("TILT_DEV_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "KUBECACHEDIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TILT_", "DOCKER_"))}
    return {
        **kept,
        **{name: str(home / name.lower()) for name in folders},
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TILT_DISABLE_ANALYTICS": "1",
    }
