"""What every EchoRoute asks for, evaluated: the desired side that the lanes work from. No I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from echoroute.core.conflicts import Claim, Claims
from echoroute.core.evaluate import Evaluation, claim, evaluate
from echoroute.core.facts import Failed, Programmed, Refusal
from echoroute.core.objects import Bundle, JsonObject, Key, ObjectRef
from echoroute.core.plan import Absent, Desired, Digest, Keep, Present, digest
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.engine.discovery import Discovery
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Priority
from echoroute.engine.store import Transition


@dataclass(slots=True)
class Route:
    """One EchoRoute, evaluated."""

    entry: Entry
    refusal: Refusal | None
    route_id: str
    service: str
    enabled: bool
    digests: tuple[tuple[ObjectRef, Digest], ...]
    bundle: Bundle | None
    """Until the gateway has confirmed it; 10,000 of them would be a lot of memory to hold for nothing."""
    ready: tuple[str, str] = ("Unknown", "Pending")
    """Status and reason of the Ready condition as last computed, for the metrics."""


@dataclass(slots=True)
class Impact:
    """The keys that a transition makes dirty for the gateway, and those whose status alone may change."""

    gateway: set[Key] = field(default_factory=set)
    status: set[Key] = field(default_factory=set)
    services: bool = False
    """Whether the set of services in use may have changed."""


class Table:
    """The routes by key, and the verdicts on their claims."""

    def __init__(self, *, owner: str, policy: Policy, discovery: Discovery, progress: Progress) -> None:
        self._discovery = discovery
        self._progress = progress
        self._owner = owner
        self._policy = policy
        self._routes: dict[Key, Route] = {}
        self._claims = Claims()
        self._by_service: dict[str, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._routes)

    def get(self, key: Key) -> Route | None:
        return self._routes.get(key)

    def items(self) -> Iterator[tuple[Key, Route]]:
        return iter(self._routes.items())

    def services(self) -> set[str]:
        """The services in use."""
        return set(self._by_service)

    def using(self, service: str) -> frozenset[Key]:
        return frozenset(self._by_service.get(service, ()))

    def forget_gateway(self) -> None:
        """It is not known what the gateway holds, until `seed`."""
        self._claims.forget_serving()

    def seed(self, served: Mapping[Key, JsonObject]) -> None:
        """Take the Routes that the gateway holds, once, at the start: who serves a host and path keeps it."""
        serving = {
            key: found
            for key, body in served.items()
            if (route := self._routes.get(key)) and (found := claim(body, route.entry.created))
        }
        lost = (key for key in self._routes if key not in served)
        self._claims.seed(serving, {key for key in lost if self._routes[key].entry.is_programmed()})

    def claimed(self, key: Key) -> Claim | None:
        """What a write of the key brings the gateway to serve."""
        return self._claims.accepted(key)

    def may_serve(self, key: Key, claim: Claim) -> None:
        """A write that brings the gateway to serve this had no answer."""
        self._claims.may_serve(key, claim)

    def serves(self, key: Key, claim: Claim | None) -> set[Key]:
        """The gateway holds this of the key, or (None) nothing; gives the others that are judged anew."""
        return self._judged_anew(self._claims.serves(key, claim) if claim else self._claims.release(key))

    def take(self, transition: Transition) -> Impact:
        """Follow a change of the store."""
        key, after = transition.key, transition.after
        route = self._routes.get(key)
        if after is None:
            self._drop(key)
            self._progress.end(key)
            return Impact(gateway={key} | self._judged_anew(self._claims.want(key, None)), services=True)
        if route is not None and after.same_spec(route.entry):
            route.entry = after
            return Impact(status={key})
        self._drop(key)
        evaluation = self._evaluate(key, after)
        self._add(key, after, evaluation)
        return Impact(gateway={key} | self._judged_anew(self._claims.want(key, evaluation.claim)), services=True)

    def _add(self, key: Key, entry: Entry, evaluation: Evaluation) -> None:
        bundle = evaluation.bundle
        self._routes[key] = Route(
            entry=entry,
            refusal=evaluation.refusal,
            route_id=evaluation.route_id,
            service=evaluation.service,
            enabled=evaluation.enabled,
            digests=tuple((ref, digest(body)) for ref, body in bundle.objects.items()) if bundle else (),
            bundle=bundle,
        )
        self._progress.begin(key)
        if evaluation.service:
            self._by_service.setdefault(evaluation.service, set()).add(key)

    def _drop(self, key: Key) -> None:
        route = self._routes.pop(key, None)
        if route is not None and route.service:
            users = self._by_service[route.service]
            users.discard(key)
            if not users:
                del self._by_service[route.service]

    def _judged_anew(self, keys: set[Key]) -> set[Key]:
        for key in keys:
            self._progress.begin(key)
        return keys

    def refusal(self, key: Key) -> Refusal | None:
        """Why the key's spec is not accepted: on its own account, or because of a conflict."""
        route = self._routes.get(key)
        conflict = self._claims.conflict(key)
        if route is None or route.refusal is not None:
            return route.refusal if route else None
        if conflict is not None:
            return Refusal(Reason.CONFLICTED, str(conflict), withdraws=conflict.withdraw)
        forbidden = self._discovery.forbidden(route.service)
        return Refusal(Reason.FORBIDDEN_ADDRESS, _forbidden(route.service, forbidden)) if forbidden else None

    def undecided(self, key: Key) -> bool:
        """Whether the key's route may not be written yet: its service may have a forbidden address."""
        route = self._routes.get(key)
        return route is not None and route.refusal is None and self._discovery.undecided(route.service)

    @property
    def seeded(self) -> bool:
        """Whether it is known what the gateway holds."""
        return self._claims.seeded

    def contended(self, key: Key) -> bool:
        """Whether nobody knows yet who has what the key claims: that depends on what the gateway holds."""
        return self._claims.undecided(key)

    def judge_anew(self, service: str) -> set[Key]:
        """The verdict on the addresses of a service is another one; gives the keys that use it."""
        return self._judged_anew(set(self.using(service)))

    def unsettled(self, service: str) -> set[Key]:
        """The keys that use a service, of which the gateway has not confirmed what they ask for."""
        return {key for key in self.using(service) if self._progress.outcome(key) is None}

    def desired(self, key: Key) -> Desired:
        """What the gateway is to hold for the key."""
        route = self._routes.get(key)
        if route is None:
            return Absent()
        refusal = self.refusal(key)
        if refusal is not None:
            return Keep() if refusal.keeps else Absent()
        return Present(self._bundle(key, route))

    def _bundle(self, key: Key, route: Route) -> Bundle:
        if route.bundle is None:
            route.bundle = self._evaluate(key, route.entry).bundle
        if route.bundle is None:
            raise RuntimeError(f"EchoRoute {key} was accepted and is not any more: evaluation is not a function")
        return route.bundle

    def _evaluate(self, key: Key, entry: Entry) -> Evaluation:
        return evaluate(key, entry, owner=self._owner, policy=self._policy)

    def settle(self, key: Key, revision: int, outcome: Programmed | Failed, priority: Priority) -> None:
        """The gateway has answered a revision: its bundle need not be held any longer."""
        route = self._routes.get(key)
        if self._progress.settle(key, revision, outcome, priority) and route and isinstance(outcome, Programmed):
            route.bundle = None

    def digests(self, key: Key, route: Route) -> Mapping[ObjectRef, Digest] | None:
        """What the gateway is to hold, by digests: cheap enough for all keys in each round. None: whatever it holds."""
        refusal = self.refusal(key)
        if refusal is None:
            return dict(route.digests)
        return None if refusal.keeps else {}


def _forbidden(service: str, instance: str) -> str:
    return (
        f"service {service!r} has an instance at an address that the platform forbids: {instance}; "
        "register it elsewhere in Consul, or ask for another ECHOROUTE_FORBIDDEN_ADDRESSES"
    )
