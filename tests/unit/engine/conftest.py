"""What tests of deletions ask for."""

from collections.abc import AsyncIterator

import pytest

from .deleting import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.deletions.aclose()
