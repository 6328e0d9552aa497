"""Schedules made up from a seed: 40 EchoRoutes of 5 namespaces, what people do with them, and what fails meanwhile.

Faults hit reads or writes or one object, events come late beside lists, the operator is restarted during faults, and
its CPU may be starved. What must hold at any time is looked at on the way, the rest once all has healed.
"""

import asyncio
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from echoroute.core.changes import Change, Delete
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import JsonObject, Key
from echoroute.core.plan import digest
from echoroute.core.seen import Seen, seen

from .cluster import GATEWAY_CLASS
from .gateway import REFUSED, Fault
from .test_convergence import DRIFT_INTERVAL, OWNER, POLICY, QUIET, World, ref_of, spec_of
from .virtual_time import VirtualTimeLoop, run_in_virtual_time

KEYS = [Key(f"team-{namespace}", f"r{number}") for namespace in range(5) for number in range(8)]
STEPS = 60
FLOOR = 10.0
_KNOWN_FOR = 120.0
"""Seconds after which the operator has heard of an EchoRoute, where nothing keeps it from it."""


def _deep() -> JsonObject:
    value: JsonObject = {"a": "b"}
    for _ in range(300):
        value = {"a": value}
    return value


KINDS: dict[str, Callable[[Key], JsonObject]] = {
    "good": lambda key: spec_of(f"/{key}"),
    "other": lambda key: spec_of(f"/{key}", websocket=True),
    "shared": lambda key: spec_of(f"/shared-{key.name}"),
    "off": lambda key: spec_of(f"/shared-{key.name}", enabled=False),
    "refused": lambda key: spec_of(f"{REFUSED}/{key}"),
    "invalid": lambda _: spec_of("no-slash"),
    "deep": lambda key: spec_of(f"/{key}", plugins={"cors": _deep()}),
    "denied": lambda key: spec_of(f"/{key}", plugins={"serverless-pre-function": {}}),
}
"""`shared` is claimed by the keys of the same name in all namespaces."""


_FAULTS = {"gateway": 10, "stuck": 4, "cluster": 4, "late": 4, "starved": 3}
_WEIGHTS = {"apply": 40, "delete": 8, "purge": 1, "edit": 4, "wipe": 1, "restart": 6, **_FAULTS}


@dataclass
class Schedule:
    """One world, what is asked of it, and what has gone wrong."""

    seed: int
    world: World
    loop: VirtualTimeLoop
    chance: random.Random
    asked: dict[Key, str] = field(default_factory=dict)
    since: dict[Key, float] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    confirmed: set[bytes] = field(default_factory=set)
    lost_events: bool = False
    lives: list[int] = field(default_factory=list)
    """How many lists had been made when each life of the operator began."""

    def start(self) -> None:
        self.lives.append(len(self.world.gateway.listed))
        self.world.start()

    async def restart(self) -> None:
        await self.world.stop()
        self.start()

    def watch_over(self) -> None:
        """Look at each change, each answer of the gateway and each status."""
        world = self.world
        patch, apply, list_ = world.cluster.patch_status, world.gateway.apply, world.gateway.list

        async def patched(key: Key, uid: str, status: JsonObject) -> Seen:
            answer = await patch(key, uid, status)
            self.look_at_status(key, status)
            return answer

        async def applied(changes, *, before=None, done=None) -> None:  # type: ignore[no-untyped-def]
            def told(change: Change) -> None:
                if not isinstance(change, Delete):
                    self.confirmed.add(digest(change.body))
                if done is not None:
                    done(change)

            await apply(changes, before=before, done=told)

        async def listed():  # type: ignore[no-untyped-def]
            found = await list_()
            self.confirmed.update(digest(stored.body) for stored in found.values())
            return found

        world.cluster.patch_status = patched  # type: ignore[method-assign]
        world.gateway.apply = applied  # type: ignore[method-assign]
        world.gateway.list = listed  # type: ignore[method-assign]
        world.gateway.on_change = self.look_at_change

    def look_at_change(self, change: Change) -> None:
        if not isinstance(change, Delete):
            return
        for key, kind in self.asked.items():
            known = self.loop.time() - self.since[key] > _KNOWN_FOR
            if change.ref == ref_of(key) and known and kind not in {"denied", "shared"}:
                self.breaches.append(f"{change}: {key} is there, and asks for {kind}")

    def look_at_status(self, key: Key, status: JsonObject) -> None:
        raw = self.world.cluster.objects.get(key)
        if raw is None or _condition(status, "Programmed") != "True/Programmed":
            return
        entry = seen(raw, gateway_class=GATEWAY_CLASS).entry
        if entry is None or status.get("observedGeneration") != entry.generation:
            return
        bundle = evaluate(key, entry, owner=OWNER, policy=POLICY).bundle
        if bundle is None or not all(digest(body) in self.confirmed for body in bundle.objects.values()):
            self.breaches.append(f"{key}: Programmed=True, and no answer of the gateway has said so")

    def apply(self, key: Key, kind: str) -> None:
        self.world.cluster.apply(key, KINDS[kind](key))
        self.asked[key] = kind
        self.since[key] = self.loop.time()

    def delete(self, key: Key) -> None:
        # An operator that has not listed the EchoRoutes yet never hears of this one: its brake may hold it.
        engine = self.world.engine
        self.lost_events |= engine is None or not engine.lists.listed
        self.world.cluster.delete(key)
        self.asked.pop(key, None)

    async def step(self) -> None:
        """One thing that happens."""
        what = self.chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if what == "restart":
            # Events on their way to the operator that ended are lost, and those that it had not done with.
            left = any(ref_of(key) in self.world.gateway.objects for key in KEYS if key not in self.asked)
            self.lost_events |= left or self.world.cluster.event_delay > 0
            await self.restart()
        elif what in _FAULTS:
            self.fail(what)
        else:
            self.use(what, self.chance.choice(KEYS))

    def use(self, what: str, key: Key) -> None:
        """What people do."""
        objects, ref = self.world.gateway.objects, ref_of(key)
        if what == "apply":
            self.apply(key, self.chance.choice(list(KINDS)))
        elif what == "delete":
            self.delete(key)
        elif what == "purge":
            kept = self.chance.sample(range(5), 2)
            for one in [one for one in self.asked if int(one.namespace[-1]) not in kept]:
                self.delete(one)
        elif what == "wipe":
            objects.clear()
        elif what == "edit" and ref in objects:
            self.world.gateway.write_past_us(ref, {**objects[ref].body, "priority": 7})

    def fail(self, what: str) -> None:
        """What goes wrong, or is well again."""
        chance, cluster, gateway = self.chance, self.world.cluster, self.world.gateway
        if what == "gateway":
            gateway.fault = chance.choice([Fault.NONE, *Fault])
            gateway.retry_after = chance.choice([None, None, 5.0])
        elif what == "stuck":
            gateway.stuck ^= {ref_of(chance.choice(KEYS))}
        elif what == "cluster":
            cluster.down = not cluster.down
        elif what == "late":
            cluster.event_delay = chance.choice([0.0, 0.05, 1.0, 20.0])
            cluster.losing_events = chance.random() < 0.05
            self.lost_events |= cluster.losing_events
        else:
            self.loop.drag = chance.choice([0.0, 0.01, 0.3])

    def heal(self) -> None:
        cluster, gateway = self.world.cluster, self.world.gateway
        gateway.fault, gateway.retry_after, self.loop.drag = Fault.NONE, None, 0.0
        gateway.stuck.clear()
        cluster.down = cluster.losing_events = False

    def check(self) -> None:
        """What must hold once all has healed."""
        world = self.world
        self.breaches += world.gateway.breaches
        assert world.engine is not None
        held = str(world.writer.rounds.held or "")
        for key in KEYS:
            self.breaches += [f"{key} ({self.asked.get(key)}): {problem}" for problem in self._problems(key, held)]
        for began, ended in zip(self.lives, [*self.lives[1:], None], strict=True):
            times = world.gateway.listed[began:ended]
            close = [late - early for early, late in itertools.pairwise(times) if late - early < FLOOR]
            if close:
                self.breaches.append(f"two full lists within {min(close):.2f} s")

    def _problems(self, key: Key, held: str) -> list[str]:
        world, kind = self.world, self.asked.get(key)
        stored = world.gateway.objects.get(ref_of(key))
        if kind is None:
            # Where events were lost the brake may hold it, and says so.
            excused = held and self.lost_events
            return ["still in the gateway"] if stored is not None and not excused else []
        ready = world.ready(key)
        told = {"refused": "False/GatewayRejected", "invalid": "False/Invalid", "deep": "False/Invalid"}
        if kind in told:
            return [] if ready == told[kind] else [f"says {ready}"]
        if kind == "denied":
            return [] if ready == "False/NotAllowed" and stored is None else [f"says {ready}, in the gateway: {stored}"]
        if kind == "shared" and ready == "False/Conflicted":
            path = KINDS["shared"](key)["match"]["paths"][0]  # type: ignore[index,call-overload]
            has_it = [ref for ref, one in world.gateway.objects.items() if one.body["uri"] == path]
            return [] if has_it else ["kept out, and nobody has it"]
        bundle = evaluate(key, world.entry(key), owner=OWNER, policy=POLICY).bundle
        assert bundle is not None
        if stored is None or stored.body != bundle.objects[ref_of(key)]:
            return [f"not in the gateway as asked, and says {ready}"]
        return [] if ready.startswith("True/") else [f"serves, and says {ready}"]


def _condition(status: JsonObject, type_: str) -> str:
    conditions = status.get("conditions")
    for item in conditions if isinstance(conditions, list) else ():
        if isinstance(item, dict) and item.get("type") == type_:
            return f"{item.get('status')}/{item.get('reason')}"
    return ""


async def _play(seed: int) -> list[str]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    random.seed(seed)
    schedule = Schedule(seed, World.new(), loop, random.Random(seed))  # noqa: S311 - no secret
    schedule.watch_over()
    for key in KEYS:
        schedule.apply(key, schedule.chance.choice(["good", "good", "other", "shared"]))
    schedule.start()
    await asyncio.sleep(2.0)
    for _ in range(STEPS):
        await schedule.step()
        await asyncio.sleep(schedule.chance.choice([0.0, 0.004, 0.3, 5.0, 40.0]))
    schedule.heal()
    await asyncio.sleep(QUIET)
    schedule.check()
    await _rest(schedule)
    return schedule.breaches


async def _rest(schedule: Schedule) -> None:
    """A restart over what is unchanged writes nothing and patches nothing."""
    world = schedule.world
    await world.stop()
    world.gateway.writes = world.cluster.patches = 0
    # What was rejected is asked for again, and what the brake held may be few enough by now.
    again = sum(kind == "refused" for kind in schedule.asked.values())
    again += sum(ref_of(key) in world.gateway.objects for key in KEYS if key not in schedule.asked)
    schedule.start()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    await world.stop()
    if world.gateway.writes > again or world.cluster.patches:
        done = f"{world.gateway.writes} writes and {world.cluster.patches} patches"
        schedule.breaches.append(f"a restart over what is unchanged made {done}")


def play(seed: int) -> list[str]:
    """Play the schedule of a seed; gives what was wrong."""
    return run_in_virtual_time(_play(seed))
