"""Plays the schedule of a seed, and looks at the end whether all is as asked."""

import asyncio
import itertools

from echoroute.core.objects import Key

from . import alike
from .mishaps import MISHAPS, NONE
from .outcome import REJECTED, problems
from .rules import condition
from .schedules import KEYS, Schedule
from .virtual_time import run_in_virtual_time
from .world import DRIFT_INTERVAL, QUIET, ref_of

STEPS = 60
_FLOOR = 10.0
"""Seconds between two full lists of the gateway."""


def play(seed: int, kind: type[Schedule] = Schedule) -> list[str]:
    """Play the schedule of a seed; gives what was wrong."""
    with alike.always():
        return run_in_virtual_time(_play(seed, kind))


async def _play(seed: int, kind: type[Schedule]) -> list[str]:
    schedule = kind.new(seed)
    chance = schedule.chance
    for key in KEYS:
        schedule.apply(key, chance.choice(schedule.first))
    mishap = chance.choices([None, *MISHAPS], [NONE, *MISHAPS.values()])[0]
    when = chance.randrange(STEPS)
    schedule.start()
    await asyncio.sleep(2.0)
    for number in range(STEPS):
        if mishap is not None and number == when:
            await mishap(schedule)
        await schedule.step()
        await asyncio.sleep(chance.choice([0.0, 0.004, 0.3, 5.0, 40.0]))
    schedule.heal()
    await asyncio.sleep(QUIET)
    breaches = schedule.rules.breaches
    breaches += problems(schedule)
    await _release(schedule)
    await _rest(schedule)
    await _lose(schedule)
    await _restart(schedule)
    breaches += _lists(schedule)
    return breaches


async def _release(schedule: Schedule) -> None:
    """What the brake holds is gone once a person has confirmed it."""
    for _ in range(3):  # what became an orphan after a set was held has its own judgement
        if not await schedule.confirm():
            return
        await asyncio.sleep(4 * DRIFT_INTERVAL)
        schedule.rules.breaches += [f"after the token: {problem}" for problem in problems(schedule)]


async def _rest(schedule: Schedule) -> None:
    """Rounds over what is as asked write nothing."""
    _begin_counting(schedule)
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    _check_count(schedule, "three rounds", 0, 0)


async def _lose(schedule: Schedule) -> None:
    """One route is lost, and not taken again: that is said, and the others are as they were."""
    served = (key for key in schedule.asked if condition(schedule.status(key), "Programmed") == "True/Programmed")
    key = next(served, None)
    if key is None:
        return
    del schedule.gateway.objects[ref_of(key)]
    schedule.gateway.stuck.add(ref_of(key))
    await asyncio.sleep(4 * DRIFT_INTERVAL)
    if condition(schedule.status(key), "Programmed") != "False/GatewayUnreachable":
        schedule.rules.breaches.append(f"{key}: is lost, and says {condition(schedule.status(key), 'Programmed')}")
    schedule.gateway.stuck.clear()
    await asyncio.sleep(4 * DRIFT_INTERVAL)
    schedule.rules.breaches += [f"after a loss: {problem}" for problem in problems(schedule)]


async def _restart(schedule: Schedule) -> None:
    """A restart over what is unchanged writes nothing and patches nothing."""
    _begin_counting(schedule)
    await schedule.succeed()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    await schedule.stop()
    # What was rejected is asked for again; what was in doubt while the operator ran may be none by the clocks alone.
    again = sum(schedule.tries_again(kind) for kind in schedule.asked.values())
    again += sum(ref_of(key) in schedule.gateway.objects for key in KEYS if key not in schedule.asked)
    _check_count(schedule, "a restart", again, sum(_has_lost_its_place(schedule, key) for key in schedule.asked))


def _has_lost_its_place(schedule: Schedule, key: Key) -> bool:
    """Whether somebody else's object is in the place of one that was rejected: that is said when it is tried again."""
    objects, ref = schedule.gateway.objects, ref_of(key)
    return schedule.asked[key] in REJECTED and ref in objects and not schedule.gateway.is_owned(ref)


def _begin_counting(schedule: Schedule) -> None:
    schedule.gateway.writes = schedule.cluster.patches = 0


def _check_count(schedule: Schedule, what: str, writes: int, patches: int) -> None:
    made, patched = schedule.gateway.writes, schedule.cluster.patches
    if made > writes or patched > patches:
        schedule.rules.breaches.append(f"{what} over what is unchanged made {made} writes and {patched} patches")


def _lists(schedule: Schedule) -> list[str]:
    """Two lists are far enough from each other in each life, but for the one that makes a token good."""
    breaches = []
    for (began, has_token), (ended, _) in itertools.pairwise([*schedule.lives, (None, False)]):
        times = schedule.gateway.listed[began:ended]
        close = [late - early for early, late in itertools.pairwise(times) if late - early < _FLOOR]
        if len(close) > has_token:
            breaches.append(f"two full lists within {min(close):.2f} s")
    return breaches
