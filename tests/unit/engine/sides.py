"""The desired side by itself, with a Consul that is told what to follow and answers when a test says so."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from echoroute.api.selection import Service
from echoroute.core.objects import JsonObject, Key
from echoroute.core.policy import Policy
from echoroute.core.seen import Entry, Seen
from echoroute.engine.desired import DesiredSide
from echoroute.engine.options import Options
from pydantic_core import to_json

from ..simulation.world import Silent

OPTIONS = Options(
    owner="0a1b2c3d",
    owner_given=False,
    namespaces=frozenset(),
    policy=Policy(frozenset()),
    confirm_deletion=None,
    release=str,
    drift_interval=30.0,
    concurrency=8,
)


@dataclass
class Followed:
    """What the Consul side follows: each service, and whether the operator resolves it."""

    services: dict[Service, bool] = field(default_factory=dict)

    def follow(self, service: Service, *, resolved: bool) -> None:
        self.services[service] = resolved

    def forget(self, service: Service) -> None:
        self.services.pop(service, None)

    def stand_by(self, *, standing_by: bool) -> None: ...


def new_side(followed: Followed) -> DesiredSide:
    return DesiredSide(OPTIONS, follower=followed, announcer=Silent(), clock=lambda: 0.0)


def seen(name: str, version: int, backends: list[JsonObject] | None) -> Seen:
    """An EchoRoute at a version; without backends it is deleted."""
    key, created = Key("shop", name), datetime(2026, 1, 1, tzinfo=UTC)
    if backends is None:
        return Seen(key, version, None, ended=created)
    spec = to_json({"match": {"paths": [f"/{name}"]}, "backends": backends})
    return Seen(key, version, Entry(uid=name, generation=version, created=created, spec=spec, status=b"{}"))
