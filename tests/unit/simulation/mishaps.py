"""What happens once in a schedule, if at all.

All EchoRoutes go while lists come before events, the CRD goes, a backup comes, a token is given and its set comes back.
"""

import asyncio
from collections.abc import Awaitable, Callable

from .schedules import KEYS, NAMESPACES, Schedule
from .world import DRIFT_INTERVAL, ref_of

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
    """A person confirms that a set may go; the same comes and goes again, and the setting is still there."""
    for confirms in (True, False):
        schedule.heal()
        schedule.fill()
        for key in KEYS:
            if key.namespace in NAMESPACES[2:]:
                schedule.apply(key, "good")  # so that it is the same set in the gateway, too
        await asyncio.sleep(2 * DRIFT_INTERVAL)
        schedule.cluster.losing_events = schedule.excused = True
        schedule.purge(NAMESPACES[2:])
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        schedule.cluster.losing_events = False
        if confirms and not await schedule.confirm():
            return
        await asyncio.sleep(4 * DRIFT_INTERVAL)


async def all_go(schedule: Schedule) -> None:
    """`kubectl delete er --all`; lists tell of it before the delete events come, which explain it all the same."""
    schedule.heal()
    schedule.fill()
    await asyncio.sleep(2 * DRIFT_INTERVAL)
    if not schedule.cluster.watches:
        return
    schedule.cluster.event_delay = schedule.chance.choice([20.0, 60.0])
    ours = [key for key, kind in schedule.asked.items() if kind != "elsewhere"]  # who left our class before may be held
    schedule.purge(NAMESPACES)
    await asyncio.sleep(schedule.cluster.event_delay + 4 * DRIFT_INTERVAL)
    schedule.cluster.event_delay = 0.0
    left = [key for key in ours if (ref := ref_of(key)) in schedule.gateway.objects and schedule.gateway.is_owned(ref)]
    if left and schedule.held:
        schedule.rules.breaches.append(f"the brake holds {left[0]} and {len(left) - 1} more, and events explain them")


async def _some_steps(schedule: Schedule) -> None:
    for _ in range(15):
        await schedule.step()
        await asyncio.sleep(schedule.chance.choice([0.0, 0.3, 5.0]))


MISHAPS: dict[Mishap, int] = {all_go: 4, crd_goes: 4, gateway_goes_back: 4, cluster_goes_back: 4, a_set_goes_twice: 4}
NONE = 20
"""How many of so many schedules have none."""
