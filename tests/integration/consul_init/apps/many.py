"""Many registrations from one process. Prints, on a line each: seconds until all were registered, MB, CPU seconds."""

import os
import resource
import sys
import time
from pathlib import Path

from consul_init.keeper import Keeper
from consul_init.registration import Registration
from consul_init.settings import Settings


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def say(figure: float) -> None:
    sys.stdout.write(f"{figure:.3f}\n")
    sys.stdout.flush()


def main(count: int, seconds: float) -> None:
    before = resident()
    keepers = []
    for number in range(count):
        settings = Settings.from_env({**os.environ, "SERVICE_NAME": f"many-{number}"})
        keepers.append(Keeper(Registration.from_settings(settings), settings.consul))
    began = time.monotonic()
    for keeper in keepers:
        keeper.start()
    while not all(keeper.was_registered for keeper in keepers):
        time.sleep(0.05)
    say(time.monotonic() - began)
    used = time.process_time()
    time.sleep(seconds)
    say(resident() - before)
    say((time.process_time() - used) / seconds)
    sys.stdin.readline()
    for keeper in keepers:
        keeper.leave()


main(int(sys.argv[1]), float(sys.argv[2]))
