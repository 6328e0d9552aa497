"""What every EchoRoute asks for, evaluated: the desired side that the lanes work from. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pydantic_core import from_json

from echoroute.core.claims import Claim
from echoroute.core.conflicts import Claims
from echoroute.core.evaluate import Evaluation, claim, evaluate
from echoroute.core.facts import Failed, Programmed, Refusal
from echoroute.core.inputs import Input, Inputs, resolve
from echoroute.core.objects import Bundle, JsonObject, Key
from echoroute.core.plan import NOTHING, Absent, Desired, Keep, Present, Wanted
from echoroute.core.policy import Policy
from echoroute.core.reasons import Reason
from echoroute.core.seen import Entry
from echoroute.engine.progress import Progress
from echoroute.engine.queue import Priority
from echoroute.engine.route import Route
from echoroute.engine.store import Transition
from echoroute.engine.uses import Uses

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""When EchoRoutes that are gone were made: nobody knows."""


@dataclass(slots=True)
class Impact:
    """The keys that a transition makes dirty for the gateway, and those whose status alone may change."""

    gateway: set[Key] = field(default_factory=set)
    status: set[Key] = field(default_factory=set)


class Table:
    """The routes by key, and the verdicts on their claims."""

    def __init__(self, *, owner: str, policy: Policy, inputs: Inputs, progress: Progress) -> None:
        self._inputs = inputs
        self._progress = progress
        self._owner = owner
        self._policy = policy
        self._routes: dict[Key, Route] = {}
        self.claims = Claims()
        self.uses = Uses()
        """Of inputs, and of backends that get no requests, which are counted all the same."""
        self.weighted = 0
        """How many Upstreams have nodes of unequal weights."""

    def __len__(self) -> int:
        return len(self._routes)

    def get(self, key: Key) -> Route | None:
        return self._routes.get(key)

    def items(self) -> Iterator[tuple[Key, Route]]:
        return iter(self._routes.items())

    def seed(self, served: Mapping[Key, JsonObject]) -> None:
        """Take the Routes that the gateway holds, once, at the start: who serves a host and path keeps it."""
        serving = {
            key: found
            for key, body in served.items()
            if (route := self._routes.get(key)) and (found := claim(body, route.entry.created))
        }
        for key in served.keys() - self._routes.keys():
            if left := claim(served[key], _EPOCH):
                self.claims.leave(key, left)
        lost = (key for key in self._routes if key not in served)
        in_question = set(filter(self.claims.undecided, self._routes))
        in_question |= {key for key, found in serving.items() if self.claims.asks_for_else(key, found)}
        self.claims.seed(
            serving,
            programmed={key for key in lost if self._routes[key].entry.is_programmed()},
            accepted={key for key in in_question if self._routes[key].entry.is_accepted()},
        )

    def claimed(self, key: Key) -> Claim | None:
        """What a change of the key's Route brings the gateway to serve; None for nothing."""
        return self.claims.accepted(key) if self.refusal(key) is None else None

    def send(self, key: Key, claim: Claim | None) -> set[Key]:
        """A change of the Route goes out that brings the gateway to serve this; gives the others judged anew."""
        return self._judged_anew(self.claims.send(key, claim))

    def refused(self, key: Key) -> set[Key]:
        """The gateway has refused what was sent; gives the others that are judged anew."""
        return self._judged_anew(self.claims.refused(key))

    def serves(self, key: Key, claim: Claim | None, *, made: bool = False) -> set[Key]:
        """The gateway holds this of the key, or (None) nothing; gives the others whose turn it is.

        It is the key's own turn, too, where it is kept and serves what is another one's by now: it is withdrawn.
        """
        changed = self.claims.serves(key, claim, made=made)
        if claim is not None and self.claims.is_double(key, claim):
            changed.add(key)
        return self._judged_anew(changed) | (self.claims.offers.of(claim) - {key})

    def holds_nothing(self, key: Key) -> set[Key]:
        """The gateway holds no Route of the key; gives the others whose turn it is.

        What the key served, and does not ask for or cannot have, is free; what it asks for and has served it has still.
        """
        return self.serves(key, self.claims.outlasting(key))

    def offer(self, key: Key) -> set[Key]:
        """The key is about to give up what it does not ask for any more; gives the others that get some of it.

        Its write may be rejected, and then it serves on: only those get some now that were not told yet that they lost.
        It is certain that one goes which is deleted: whoever waits gets what it offers.
        """
        goes = key not in self._routes
        return self._judged_anew(self.claims.offer(key, lambda taker: goes or not self._is_told_of_conflict(taker)))

    def end_offer(self, key: Key) -> set[Key]:
        """Nobody else gets what the key gives up before the gateway has followed; gives those that are judged anew."""
        return self._judged_anew(self.claims.end_offer(key))

    def _is_told_of_conflict(self, key: Key) -> bool:
        route = self._routes.get(key)
        return route is not None and route.entry.is_told_of_conflict()

    def serves_as_listed(self, key: Key, route: JsonObject) -> set[Key]:
        """The gateway holds this Route of a key that is kept or in doubt; gives the others that are judged anew."""
        found = claim(route, self._routes[key].entry.created)
        others = self.serves(key, found)
        if (refusal := self.refusal(key)) is None or refusal.keeps:
            others |= self._judged_anew(self.claims.take_back(key))
        return others

    def judge_what_stands(self, key: Key, route: JsonObject) -> set[Key]:
        """The gateway holds this Route, which is not what the key asks for; gives the key where policy withdraws it."""
        refused, stands = self._policy.refusal_of_kept(route), self._routes[key]
        if refused is None:
            return set()
        is_news, stands.refused_by_now = stands.refused_by_now is None, stands.refused_by_now or refused
        return self._judged_anew({key}) if is_news and self.refusal(key) is not None else {key}

    def withdrawal(self, key: Key) -> str:
        """What is told beside why nothing replaces what stands, where policy withdraws that; empty where it stays."""
        route = self._routes.get(key)
        refused = route.refused_by_now if route is not None else None
        return f"; what served until now is withdrawn: {refused}" if refused is not None else ""

    def abandon(self, key: Key) -> set[Key]:
        """What the gateway holds of a key that is gone keeps nobody out; gives the others that are judged anew."""
        return self._judged_anew(self.claims.abandon(key))

    def take(self, transition: Transition) -> Impact:
        """Follow a change of the store."""
        key, after = transition.key, transition.after
        route = self._routes.get(key)
        if after is None:
            self._drop(key)
            self._progress.end(key)
            return Impact(gateway={key} | self._want(key, None, keeps=False))
        if route is not None and after.same_spec(route.entry):
            route.entry = after
            return Impact(status={key})
        others = self._judged_anew(self.claims.come_again(key, after.created)) if route is None else set[Key]()
        self._drop(key)
        evaluation = self._evaluate(key, after)
        self._add(key, after, evaluation)
        keeps = evaluation.refusal is not None and evaluation.refusal.keeps
        return Impact(gateway={key} | others | self._want(key, evaluation.claim, keeps=keeps))

    def _want(self, key: Key, claim: Claim | None, *, keeps: bool) -> set[Key]:
        """What a key asks for, put or taken back; gives the others that are judged anew."""
        self._touch_tied(key)
        others = self._judged_anew(self.claims.want(key, claim, keeps=keeps))
        self._touch_tied(key)
        return others

    def _add(self, key: Key, entry: Entry, evaluation: Evaluation) -> None:
        bundle = evaluation.bundle
        resolution = resolve(evaluation.inputs, self._inputs)
        self._routes[key] = Route(
            entry=entry,
            refusal=evaluation.refusal,
            route_id=evaluation.route_id,
            backends=evaluation.backends,
            services=evaluation.services,
            enabled=evaluation.enabled,
            notes=evaluation.notes,
            inputs=evaluation.inputs,
            resolution=resolution,
            wanted=Wanted.of(bundle.with_nodes(resolution.nodes)) if bundle else NOTHING,
            resolved=(bundle or Bundle(evaluation.route_id, {})).resolved_part(),
            bundle=bundle,
        )
        self.weighted += self._routes[key].weighted
        self._progress.begin(key)
        self.uses.add(key, (mention.selection for mention in evaluation.backends))

    def _drop(self, key: Key) -> None:
        route = self._routes.pop(key, None)
        self.weighted -= route.weighted if route else 0
        self.uses.drop(key, (mention.selection for mention in route.backends) if route else ())

    def refresh(self, inputs: Iterable[Input]) -> set[Key]:
        """Inputs may have other values; gives the keys that ask for something else now, or need not wait for them."""
        changed = set[Key]()
        for key in {key for input_ in inputs for key in self.uses.of(input_)}:
            route = self._routes[key]
            self.weighted -= route.weighted
            before, route.resolution = route.resolution, resolve(route.inputs, self._inputs)
            self.weighted += route.weighted
            has_other_nodes = route.resolution.nodes != before.nodes
            if has_other_nodes:
                route.wanted = route.wanted.with_part(route.resolved.with_nodes(route.resolution.nodes))
            if route.resolution.refusal != before.refusal:
                changed |= self._judged_anew({key})
            elif has_other_nodes or (route.resolution != before and self._progress.outcome(key) is None):
                changed.add(key)
        return changed

    def _judged_anew(self, keys: set[Key]) -> set[Key]:
        for key in keys & self._routes.keys():  # one that is gone has no revision, whatever it has left
            self._progress.begin(key)
            self._touch_tied(key)
        return keys

    def _touch_tied(self, key: Key) -> None:
        """The statuses of younger ones may name the key as one that they tie with."""
        for other in self.claims.ties.behind(key) if self.seeded else ():
            self._progress.touch(other)

    def rewrites(self, key: Key) -> bool:
        """Whether the key's spec has a rewrite, which becomes a plugin of its Route."""
        route = self._routes.get(key)
        spec = from_json(route.entry.spec) if route is not None else None
        return isinstance(spec, dict) and spec.get("rewrite") is not None

    def note(self, key: Key) -> str:
        """What its owner should know of an accepted EchoRoute; empty for nothing."""
        route, tie = self._routes.get(key), self.claims.ties.of(key)
        return "; ".join((*(route.notes if route else ()), *([str(tie)] if tie else [])))

    def refusal(self, key: Key) -> Refusal | None:
        """Why the key's spec is not accepted: on its own account, or because of a conflict."""
        route = self._routes.get(key)
        conflict = self.claims.conflict(key)
        if route is None:
            return None
        lost = Refusal(Reason.CONFLICTED, str(conflict)) if conflict else None
        refusal = route.refusal or lost or route.resolution.refusal
        if refusal is None:
            return None
        if withdrawal := self.withdrawal(key):
            return replace(refusal, message=f"{refusal.message}{withdrawal}", withdraws=True)
        return replace(refusal, withdraws=True) if self.claims.serves_double(key) else refusal

    @property
    def seeded(self) -> bool:
        """Whether it is known what the gateway holds."""
        return self.claims.seeded

    def contended(self, key: Key) -> bool:
        """Whether nobody knows yet who has what the key claims: that depends on what the gateway holds."""
        return self.claims.undecided(key)

    def desired(self, key: Key) -> Desired:
        """What the gateway is to hold for the key."""
        route = self._routes.get(key)
        if route is None:
            return Absent()
        refusal = self.refusal(key)
        if refusal is not None:
            return Keep() if refusal.keeps else Absent()
        resolution = route.resolution
        bundle = self._bundle(key, route).with_nodes(resolution.nodes)
        return Present(bundle, route.wanted, waits=resolution.waits)

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
            if self.refusal(key) is None:
                route.refused_by_now = None  # it is replaced

    def wanted(self, key: Key, route: Route) -> Wanted | None:
        """What the gateway is to hold, by digests: cheap enough for all keys in each round. None: whatever it holds."""
        refusal = self.refusal(key)
        if refusal is None:
            return route.wanted
        return None if refusal.keeps else NOTHING
