"""What is measured, from the environment."""

import os
from dataclasses import dataclass

SCENARIOS = ("rates", "start", "memory", "restart", "change", "delete", "split", "scale", "rest", "traffic", "nodes")


@dataclass(frozen=True, slots=True)
class Parameters:
    """`n` EchoRoutes in most scenarios, `small` and `large` in `scale`; `pairs` of floor and start; `quiet` seconds."""

    n: int
    small: int
    large: int
    pairs: int
    changes: int
    quiet: float
    scenarios: frozenset[str]


def load() -> Parameters:
    """Raises SystemExit where the environment makes no sense."""
    wanted = frozenset(filter(None, os.environ.get("BENCH_SCENARIOS", "").split(","))) or frozenset(SCENARIOS)
    if unknown := wanted - set(SCENARIOS):
        raise SystemExit(f"BENCH_SCENARIOS: no scenario {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    return Parameters(
        n=_number("BENCH_N", 2000),
        small=_number("BENCH_SMALL", 500),
        large=_number("BENCH_LARGE", 10000),
        pairs=_number("BENCH_PAIRS", 5),
        changes=_number("BENCH_CHANGES", 200),
        quiet=_number("BENCH_QUIET", 30),
        scenarios=wanted,
    )


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise SystemExit(f"{name} must be a whole number above 0, not {text!r}")
    return int(text)
