"""`make simulate` and `make soak`: many schedules, in two processes; prints how many, and the seeds that went wrong.

`python -m unit.simulation.simulate FIRST NUMBER REPLICATED SEVERAL WIDE`: NUMBER schedules of one operator, REPLICATED
of two replicas, SEVERAL with several backends and WIDE with several paths, each from seed FIRST on. `17 0 1 0 0` plays
the schedule of seed 17 with two replicas alone.
"""

import logging
import multiprocessing
import sys
import time

from .play import play
from .replicated import Replicated
from .schedules import Schedule
from .several import Several
from .wide import Wide

_KINDS: dict[str, type[Schedule]] = {
    "one operator": Schedule,
    "two replicas": Replicated,
    "several backends": Several,
    "several paths": Wide,
}


def _played(schedule: tuple[str, int]) -> tuple[str, int, list[str]]:
    logging.disable(logging.CRITICAL)
    name, seed = schedule
    try:
        return name, seed, play(seed, _KINDS[name])
    except Exception as error:  # noqa: BLE001 - of this seed, and told with it
        return name, seed, [f"{type(error).__name__}: {error}"]


def main(first: int, *numbers: int) -> int:
    """Play so many schedules of each kind, with the seeds from `first` on; gives the exit code."""
    began, wrong = time.monotonic(), 0
    asked = dict(zip(_KINDS, numbers, strict=True))
    schedules = [(name, seed) for name, number in asked.items() for seed in range(first, first + number)]
    with multiprocessing.Pool(2) as pool:
        for name, seed, problems in pool.imap_unordered(_played, schedules, chunksize=10):
            if problems:
                wrong += 1
                print(f"{name}, seed {seed}: {'; '.join(problems[:3])}", flush=True)  # noqa: T201
    took = time.monotonic() - began
    told = ", ".join(f"{number:,} with {name}" for name, number in asked.items())
    print(f"{len(schedules):,} schedules from seed {first:,} ({told}) in {took:.0f} s: {wrong} went wrong")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
