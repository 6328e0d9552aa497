"""File mode on a real Consul and the stand-in gateway; no Kubernetes runs."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from devstack.stack import Stack

from .world import World


@pytest.fixture
def world(stack_without_kubernetes: Stack, tmp_path: Path) -> Iterator[World]:
    made = World(stack_without_kubernetes, tmp_path / "routes", secrets.token_hex(4))
    yield made
    if made.operator is not None:
        made.operator.process.stop()
    stack_without_kubernetes.gateway.api.clear_faults()
    for name in made.served():
        made.gateway.delete("routes", f"{made.owner}.default.{name}")
