"""What happens once in a schedule, if at all: the CRD goes, a backup comes, a token is given and its set comes back."""

import asyncio
from collections.abc import Awaitable, Callable

from .schedules import NAMESPACES, Schedule
from .test_convergence import DRIFT_INTERVAL

Mishap = Callable[[Schedule], Awaitable[None]]


async def crd_goes(schedule: Schedule) -> None:
    schedule.remove_crd()
    await asyncio.sleep(schedule.chance.choice([1.0, 5.0, 100.0]))
    schedule.fill()


async def gateway_goes_back(schedule: Schedule) -> None:
    schedule.back_up()
    await _some_steps(schedule)
    schedule.gateway.restore()


async def cluster_goes_back(schedule: Schedule) -> None:
    schedule.back_up()
    await _some_steps(schedule)
    schedule.restore_cluster()
    # A history is told from another one by a list, if there is one before the versions are where they were.
    schedule.cluster.down = False
    schedule.cluster.cuts_lists = False
    schedule.cluster.lag = 0.0
    await asyncio.sleep(2 * DRIFT_INTERVAL)


async def a_set_goes_twice(schedule: Schedule) -> None:
    """A person confirms that a set may go; it comes and goes again, and the setting is still there."""
    for confirms in (True, False):
        schedule.heal()
        schedule.fill()
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        schedule.cluster.losing_events = schedule.excused = True
        schedule.purge(NAMESPACES[2:])
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        schedule.cluster.losing_events = False
        if confirms and not await schedule.confirm():
            return


async def _some_steps(schedule: Schedule) -> None:
    for _ in range(15):
        await schedule.step()
        await asyncio.sleep(schedule.chance.choice([0.0, 0.3, 5.0]))


MISHAPS: dict[Mishap, int] = {crd_goes: 4, gateway_goes_back: 4, cluster_goes_back: 4, a_set_goes_twice: 4}
NONE = 24
"""How many of so many schedules have none."""
