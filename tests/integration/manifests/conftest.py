"""kubectl alone: what only renders needs no running stack; and the containers of pods as processes here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.find import Binaries
from devstack.processes import ProcessGroup


@pytest.fixture(scope="session")
def kubectl(devstack_binaries: Binaries) -> Path:
    return devstack_binaries["kubectl"].path


@pytest.fixture
def process_group() -> Iterator[ProcessGroup]:
    """Whatever way the test ends, its processes end, too."""
    group = ProcessGroup()
    yield group
    group.close()
