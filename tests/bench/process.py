"""CPU time and memory of a process, by /proc (man 5 proc)."""

import os
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """Megabytes (10^6 bytes): resident now, and at most since the start."""

    now: float
    peak: float


def cpu_seconds(pid: int) -> float:
    """User and system time since the start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> Memory:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Memory(*(int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")))
