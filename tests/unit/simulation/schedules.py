"""Schedules made up from a seed: 40 EchoRoutes of 5 namespaces, what people do with them, and what fails meanwhile.

Faults hit reads or writes or one object; lists are late, incomplete, nested or of another life; events come late beside
them, and are lost; the watch breaks; the operator is restarted during faults, and its CPU may be starved.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Self

from echoroute.api.objects import EchoRouteObject
from echoroute.core.brake import Held
from echoroute.core.objects import JsonObject, Key
from pydantic import JsonValue

from .cluster import Cluster
from .gateway import Fault, SimulatedGateway
from .kinds import KINDS, OFTEN
from .rules import Rules
from .told import Told
from .virtual_time import VirtualTimeLoop
from .watched import WatchedWorld
from .world import DRIFT_INTERVAL, ref_of

NAMESPACES = [f"team-{number}" for number in range(5)]
KEYS = [Key(namespace, f"r{number}") for namespace in NAMESPACES for number in range(8)]
THEIRS: JsonObject = {"uri": "/theirs"}


@dataclass
class Schedule:
    """One world, and what is asked of it."""

    kinds: ClassVar[Mapping[str, Callable[[Key], JsonObject]]] = KINDS
    first: ClassVar[Sequence[str]] = ("good", "good", "other", "shared", "common")
    """The kinds that are there at the beginning."""
    often: ClassVar[Mapping[str, int]] = OFTEN
    worlds: ClassVar[type[WatchedWorld]] = WatchedWorld
    """The kind of its world."""
    world: WatchedWorld
    loop: VirtualTimeLoop
    chance: random.Random
    cluster: Cluster = field(init=False)
    gateway: SimulatedGateway = field(init=False)
    told: Told = field(init=False)
    rules: Rules = field(init=False)
    asked: dict[Key, str] = field(default_factory=dict)
    excused: bool = False
    """Whether something went of which nobody could tell: then the brake may hold it."""
    lives: list[tuple[int, bool]] = field(default_factory=list)
    """How many lists had been made when each life of the operator began, and whether a token was given to it."""
    _backup: dict[Key, str] = field(default_factory=dict)
    _specs: dict[tuple[str, int], JsonValue] = field(default_factory=dict)
    """What each generation of each life asks for."""

    @classmethod
    def new(cls, seed: int) -> Self:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        random.seed(seed)
        return cls(cls.worlds.new(), loop, random.Random(seed))  # noqa: S311 - no secret

    def __post_init__(self) -> None:
        self.cluster, self.gateway, self.rules = self.world.cluster, self.world.gateway, self.world.rules
        self.told = self.rules.told
        self.gateway.is_told = lambda _: False
        self.rules.is_starved = lambda: self.loop.drag > 0

    @property
    def has_ended(self) -> bool:
        """Whether an operator that should run does not."""
        running = self.world._running
        return running is None or running.done()

    @property
    def held(self) -> Held | None:
        """What the brake holds."""
        return self.world.writer.deletions._held

    def may_be_held(self, key: Key) -> bool:
        """Whether the brake holds something, for want of anybody who could have told that it may go."""
        return self.excused and self.held is not None

    def start(self) -> None:
        self.lives.append((len(self.gateway.listed), self.world.confirm_deletion is not None))
        self.told.begin_life()
        self.world.start()

    async def restart(self) -> None:
        """End the operator and start it again: what was on its way is lost."""
        self.excused |= bool(self.left) or self.cluster.event_delay > 0
        await self.succeed()

    async def stop(self) -> None:
        await self.world.stop()

    async def succeed(self) -> None:
        """Another operator takes over where nothing is to be done."""
        await self.stop()
        self.start()

    async def set_token(self, token: str) -> None:
        """A person sets the variable, which is a restart."""
        self.world.confirm_deletion = token
        await self.restart()

    def apply(self, key: Key, kind: str) -> None:
        if "elsewhere" in (kind, self.asked.get(key)) and kind != self.asked.get(key):
            self._end_life(key)  # its class cannot be changed
        self.cluster.apply(key, self.kinds[kind](key))
        self.asked[key] = kind
        self._bear(key)

    def _bear(self, key: Key) -> None:
        """A generation is born unless one of this number, before a backup came, has asked for the same."""
        generation, spec = self._generation(key), self.cluster.objects[key]["spec"]
        if self._specs.get(generation) != spec:
            self._specs[generation] = spec
            self.rules.born[generation] = self.loop.time()

    def _generation(self, key: Key) -> tuple[str, int]:
        found = EchoRouteObject.from_raw(self.cluster.objects[key])
        return found.uid, found.generation

    def status(self, key: Key) -> JsonObject:
        """What its status says."""
        return dict(EchoRouteObject.from_raw(self.cluster.objects[key]).status)

    def delete(self, key: Key) -> None:
        self._end_life(key)
        self.asked.pop(key, None)

    def _end_life(self, key: Key) -> None:
        # An operator that has not listed the EchoRoutes yet never hears of this one.
        self.excused |= not self._hears()
        self.cluster.delete(key)

    @property
    def left(self) -> list[Key]:
        """Those of which something is left in the gateway that are gone, or of another gateway class."""
        gone = (key for key in KEYS if self.asked.get(key, "elsewhere") == "elsewhere")
        return [key for key in gone if ref_of(key) in self.gateway.objects]

    def _hears(self) -> bool:
        engine = self.world.engine
        return engine is not None and engine.lists.listed

    def tries_again(self, kind: str) -> int:
        """How many writes a restart makes for what it cannot know to be in vain."""
        return kind == "refused"

    def problems(self) -> list[str]:
        """What is not as asked of what this kind of schedule has alone, each as a sentence."""
        return []

    def back_up(self) -> None:
        self.cluster.back_up()
        self.gateway.back_up()
        self._backup = dict(self.asked)

    def restore_cluster(self) -> None:
        """Go back to the backup: what has come since is gone, and nobody tells of it."""
        self.cluster.restore()
        self.told.go_back()
        self.rules.unsure_until = self.loop.time() + 3 * DRIFT_INTERVAL
        self.asked, self.excused = dict(self._backup), True
        for key in self.asked:
            self._bear(key)

    def remove_crd(self) -> None:
        self.cluster.remove_crd()
        self.asked.clear()
        self.excused = True

    def fill(self) -> None:
        """All come that are not there."""
        for key in KEYS:
            if key not in self.asked:
                self.apply(key, "good")

    def purge(self, namespaces: Sequence[str]) -> None:
        for key in [key for key in self.asked if key.namespace in namespaces]:
            self.delete(key)

    async def confirm(self) -> bool:
        """A person confirms what is held, as it is done: by a setting, with a restart. False: nothing is."""
        held = self.held
        if held is None:
            return False
        self.rules.confirmed |= held.lives
        await self.set_token(held.token)
        return True

    async def step(self) -> None:
        """One thing that happens."""
        steps = self.steps()
        what = self.chance.choices(list(steps), [weight for weight, _ in steps.values()])[0]
        if what == "restart":
            await self.restart()
        else:
            steps[what][1]()

    def steps(self) -> Mapping[str, tuple[int, Callable[[], object]]]:
        """What may happen, and how often; a restart takes its time, and comes here by its name alone."""
        return {name: (weight, partial(step, self)) for name, (weight, step) in _STEPS.items()}

    def heal(self) -> None:
        cluster, gateway = self.cluster, self.gateway
        gateway.fault, gateway.retry_after, gateway.lag, gateway.nested = Fault.NONE, None, 0.0, False
        gateway.stuck.clear()
        cluster.down = cluster.losing_events = cluster.cuts_lists = cluster.hides_crd = False
        cluster.event_delay = cluster.lag = self.loop.drag = 0.0
        cluster.watchable(True)


def _apply(schedule: Schedule) -> None:
    kinds = [*schedule.kinds, *(kind for kind, more in schedule.often.items() for _ in range(more))]
    schedule.apply(schedule.chance.choice(KEYS), schedule.chance.choice(kinds))


def _delete(schedule: Schedule) -> None:
    schedule.delete(schedule.chance.choice(KEYS))


def _purge(schedule: Schedule) -> None:
    """Three teams leave, or one."""
    schedule.purge(schedule.chance.choice([NAMESPACES[2:], NAMESPACES[:3], NAMESPACES[4:]]))


def _edit(schedule: Schedule) -> None:
    """Somebody edits or removes one of our objects in the gateway, or puts one of his own in its place."""
    objects, ref = schedule.gateway.objects, ref_of(schedule.chance.choice(KEYS))
    if schedule.chance.random() < 0.15:
        schedule.gateway.write_past_us(ref, dict(THEIRS))
    elif ref in objects and schedule.gateway.is_owned(ref):
        schedule.gateway.write_past_us(ref, {**objects[ref].body, "priority": 7})
    else:
        objects.pop(ref, None)


def _wipe(schedule: Schedule) -> None:
    schedule.gateway.wipe()


def _fault_of_gateway(schedule: Schedule) -> None:
    schedule.gateway.fault = schedule.chance.choice([Fault.NONE, *Fault])
    schedule.gateway.retry_after = schedule.chance.choice([None, None, 5.0])
    schedule.gateway.lag = schedule.chance.choice([0.0, 0.0, 0.05, 4.0])
    schedule.gateway.nested = schedule.chance.random() < 0.2


def _stuck(schedule: Schedule) -> None:
    schedule.gateway.stuck ^= {ref_of(schedule.chance.choice(KEYS))}


def _fault_of_cluster(schedule: Schedule) -> None:
    cluster, chance = schedule.cluster, schedule.chance
    cluster.down = chance.random() < 0.3
    cluster.cuts_lists = chance.random() < 0.2
    cluster.hides_crd = chance.random() < 0.2
    cluster.lag = chance.choice([0.0, 0.0, 1.0, 20.0])


def _fault_of_watch(schedule: Schedule) -> None:
    cluster, chance = schedule.cluster, schedule.chance
    cluster.event_delay = chance.choice([0.0, 0.05, 1.0, 20.0])
    cluster.losing_events = chance.random() < 0.1
    cluster.watchable(chance.random() > 0.15)
    schedule.excused |= cluster.losing_events or not cluster._watchable


def _starve(schedule: Schedule) -> None:
    schedule.loop.drag = schedule.chance.choice([0.0, 0.0, 0.01, 0.3, 3.0])


_STEPS: dict[str, tuple[int, Callable[[Schedule], object]]] = {
    "apply": (44, _apply),
    "delete": (8, _delete),
    "purge": (2, _purge),
    "fill": (2, Schedule.fill),
    "edit": (4, _edit),
    "wipe": (1, _wipe),
    "restart": (6, Schedule.restart),
    "fault of the gateway": (10, _fault_of_gateway),
    "stuck": (4, _stuck),
    "fault of the cluster": (5, _fault_of_cluster),
    "fault of the watch": (5, _fault_of_watch),
    "starve": (3, _starve),
}
