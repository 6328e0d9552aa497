"""`make simulate` and `make soak`: many schedules, in two processes; prints how many, and the seeds that went wrong."""

import logging
import multiprocessing
import sys
import time

from .play import play


def _played(seed: int) -> tuple[int, list[str]]:
    logging.disable(logging.CRITICAL)
    try:
        return seed, play(seed)
    except Exception as error:  # noqa: BLE001 - of this seed, and told with it
        return seed, [f"{type(error).__name__}: {error}"]


def main(first: int, number: int) -> int:
    """Play the schedules of `number` seeds from `first` on; gives the exit code."""
    began, wrong = time.monotonic(), 0
    with multiprocessing.Pool(2) as pool:
        for seed, problems in pool.imap_unordered(_played, range(first, first + number), chunksize=10):
            if problems:
                wrong += 1
                print(f"seed {seed}: {'; '.join(problems[:3])}", flush=True)  # noqa: T201
    took = time.monotonic() - began
    print(f"{number:,} schedules from seed {first:,} in {took:.0f} s: {wrong} went wrong")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
