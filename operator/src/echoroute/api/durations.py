"""Durations as Kubernetes writes them (GEP-2257 of the Gateway API): `6s`, `500ms`, `1m30s`."""

import re
from functools import lru_cache

PATTERN = r"([0-9]{1,5}(h|m|s|ms)){1,4}"
MAX_LENGTH = 28  # four times five digits and a unit of two letters

_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
_MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}


@lru_cache(maxsize=256)  # most durations are the same few defaults
def milliseconds(duration: str) -> int:
    """The length in milliseconds of a duration that matches `PATTERN`; parts of the same unit add up, as in Go."""
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(duration))


def seconds(duration: str) -> int | float:
    """The length in seconds, as APISIX takes it: a whole number where it is one, else with three decimals."""
    length = milliseconds(duration)
    return length // 1_000 if length % 1_000 == 0 else length / 1_000
