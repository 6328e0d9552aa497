"""Schedules with several backends: splits, canaries and subsets, whose instances in Consul come, fail and go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from echoroute.api.selection import Selection
from echoroute.core.instances import State
from echoroute.core.objects import JsonObject, Key, ObjectRef

from .asked import asked_of
from .consul import FAR, SERVICES, VERSIONS, Follower, SimulatedConsul
from .gateway import REFUSED
from .kinds import KINDS, OFTEN
from .schedules import Schedule
from .told import key_of
from .watched import WatchedWorld
from .world import ref_of, spec_of


def _spec(path: str, *backends: JsonObject, **more: object) -> JsonObject:
    return {**spec_of(path, **more), "backends": [*backends]}


def _version(number: int, weight: int = 1, **subset: object) -> JsonObject:
    return {"service": "echo", "weight": weight, "subset": {"tags": [VERSIONS[number]], **subset}}  # type: ignore[dict-item]  # JSON


_ECHO: JsonObject = {"service": "echo", "weight": 9}
_NEXT: JsonObject = {"service": "next", "weight": 1}
_SPARE: JsonObject = {"service": "spare", "weight": 2, "resolve": "Operator"}
_CANARY: JsonObject = {"match": {"headers": [{"name": "X-Canary", "op": "Exists"}]}, "backends": [_version(1)]}

_KINDS: dict[str, Callable[[Key], JsonObject]] = {
    **KINDS,
    "split": lambda key: _spec(f"/{key}", _ECHO, _NEXT),
    "step": lambda key: _spec(f"/{key}", _ECHO, {**_NEXT, "weight": 5}),
    "turned": lambda key: _spec(f"/{key}", _NEXT, _ECHO, _SPARE),
    "subset": lambda key: _spec(f"/{key}", _version(0)),
    "versions": lambda key: _spec(f"/{key}", _version(0, 90), _version(1, 10)),
    "last step": lambda key: _spec(f"/{key}", _version(0, 0), _version(1, 10)),
    "canary": lambda key: _spec(f"/{key}", _ECHO, canary=[_CANARY]),
    "patient": lambda key: _spec(f"/{key}", _version(0), _NEXT, upstream={"timeout": {"read": "9s"}}),
    "far": lambda key: _spec(f"/{key}", _ECHO, _version(1, datacenter=FAR)),
    "several refused": lambda key: _spec(f"{REFUSED}/{key}", _ECHO, _NEXT, _version(1)),
}
_SEVERAL = [kind for kind in _KINDS if kind not in KINDS]


@dataclass
class FollowingWorld(WatchedWorld):
    """A world with Consul, which each life of the operator follows anew."""

    consul: SimulatedConsul = field(default_factory=SimulatedConsul)

    def start(self) -> None:
        follower = self.follower = Follower(self.consul)
        super().start()
        assert self.engine is not None
        follower.desired = self.engine.desired

    async def stop(self) -> None:
        await super().stop()
        if isinstance(self.follower, Follower):
            self.follower.end()
            self.follower = None


@dataclass
class Several(Schedule):
    """One operator, several backends."""

    kinds: ClassVar[Mapping[str, Callable[[Key], JsonObject]]] = _KINDS
    first: ClassVar = ("good", "other", "shared", "common", *_SEVERAL)
    often: ClassVar[Mapping[str, int]] = {**OFTEN, **dict.fromkeys(_SEVERAL, 2)}
    worlds: ClassVar = FollowingWorld
    world: FollowingWorld

    @property
    def consul(self) -> SimulatedConsul:
        return self.world.consul

    def steps(self) -> Mapping[str, tuple[int, Callable[[], object]]]:
        return {**super().steps(), "instances": (12, self._turn), "Consul": (3, self._be_away)}

    def _turn(self) -> None:
        """Some instances of a service go, come, fail or are well again."""
        service = self.chance.choice(SERVICES)
        for _ in range(self.chance.choice([1, 1, 4])):
            self.consul.turn(service, self.chance.randrange(4))

    def _be_away(self) -> None:
        self.consul.be_away(self.chance.random() < 0.5)

    def tries_again(self, kind: str) -> int:
        # Its Upstreams are written before the Route that is rejected, and removed after it.
        return 1 + 2 * 2 if kind == "several refused" else super().tries_again(kind)

    def heal(self) -> None:
        super().heal()
        self.consul.heal()

    def problems(self) -> list[str]:
        """Upstreams in the gateway whose nodes are not those in Consul."""
        asked = filter(None, (asked_of(self.cluster, key) for key in self.asked))
        return [
            f"{ref} is {hosts} for {which}"
            for one in asked
            for ref, which in one.resolved.items()
            if (hosts := self._hosts(ref)) is not None and self._is_followed(ref) and hosts != self._in_consul(which)
        ]

    def _hosts(self, ref: ObjectRef) -> list[str] | None:
        stored = self.gateway.objects.get(ref)
        if stored is None:
            return None
        nodes = stored.body["nodes"]
        return sorted(str(node["host"]) for node in nodes if isinstance(node, dict)) if isinstance(nodes, list) else []

    def _is_followed(self, ref: ObjectRef) -> bool:
        """Whether nothing of somebody else's stands where its Route is to be."""
        route = ref_of(key_of(self.gateway.objects[ref].body))
        return route not in self.gateway.objects or self.gateway.is_owned(route)

    def _in_consul(self, which: Selection) -> list[str]:
        found = self.consul.services[which.service.name].values()
        return sorted(one.address for one in found if one.state is State.PASSING and which.tags <= one.tags)
