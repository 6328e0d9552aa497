"""Plants bugs one at a time, to see that the schedules find them: `python -m unit.simulation.planted 3000`."""

import logging
import multiprocessing
import sys
import time
from collections.abc import Iterable

import pytest

from .bugs import OF_BACKENDS, OF_PATHS, OF_REPLICAS, PLANTS, Plant
from .play import play
from .replicated import Replicated
from .schedules import Schedule
from .several import Several
from .wide import Wide

_KINDS: dict[Plant, type[Schedule]] = {
    **dict.fromkeys(OF_REPLICAS, Replicated),
    **dict.fromkeys(OF_BACKENDS, Several),
    **dict.fromkeys(OF_PATHS, Wide),
}
"""The kind of schedules that can find a bug, where not all can."""


def first(plant: Plant, seeds: Iterable[int], told: str = "") -> tuple[int, str] | None:
    """The first seed whose schedule goes wrong with a bug, and what it says; `told` is a part of that."""
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        for seed in seeds:
            problems = play(seed, _KINDS.get(plant, Schedule))
            if problem := next((problem for problem in problems if told in problem), None):
                return seed, problem
    return None


def _asked(arguments: tuple[Plant, int]) -> tuple[Plant, tuple[int, str] | None]:
    logging.disable(logging.CRITICAL)
    plant, limit = arguments
    return plant, first(plant, range(limit))


def main(limit: int) -> int:
    """Ask the schedules of so many seeds, from 0 on, for each bug; gives the exit code."""
    began, missed = time.monotonic(), 0
    with multiprocessing.Pool(2) as pool:
        for plant, found in pool.imap(_asked, [(plant, limit) for plant in PLANTS]):
            missed += found is None
            told = f"seed {found[0]}: {found[1]}" if found else f"not found by {limit:,} schedules"
            print(f"{plant.__name__}: {told}", flush=True)  # noqa: T201
    print(f"{len(PLANTS) - missed} of {len(PLANTS)} planted bugs found in {time.monotonic() - began:.0f} s")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
