"""Consul in memory, as far as the engine hears of it: instances that come, fail and go, and answers that are away."""

import asyncio
from dataclasses import dataclass, field, replace

from echoroute.api.selection import Service
from echoroute.core.instances import Instance, State
from echoroute.engine.desired import DesiredSide
from echoroute.errors import UnknownDatacenter

VERSIONS = ("version:1", "version:2")
SERVICES = ("echo", "next", "spare")
FAR = "far"
"""A datacenter that Consul does not know."""
_ANSWERS_IN = 0.01


def _instance(service: str, number: int) -> Instance:
    tags = frozenset({VERSIONS[number % len(VERSIONS)]})
    address = f"10.{SERVICES.index(service)}.0.{number + 1}"
    return Instance(f"{service}-{number}", service, address, "10.9.9.9", 80, State.PASSING, tags=tags)


@dataclass
class SimulatedConsul:
    """What users do are the methods; followers are told of it."""

    services: dict[str, dict[str, Instance]] = field(default_factory=dict)
    away: bool = False
    followers: "list[Follower]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.heal()

    def heal(self) -> None:
        """All instances are there and well, and so is Consul."""
        self.services = {
            service: {one.id: one for one in (_instance(service, number) for number in range(4))}
            for service in SERVICES
        }
        self.be_away(False)

    def be_away(self, away: bool) -> None:
        self.away = away
        for follower in self.followers:
            follower.hear()

    def turn(self, service: str, number: int) -> None:
        """An instance goes, comes, fails or is well again."""
        one, found = _instance(service, number), self.services[service]
        if one.id not in found:
            found[one.id] = one
        elif found[one.id].state is State.PASSING:
            found[one.id] = replace(one, state=State.CRITICAL)
        else:
            del found[one.id]
        for follower in self.followers:
            follower.hear()


class Follower:
    """Implements `echoroute.engine.source.ServiceFollower`, for one life of an operator."""

    def __init__(self, consul: SimulatedConsul) -> None:
        self._consul = consul
        self._told: dict[Service, tuple[Instance, ...] | None] = {}
        self._due = False
        self.desired: DesiredSide | None = None
        """Whom it tells."""
        consul.followers.append(self)

    def end(self) -> None:
        """The operator has ended."""
        self.desired = None
        self._consul.followers.remove(self)

    def follow(self, service: Service, *, resolved: bool) -> None:
        self._told.setdefault(service, None)
        self.hear()

    def forget(self, service: Service) -> None:
        self._told.pop(service, None)

    def stand_by(self, *, standing_by: bool) -> None: ...

    def hear(self) -> None:
        """Something may have changed."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(_ANSWERS_IN, self._tell)

    def _tell(self) -> None:
        self._due = False
        desired, consul = self.desired, self._consul
        if desired is None:
            return
        desired.consul_reachable(not consul.away)
        for service, told in self._told.items() if not consul.away else ():
            if service.datacenter == FAR:
                desired.service_failed(service, UnknownDatacenter("No path to datacenter"))
                continue
            now = tuple(consul.services[service.name].values())
            if now != told:
                self._told[service] = now
                desired.service_answered(service, now)
