"""How fast the operator is, beside the floor measured in the same run: one table (docs/performance.md).

`make bench`; the environment chooses: BENCH_N, BENCH_SMALL, BENCH_LARGE, BENCH_PAIRS, BENCH_CHANGES, BENCH_QUIET,
BENCH_SCENARIOS (names separated by commas). With APISIX_ADMIN_URL, APISIX_ADMIN_KEY and APISIX_GATEWAY_URL (and
CONSUL_HTTP_ADDR, the Consul that it discovers in) against a real APISIX, which must be empty.
"""

import sys
from collections.abc import Callable

from . import changing, nodes, rates, scaling, splitting, starting, steady, traffic
from .parameters import SCENARIOS, load
from .report import say
from .world import World

_SCENARIOS: dict[str, Callable[[World], None]] = {
    "rates": rates.rates,
    "start": starting.start,
    "memory": starting.settled_memory,
    "restart": steady.restart,
    "change": changing.change,
    "delete": steady.delete,
    "split": splitting.split,
    "scale": scaling.scale,
    "rest": scaling.at_rest,
    "traffic": traffic.traffic,
    "nodes": nodes.nodes,
}


def main() -> int:
    parameters = load()
    with World(parameters) as world:
        try:
            for name in SCENARIOS:
                if name in parameters.scenarios:
                    say(f"scenario {name}")
                    _SCENARIOS[name](world)
        finally:
            print(world.report)  # what was measured is worth telling, whatever came then
    for row in world.report.failed:
        say(f"FAIL: {row.what}: {row.figure}, allowed: {row.goal}")
    return 1 if world.report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
