"""Waiting for something to become true."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], timeout: float = 30.0, what: str = "the condition") -> float:
    """Seconds it took. Fails after `timeout`."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < timeout, f"{what} did not become true in {timeout:g}s"
        time.sleep(0.02)
    return time.monotonic() - began
