"""kubectl alone: what only renders needs no running stack."""

from pathlib import Path

import pytest
from devstack.find import Binaries


@pytest.fixture(scope="session")
def kubectl(devstack_binaries: Binaries) -> Path:
    return devstack_binaries["kubectl"].path
