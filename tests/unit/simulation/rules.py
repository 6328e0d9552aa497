"""What must hold at any time, whatever fails: looked at with each change of the gateway and each status patch."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from echoroute.api.objects import EchoRouteObject
from echoroute.core.brake import MANY, SHARE
from echoroute.core.changes import Change, Delete, Put
from echoroute.core.objects import JsonObject, Key, Kind, ObjectRef
from pydantic import JsonValue

from .asked import asked_of, gives_up, meet, served_by
from .cluster import Cluster
from .gateway import SimulatedGateway, named_by
from .told import ABSENT, UNKNOWN, Told, is_denied, key_of

OUTAGE = {"GatewayUnreachable", "GatewayUnauthorized"}
NEVER = float("-inf")
_ONE_PLAN = 20.0
"""Seconds that a plan of several writes takes at most, where each answer is late."""


@dataclass
class Rules:
    """Breaches go into `breaches`, each as a sentence."""

    cluster: Cluster
    gateway: SimulatedGateway
    told: Told
    now: Callable[[], float]
    breaches: list[str] = field(default_factory=list)
    confirmed: set[tuple[ObjectRef, int]] = field(default_factory=set)
    """What a person has confirmed by a token, by the time of its creation."""
    born: dict[tuple[str, int], float] = field(default_factory=dict)
    """When each generation of each life of an EchoRoute was applied."""
    withdrawn: set[ObjectRef] = field(default_factory=set)
    """What was found to serve beside another one, and has to go."""
    unexplained: set[Key] = field(default_factory=set)
    """What has gone since the last list, for want of an EchoRoute alone."""
    owned: int = 0
    """Of how many EchoRoutes that list had objects."""
    is_starved: Callable[[], bool] = lambda: False
    """Whether each step of the operator takes long, so that it learns late what it was told."""
    unsure_until: float = NEVER
    """Until when the operator need not have noticed that it is told of another history."""

    def begin_round(self) -> None:
        """The operator has a complete list of the gateway."""
        objects = self.gateway.objects
        self.owned = len({key_of(objects[ref].body) for ref in objects if self.gateway.is_owned(ref)})
        self.unexplained.clear()

    def look_at_try(self, change: Change) -> None:
        """The operator is about to ask for a change of the gateway."""
        stored = self.gateway.objects.get(change.ref)
        if stored is not None and not self.gateway.is_owned(change.ref):
            if self._was_told(change.ref, stored.body):
                self.breaches.append(f"{change}: the object is somebody else's, and the operator was told so")
        elif not isinstance(change, Delete):
            self._look_at_put(change)
        elif stored is not None:
            self._look_at_delete(change)

    def _look_at_delete(self, change: Delete) -> None:
        stored = self.gateway.objects[change.ref]
        key = key_of(stored.body)
        since, why = self._reason(key, change.ref)
        if (not why or self.told.crd_read < since) and not self._has_noticed():
            return  # there was a reason in the history before, and nobody has told yet that this is another one
        if self.told.crd_read < since and self.is_starved() and self.now() < since + _ONE_PLAN:
            return  # it may not have taken yet what a list has told, and go by a reason from before
        if not why:
            heard = self.told.heard.get(key)
            self.breaches.append(f"{change}: nothing asks for that; last heard at version {heard and heard.version}")
        elif self.told.crd_read < since:
            self.breaches.append(f"{change}: by {why}, and the CRD was not read since")
        elif why == "two lists":
            self.unexplained.add(key)
            if len(self.unexplained) > max(MANY, SHARE * self.owned):
                self.breaches.append(f"{change}: the {len(self.unexplained)}th of {self.owned}, without a brake")

    def _has_noticed(self) -> bool:
        """Whether the operator has had the time to notice that it is told of another history, if it is."""
        return self.now() > self.unsure_until

    def _reason(self, key: Key, ref: ObjectRef) -> tuple[float, str]:
        """Since when there is a reason to delete, and which."""
        told, stored = self.told, self.gateway.objects[ref]
        seen = told.heard.get(key)
        if is_denied(seen):
            return told.since[key], "policy"
        if key in told.ended:
            return told.gone.get(key, NEVER), "a delete event"
        if seen is not None and seen.entry is not None and (ref in self.withdrawn or self._doubles(key, ref)):
            self.withdrawn.add(ref)  # until it is done, though the other one may be gone by then
            return NEVER, "a double"
        if (ref, stored.create_time) in self.confirmed:
            return NEVER, "the token"
        if ref.kind is Kind.UPSTREAM and not self._is_named(ref):
            return NEVER, "no Route names it"
        missing = told.missing_since(key)
        return (NEVER, "") if missing is None else (missing, "two lists")

    def _is_named(self, ref: ObjectRef) -> bool:
        """Whether a Route of ours names an Upstream, as far as the operator was not told otherwise."""
        objects, told = self.gateway.objects, self.told
        routes = (other for other in filter(self.gateway.is_owned, objects) if ref.id in named_by(objects[other].body))
        unsure = {None, UNKNOWN}
        return any(told.digests.get(one) in unsure or told.bodies.get(one) == objects[one].body for one in routes)

    def _doubles(self, key: Key, ref: ObjectRef) -> bool:
        """Whether another one serves the same, or is about to."""
        body = self.gateway.objects[ref].body
        paths = [path.encode() for _, path in served_by(body)]
        others = [seen.entry.spec for other, seen in self.told.heard.items() if other != key and seen.entry]
        asks = any(path in spec for path in paths for spec in others)
        return asks or any(
            other != ref and meet(body, known) and key_of(known) != key for other, known in self.told.bodies.items()
        )

    def _look_at_put(self, change: Put) -> None:
        ref, body = change.ref, dict(change.body)
        before = self.gateway.objects.get(ref)
        # A plan with several writes may be under way while a list tells of the last of them.
        plan = _ONE_PLAN if ref.kind is Kind.UPSTREAM else 0.0
        told = self.told.told_at.get(ref, NEVER) + plan <= self.now()
        if before is not None and before.body == body and told and self._was_told(ref, body):
            self.breaches.append(f"{change}: that is there, and the operator was told so")
        for upstream in named_by(body):
            if self.told.digests.get(ObjectRef(Kind.UPSTREAM, upstream), ABSENT) is ABSENT:
                self.breaches.append(f"{change}: it names {upstream}, which is not there, and the operator was told so")
        if not self._has_noticed():
            return  # what it knows of the others may be of the history before
        for other, stored in self.gateway.objects.items():
            if other == ref or not meet(body, stored.body) or not self._was_told(other, stored.body):
                continue
            if before is not None and meet(before.body, stored.body):
                continue  # both serve that already
            holder = key_of(stored.body)
            seen = self.told.heard.get(holder)
            # What an EchoRoute has left that was gone keeps nobody out, nor does what somebody else has put there.
            left = holder in self.told.reborn or other in self.told.drifted
            if seen is not None and seen.entry is not None and not left and not gives_up(holder, seen.entry, body):
                self.breaches.append(f"{change}: {other} serves that, and the operator was told so")

    def _was_told(self, ref: ObjectRef, body: JsonObject) -> bool:
        """Whether the last answer about an object said that it is so."""
        return self.told.bodies.get(ref) == body and self.told.digests.get(ref) is not UNKNOWN

    def look_at_status(self, key: Key, uid: str, status: JsonObject) -> None:
        """The operator is about to patch the status of a life of an EchoRoute."""
        raw, heard = self.cluster.objects.get(key), self.told.heard.get(key)
        found = EchoRouteObject.from_raw(raw or {})
        if raw is None or found.uid != uid or heard is None or heard.entry is None:
            return
        before, has_heard = json.loads(heard.entry.status), self._has_noticed() and key not in self.told.taken_for_old
        if has_heard and all(before.get(name) == value for name, value in status.items()):
            self.breaches.append(f"{key}: a patch that changes nothing")
        said, was_said = condition(status, "Programmed"), _confirmed(before) == found.generation
        if status.get("observedGeneration") != found.generation:
            return
        if said == "True/Programmed" and not was_said:
            self._look_at_programmed(key, found)
        elif said.partition("/")[2] in OUTAGE and was_said and has_heard and not self.told.is_lost(key):
            # What was confirmed of a generation stays, whatever is tried in vain, until a list shows that it is gone.
            self.breaches.append(f"{key}: was Programmed=True, and is repainted to {said}")

    def _look_at_programmed(self, key: Key, found: EchoRouteObject) -> None:
        since = self.born.get((found.uid, found.generation), 0.0)
        asked = asked_of(self.cluster, key)
        if asked is None or not all(self.told.has_said(ref, said, since) for ref, said in asked.digests.items()):
            self.breaches.append(f"{key}: Programmed=True, and no answer of the gateway has said so")


def _confirmed(status: JsonObject) -> JsonValue:
    """The generation of which a status says that the gateway has it."""
    is_programmed = condition(status, "Programmed") == "True/Programmed"
    same = status.get("observedGeneration") == status.get("programmedGeneration")
    return status.get("programmedGeneration") if is_programmed and same else None


def condition(status: JsonObject, type_: str) -> str:
    """Status and reason of a condition."""
    conditions: JsonValue = status.get("conditions")
    for item in conditions if isinstance(conditions, list) else ():
        if isinstance(item, dict) and item.get("type") == type_:
            return f"{item.get('status')}/{item.get('reason')}"
    return ""
