"""Waiting for something that happens by itself."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str = "it", timeout: float = 30) -> float:
    """Wait until something holds, and give the seconds that it took. Raises AssertionError when it does not in time."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < timeout, f"{what}: not so within {timeout:g} s"
        time.sleep(0.05)
    return time.monotonic() - began
