"""Invariants 1, 2, 3, 4 and 9 of the engine: whatever happens, once it stops the gateway holds what was asked for.

The whole engine runs against a cluster and a gateway in memory, in virtual time. Hypothesis makes up what users, other
writers and faults do; `--hypothesis-profile=wide` looks further. With faults only the end can be judged; without them
also how soon it comes, with how many writes and in which order.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from echoroute.api.objects import EchoRouteObject
from echoroute.core.addresses import Networks
from echoroute.core.changes import Change, Delete
from echoroute.core.evaluate import evaluate
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import route_id
from echoroute.core.policy import Policy
from echoroute.core.seen import Entry, Seen, seen
from echoroute.engine.announcer import Severity
from echoroute.engine.engine import Engine, Lead, always
from echoroute.engine.options import Options
from echoroute.engine.source import ServiceFollower
from echoroute.engine.writer.writer import Writer
from echoroute.gateway.protocol import Gateway
from hypothesis import example, given
from hypothesis import strategies as st

from .cluster import GATEWAY_CLASS, Cluster, Watchable
from .gateway import REFUSED, Fault, SimulatedGateway
from .virtual_time import run_in_virtual_time

OWNER = "0123abcd"
POLICY = Policy(frozenset())
KEYS = [Key("shop", "cart"), Key("shop", "pay"), Key("lab", "cart"), Key("lab", "pay")]
DRIFT_INTERVAL = 30.0
SOON = 3.0
"""Seconds: a deletion waits for a read of the CRD, of which there is one a second."""
QUIET = 400.0
"""Seconds after the last fault: the longest backoff (60 s), and some rounds."""


class Silent:
    """An `Announcer` that tells nobody."""

    def transition(self, key: Key, uid: str, before: JsonObject, after: JsonObject, expected: bool) -> None: ...

    def contested(self, key: Key) -> None: ...

    def operator(self, severity: Severity, reason: str, message: str) -> None: ...


@dataclass
class World:
    """A cluster, a gateway and the operator, which can be restarted."""

    cluster: Cluster
    gateway: SimulatedGateway
    engine: Engine | None = None
    owner_given: bool = False
    namespaces: frozenset[str] = frozenset()
    confirm_deletion: str | None = None
    follower: ServiceFollower | None = None
    forbidden: Networks = ()
    lead: Lead = always
    _running: asyncio.Task[None] | None = field(default=None)

    @classmethod
    def new(cls) -> "World":
        now = asyncio.get_running_loop().time
        world = cls(Cluster(now), SimulatedGateway(now, OWNER))
        world.gateway.on_change = world.look_at
        return world

    def look_at(self, change: Change) -> None:
        """What must not happen at any time, whatever the faults."""
        swept = {ref_of(key) for key in self.cluster.swept}
        if isinstance(change, Delete) and change.ref in swept and self.is_older_than_crd(change.ref):
            self.gateway.breaches.append(f"{change}: its EchoRoute went with the CRD, and nobody asked for that")

    def is_older_than_crd(self, ref: ObjectRef) -> bool:
        """Whether the clocks tell that an object was made before the CRD, of which they may differ by a minute."""
        stored, crd = self.gateway.objects.get(ref), self.cluster.crd
        return stored is not None and (crd is None or stored.create_time + 60 < crd.created.timestamp())

    def start(self) -> None:
        options = Options(
            owner=OWNER,
            owner_given=self.owner_given,
            namespaces=self.namespaces,
            policy=POLICY,
            confirm_deletion=self.confirm_deletion,
            release=lambda token: f"ECHOROUTE_CONFIRM_DELETION={token}",
            drift_interval=DRIFT_INTERVAL,
            concurrency=4,
            forbidden=self.forbidden,
        )
        source, gateway = self.sides()
        engine = self.engine = Engine(
            options=options, source=source, gateway=gateway, follower=self.follower, announcer=Silent()
        )

        def deliver(event: Seen) -> None:
            engine.desired.offer(event)

        self._running = asyncio.create_task(engine.run(lambda: source.watch(deliver), self.lead))

    def sides(self) -> tuple[Watchable, Gateway]:
        """What the operator talks to."""
        return self.cluster, self.gateway

    @property
    def writer(self) -> Writer:
        """Who writes now."""
        assert self.engine is not None
        assert self.engine.writer is not None
        return self.engine.writer

    async def stop(self) -> None:
        self.cluster.hang_up()
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def heal(self) -> None:
        """All faults end, and time passes."""
        self.gateway.fault = Fault.NONE
        self.cluster.down = self.cluster.losing_events = False
        await asyncio.sleep(QUIET)

    def entry(self, key: Key) -> Entry:
        entry = seen(self.cluster.objects[key], gateway_class=GATEWAY_CLASS).entry
        assert entry is not None
        return entry

    def ready(self, key: Key) -> str:
        status = EchoRouteObject.from_raw(self.cluster.objects[key]).status
        conditions = status["conditions"]
        assert isinstance(conditions, list)
        (ready,) = (item for item in conditions if isinstance(item, dict) and item["type"] == "Ready")
        assert status["observedGeneration"] == self.entry(key).generation, f"{key}: the status is of an older spec"
        return f"{ready['status']}/{ready['reason']}"


def spec_of(path: str, **more: object) -> JsonObject:
    return {"match": {"paths": [path]}, "backends": [{"service": "echo"}], **more}  # type: ignore[dict-item]


GOOD, OTHER, SHARED, REFUSED_BY_GATEWAY, INVALID, DENIED = "good", "other", "shared", "refused", "invalid", "denied"
SPECS: dict[str, Callable[[Key], JsonObject]] = {
    GOOD: lambda key: spec_of(f"/{key}"),
    OTHER: lambda key: spec_of(f"/{key}", websocket=True),
    SHARED: lambda _: spec_of("/shared"),
    REFUSED_BY_GATEWAY: lambda key: spec_of(f"{REFUSED}/{key}"),
    INVALID: lambda _: spec_of("no-slash"),
    DENIED: lambda key: spec_of(f"/{key}", plugins={"serverless-pre-function": {}}),
}


def ref_of(key: Key) -> ObjectRef:
    return ObjectRef(Kind.ROUTE, route_id(OWNER, key))


def check(world: World, asked: dict[Key, str], squatted: set[Key]) -> None:
    """The gateway against what was asked for, by a second way of thinking: kinds of specs instead of plans."""
    assert world.gateway.breaches == []
    shared = [key for key, kind in asked.items() if kind is SHARED]
    winners = [key for key in shared if key not in squatted and world.ready(key) == "True/Ready"]
    # A last good generation keeps it from others, as does one that has it and finds a foreign object at its id.
    taken = any(stored.body["uri"] == "/shared" for stored in world.gateway.objects.values())
    assert len(winners) <= 1, "one has it"
    assert winners or not shared or taken or squatted.intersection(shared), "nobody is kept out for nothing"
    for key in KEYS:
        ref, kind = ref_of(key), asked.get(key)
        held = world.gateway.objects.get(ref)
        if key in squatted:
            assert held is not None
            assert held.body == {"uri": "/theirs"}, f"{key}: a foreign object was changed"
            continue
        if kind in {GOOD, OTHER} or (kind is SHARED and key in winners):
            entry = world.entry(key)
            bundle = evaluate(key, entry, owner=OWNER, policy=POLICY).bundle
            assert bundle is not None
            assert held is not None, f"{key}: missing in the gateway"
            assert held.body == bundle.objects[ref], f"{key}: not as asked"
            assert world.ready(key) == "True/Ready"
        elif kind is None:
            assert held is None or is_doubtful(world), f"{key}: still in the gateway"
        elif kind is DENIED:
            assert held is None, f"{key}: still in the gateway"
            assert world.ready(key) == "False/NotAllowed"
        else:
            reasons = {
                INVALID: "False/Invalid",
                REFUSED_BY_GATEWAY: "False/GatewayRejected",
                SHARED: "False/Conflicted",
            }
            assert world.ready(key) == reasons[kind], "and whatever was good before may go on serving"


def is_doubtful(world: World) -> bool:
    """Whether the CRD is younger than what we own: then nothing goes that no delete event explains."""
    crd, gateway = world.cluster.crd, world.gateway
    if crd is not None and crd.uid != "crd-0":
        return True
    times = [stored.create_time for ref, stored in gateway.objects.items() if gateway.is_owned(ref)]
    return crd is None or any(time < crd.created.timestamp() for time in times)


Step = Callable[[World, dict[Key, str]], None]


def applies(key: Key, kind: str) -> Step:
    def step(world: World, asked: dict[Key, str]) -> None:
        world.cluster.apply(key, SPECS[kind](key))
        asked[key] = kind

    return step


def deletes(key: Key) -> Step:
    def step(world: World, asked: dict[Key, str]) -> None:
        world.cluster.delete(key)
        asked.pop(key, None)

    return step


def edits_by_hand(key: Key, *, delete: bool) -> Step:
    def step(world: World, _: dict[Key, str]) -> None:
        ref = ref_of(key)
        if ref in world.gateway.objects and world.gateway.is_owned(ref):
            if delete:
                del world.gateway.objects[ref]
            else:
                world.gateway.write_past_us(ref, {**world.gateway.objects[ref].body, "priority": 7})

    return step


def wipes(world: World, _: dict[Key, str]) -> None:
    for ref in [ref for ref in world.gateway.objects if world.gateway.is_owned(ref)]:
        del world.gateway.objects[ref]


def removes_crd(world: World, asked: dict[Key, str]) -> None:
    world.cluster.remove_crd()
    asked.clear()


def faults(fault: Fault) -> Step:
    return lambda world, _: setattr(world.gateway, "fault", fault)


def sets(name: str, value: object) -> Step:
    return lambda world, _: setattr(world.cluster, name, value)


_keys = st.sampled_from(KEYS)
_steps: st.SearchStrategy[Step | str] = st.one_of(
    st.builds(applies, _keys, st.sampled_from(list(SPECS))),
    st.builds(applies, _keys, st.just(GOOD)),
    st.builds(deletes, _keys),
    st.builds(edits_by_hand, _keys, delete=st.booleans()),
    st.just(wipes),
    st.just(removes_crd),
    st.builds(faults, st.sampled_from(Fault)),
    st.builds(sets, st.sampled_from(["down", "losing_events"]), st.booleans()),
    st.builds(sets, st.just("event_delay"), st.sampled_from([0.0, 2.0])),
    st.just("restart"),
)
_pauses = st.sampled_from([0.0, 0.004, 0.3, 5.0, 40.0])


async def play(steps: list[tuple[Step | str, float]], squatted: set[Key]) -> None:
    world = World.new()
    for key in squatted:
        world.gateway.write_past_us(ref_of(key), {"uri": "/theirs"})
    asked: dict[Key, str] = {}
    world.start()
    for step, pause in steps:
        if isinstance(step, str):
            await world.stop()
            world.start()
        else:
            step(world, asked)
        # Times have whole seconds: a CRD that comes again within one cannot be told from the one before.
        await asyncio.sleep(max(pause, 1.0) if step is removes_crd else pause)
    await world.heal()
    check(world, asked, squatted)
    await world.stop()
    world.gateway.writes = world.cluster.patches = 0
    world.start()
    await asyncio.sleep(3 * DRIFT_INTERVAL)
    await world.stop()
    rejected = sum(kind is REFUSED_BY_GATEWAY for key, kind in asked.items() if key not in squatted)
    # What was in doubt while the operator ran may be none by the clocks alone.
    assert world.gateway.writes <= rejected + len(world.cluster.swept), "only what was rejected is asked for again"
    assert world.cluster.patches == 0, "a restart over what is unchanged patches no status"
    check(world, asked, squatted)


@given(
    steps=st.lists(st.tuples(_steps, _pauses), max_size=25),
    squatted=st.sets(_keys, max_size=1),
)
@example(steps=[(applies(KEYS[0], GOOD), 0.3), (deletes(KEYS[0]), 0.0), (applies(KEYS[0], OTHER), 0.0)], squatted=set())
def test_whatever_happens_the_gateway_ends_as_asked(steps: list[tuple[Step | str, float]], squatted: set[Key]) -> None:
    run_in_virtual_time(play(steps, squatted))


async def play_calmly(steps: list[Step]) -> None:
    world = World.new()
    asked: dict[Key, str] = {}
    world.start()
    await asyncio.sleep(1.0)
    world.gateway.on_change = lambda change: refuse_two_of_a_kind(world, change)
    for step in steps:
        writes, patches = world.gateway.writes, world.cluster.patches
        step(world, asked)
        await asyncio.sleep(SOON)
        check(world, asked, set())
        changed = len(KEYS)  # a change of one can make winners of losers and losers of winners
        assert world.gateway.writes - writes <= changed
        assert world.cluster.patches - patches <= changed, "one patch tells all"
    writes, patches = world.gateway.writes, world.cluster.patches
    await asyncio.sleep(5 * DRIFT_INTERVAL)
    assert (world.gateway.writes, world.cluster.patches) == (writes, patches), "rounds over what is as asked do nothing"
    await world.stop()


def refuse_two_of_a_kind(world: World, change: Change) -> None:
    """Two routes for one path would answer by chance; one whose EchoRoute is gone is about to go."""
    if isinstance(change, Delete):
        return
    for ref, other in world.gateway.objects.items():
        there = any(ref_of(key) == ref for key in world.cluster.objects)
        if ref != change.ref and there and other.body["uri"] == change.body["uri"]:
            world.gateway.breaches.append(f"{change.ref} was written while {ref} is there, with the same path")


@given(
    steps=st.lists(
        st.builds(applies, _keys, st.sampled_from(list(SPECS)))
        | st.builds(applies, _keys, st.just(SHARED))
        | st.builds(deletes, _keys),
        max_size=12,
    )
)
def test_without_faults_each_change_is_done_soon_and_with_no_write_too_many(steps: list[Step]) -> None:
    run_in_virtual_time(play_calmly(steps))
