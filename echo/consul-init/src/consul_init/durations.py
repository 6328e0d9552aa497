"""Durations as Go and Consul write them: `300ms`, `10s`, `1m30s`, `2h`."""

import re

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
# What Go's time.Duration holds, and Python's locks wait for: 292 years.
LONGEST = float(2**63 // 10**9)


def parse_duration(text: str) -> float:
    """Seconds of a Go duration.

    Raises ValueError for anything else, a bare number included: nobody can tell whether `10` means seconds.
    """
    position = 0
    seconds = 0.0
    for part in _PART.finditer(text):
        if part.start() != position:
            break
        seconds += float(part[1]) * _UNIT_SECONDS[part[2]]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"{text!r} is no duration such as 500ms, 2s or 1m30s")
    if seconds > LONGEST:
        raise ValueError(f"{text!r} is more than 292 years")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact form in one unit: 90.0 is `90s`, 0.25 is `250ms`."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
