"""Which EchoRoute has a host and path when several claim them: who serves it, else the older one, else by name.

Two claims conflict when some pair (host, path) of theirs is equal: in different namespaces always, since no number,
method or condition may take another team's traffic; within one where priorities and conditions are equal and methods
intersect. A claim that loses is refused whole and holds nothing, so that a third one that conflicts with it alone is
served.

What a key *serves* is what the gateway was seen to hold, or has confirmed; what is *accepted* is on its way there. Both
are held. Nothing that serves is given up for a claim that loses, or for a spec that cannot be used.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from echoroute.core.objects import Key

ANY_HOST = ""
Pair = tuple[str, str]
"""Host (`ANY_HOST` for none) and path."""


def shown(pair: Pair) -> str:
    """A host and path as one text."""
    host, path = pair
    return path if host == ANY_HOST else host + path


@dataclass(frozen=True, slots=True)
class Claim:
    """What one EchoRoute asks for. `methods` is empty where the route takes all of them."""

    created: datetime
    pairs: tuple[Pair, ...]
    priority: int
    methods: frozenset[str]
    conditions: bytes
    """Their normal form (`core.alike`)."""
    either: bool = False
    """Whether it stands for one of two claims, and nobody knows which: it meets all that have a pair of theirs."""

    def overlaps(self, other: "Claim") -> bool:
        """Whether two claims of one namespace meet where they have a pair in common."""
        if self.either or other.either:
            return True
        return self.conditions == other.conditions and self.ties(other)

    def ties(self, other: "Claim") -> bool:
        """Whether some request is taken by both, as far as methods and priority say, and the gateway may choose."""
        if self.priority != other.priority:
            return False
        return not self.methods or not other.methods or not self.methods.isdisjoint(other.methods)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A lost conflict: the first pair that both claim, and who has it."""

    winner: Key
    pair: Pair
    older: bool
    withdraw: bool = False
    """Whether both were found to serve it, so that one has to go."""

    def __str__(self) -> str:
        older = ", which is older" if self.older else ""
        return (
            f"{shown(self.pair)} belongs to EchoRoute {self.winner}{older}: "
            "change spec.match.hosts or spec.match.paths, or have the other one give it up"
        )


@dataclass(frozen=True, slots=True)
class Tie:
    """The oldest EchoRoute with an equal pair and priority under other conditions, and the first such pair."""

    other: Key
    pair: Pair
    priority: int

    def __str__(self) -> str:
        return (
            f"EchoRoute {self.other} has {shown(self.pair)} at the same priority {self.priority}: where the conditions "
            "of both hold either may answer; set spec.match.priority"
        )


class Claims:
    """All claims, and the verdict on each. A change re-judges those alone that wait for one of its pairs."""

    def __init__(self) -> None:
        self._wanted: dict[Key, Claim] = {}
        self._accepted: dict[Key, Claim] = {}
        self._serving: dict[Key, Claim] = {}
        self._lost: dict[Key, Conflict] = {}
        self._holders: dict[Pair, tuple[Key, ...]] = {}
        self._waiters: dict[Pair, set[Key]] = {}
        self._left: dict[Key, Claim] = {}
        self._doubles: set[Key] = set()
        """Those that were found to serve what another one serves, too, until something else of theirs is known."""
        self.seeded = False
        """Whether it is known what the gateway serves."""

    def conflict(self, key: Key) -> Conflict | None:
        """What the key lost against, or None where its claim stands (or there is none)."""
        return self._lost.get(key)

    def accepted(self, key: Key) -> Claim | None:
        """The claim that a write of the key brings into the gateway."""
        return self._accepted.get(key)

    def tie(self, key: Key) -> Tie | None:
        """The oldest that a key ties with, if one is older. Both are served, and the gateway chooses between them."""
        claim = self._accepted.get(key)
        if claim is None:
            return None
        ties = (
            (other, pair) for pair in claim.pairs if (other := next(self._tied(key, claim, pair, older=True), None))
        )
        oldest = min(ties, key=lambda tie: self._age_of(tie[0]), default=None)
        return Tie(*oldest, claim.priority) if oldest else None

    def tied_behind(self, key: Key) -> set[Key]:
        """The younger ones that a key ties with."""
        claim = self._accepted.get(key)
        if claim is None:
            return set()
        return {other for pair in claim.pairs for other in self._tied(key, claim, pair, older=False)}

    def _tied(self, key: Key, claim: Claim, pair: Pair, *, older: bool) -> Iterator[Key]:
        """Those that a key ties with on a pair, the oldest first."""
        holders = self._holders.get(pair, ())
        place = bisect_left(holders, self._age_of(key), key=self._age_of)
        for other in holders[:place] if older else holders[place:]:
            theirs = self._accepted.get(other)
            if other != key and other.namespace == key.namespace and theirs is not None and claim.ties(theirs):
                yield other

    def undecided(self, key: Key) -> bool:
        """Whether it depends on what the gateway holds, which is not known yet, who has what the key claims."""
        if self.seeded or key not in self._wanted:
            return False
        return any(len(self._holders.get(pair, ())) > 1 for pair in self._wanted[key].pairs)

    def forget_serving(self) -> None:
        """It is not known any more what the gateway serves: until `seed`, every claim is accepted."""
        self.seeded = False
        for known in (self._serving, self._lost, self._waiters, self._left, self._doubles, self._holders):
            known.clear()
        self._accepted = dict(self._wanted)
        for key, claim in self._wanted.items():
            self._hold(key, claim)

    def seed(self, serving: Mapping[Key, Claim], programmed: Collection[Key]) -> None:
        """Take what the gateway was found to serve, and judge all claims, once.

        `programmed` are keys whose status says that this generation serves: of a gateway that lost its routes nobody
        gets what was theirs.
        """
        self.seeded = True
        self._holders = {}
        self._accepted.clear()
        for key, claim in sorted(serving.items(), key=_age):
            if self._first_conflict(key, claim) is None:
                self._serving[key] = claim
                self._hold(key, claim)
            else:
                self._doubles.add(key)
        for key, claim in sorted(self._wanted.items(), key=_age):
            if key in programmed and key not in serving and self._first_conflict(key, claim) is None:
                self._serving[key] = claim
                self._hold(key, claim)
        for key, claim in sorted(self._wanted.items(), key=_age):
            self._judge(key, claim)

    def want(self, key: Key, claim: Claim | None) -> set[Key]:
        """Put, replace or (None) take back what a key asks for; gives the *other* keys whose verdict changed.

        What it serves it holds on, until it serves something else (`serves`) or nothing (`release`).
        """
        self._forget_loss(key)
        if claim is None:
            self._wanted.pop(key, None)
            return self._rejudge(self._replace(key, accepted=None, serving=self._serving.get(key)))
        self._wanted[key] = claim
        if not self.seeded:
            return self._rejudge(self._replace(key, accepted=claim, serving=None))
        return self._rejudge(self._judge(key, claim))

    def serves(self, key: Key, claim: Claim) -> set[Key]:
        """The gateway has confirmed a claim of the key; gives the others whose verdict changed."""
        self._doubles.discard(key)
        if self._serving.get(key) == claim:
            return set()
        return self._rejudge(self._replace(key, accepted=self._accepted.get(key), serving=claim))

    def may_serve(self, key: Key, claim: Claim) -> None:
        """A write of the key had no answer: it serves the claim or what it served before, and holds both."""
        before = self._serving.get(key)
        if before is not None and before != claim:
            pairs = tuple(dict.fromkeys((*before.pairs, *claim.pairs)))
            claim = replace(claim, pairs=pairs, either=True)
        self._replace(key, accepted=self._accepted.get(key), serving=claim)

    def release(self, key: Key) -> set[Key]:
        """Nothing of the key is in the gateway any more; gives the others whose verdict changed."""
        self._doubles.discard(key)
        self._left.pop(key, None)
        if key not in self._serving:
            return set()
        return self._rejudge(self._replace(key, accepted=self._accepted.get(key), serving=None))

    def leave(self, key: Key, claim: Claim) -> None:
        """Of an EchoRoute that is gone the gateway serves this still: it keeps nobody out."""
        self._left[key] = claim

    def abandon(self, key: Key) -> set[Key]:
        """The EchoRoute is gone, and what it has left may not be deleted; gives the others whose verdict changed."""
        left = self._serving.get(key)
        changed = self.release(key)
        if left is not None:
            self.leave(key, left)
        return changed

    def come_again(self, key: Key, created: datetime) -> None:
        """An EchoRoute is there: what one of its name has left serves it, unless another one has of that by now."""
        left = self._left.pop(key, None)
        if left is None:
            return
        if self._first_conflict(key, left) is None:
            self._replace(key, accepted=self._accepted.get(key), serving=replace(left, created=created))
        else:
            self._doubles.add(key)

    def serves_double(self, key: Key) -> bool:
        """Whether what the gateway holds of the key serves what another one has, too."""
        return key in self._doubles

    def _judge(self, key: Key, claim: Claim) -> set[Pair]:
        conflict = self._first_conflict(key, claim)
        if conflict is None:
            return self._replace(key, accepted=claim, serving=self._serving.get(key))
        self._lose(key, conflict)
        return self._replace(key, accepted=None, serving=self._serving.get(key))

    def _replace(self, key: Key, *, accepted: Claim | None, serving: Claim | None) -> set[Pair]:
        """Change what a key holds; gives the pairs of which somebody else may have some now."""
        before = [claim for claim in (self._accepted.pop(key, None), self._serving.pop(key, None)) if claim]
        if accepted is not None:
            self._accepted[key] = accepted
        if serving is not None:
            self._serving[key] = serving
        after = [claim for claim in (accepted, serving) if claim]
        if before == after:
            return set()
        for claim in before:
            self._let_go(key, claim)
        for claim in after:
            self._hold(key, claim)
        return {pair for claim in before for pair in claim.pairs}

    def _hold(self, key: Key, claim: Claim) -> None:
        alone = (key,)  # one tuple for all of its pairs
        for pair in claim.pairs:
            holders = self._holders.get(pair)
            if holders is None:
                self._holders[pair] = alone
            elif key not in holders:
                place = bisect_left(holders, self._age_of(key), key=self._age_of)
                self._holders[pair] = (*holders[:place], key, *holders[place:])

    def _let_go(self, key: Key, claim: Claim) -> None:
        for pair in claim.pairs:
            left = tuple(other for other in self._holders.get(pair, ()) if other != key)
            if left:
                self._holders[pair] = left
            else:
                self._holders.pop(pair, None)

    def _lose(self, key: Key, conflict: Conflict) -> None:
        self._lost[key] = conflict
        self._waiters.setdefault(conflict.pair, set()).add(key)

    def _forget_loss(self, key: Key) -> Conflict | None:
        conflict = self._lost.pop(key, None)
        if conflict is not None:
            waiters = self._waiters[conflict.pair]
            waiters.discard(key)
            if not waiters:
                del self._waiters[conflict.pair]
        return conflict

    def _rejudge(self, freed: Iterable[Pair]) -> set[Key]:
        """Judge those that wait for a pair, the oldest first; who gets one may give up others by and by, not now."""
        waiting = {key for pair in freed for key in self._waiters.get(pair, ())}
        changed = set()
        for key, claim in sorted(((key, self._wanted[key]) for key in waiting), key=_age):
            before = self._forget_loss(key)
            self._judge(key, claim)
            if self._lost.get(key) != before:
                changed.add(key)
        return changed

    def _first_conflict(self, key: Key, claim: Claim) -> Conflict | None:
        for pair in claim.pairs:
            for holder in self._holders.get(pair, ()):
                if holder != key and self._meets(key, claim, holder, pair):
                    return Conflict(holder, pair, self._is_older(holder, claim), withdraw=key in self._doubles)
        return None

    def _meets(self, key: Key, claim: Claim, holder: Key, pair: Pair) -> bool:
        if holder.namespace != key.namespace:
            return True
        theirs = (self._accepted.get(holder), self._serving.get(holder))
        return any(one is not None and pair in one.pairs and claim.overlaps(one) for one in theirs)

    def _age_of(self, key: Key) -> tuple[datetime, Key]:
        """By which the holders of a pair are in order."""
        return _age((key, self._accepted.get(key) or self._serving[key]))

    def _is_older(self, holder: Key, claim: Claim) -> bool:
        theirs = self._accepted.get(holder) or self._serving.get(holder)
        return theirs is not None and theirs.created < claim.created


def _age(item: tuple[Key, Claim]) -> tuple[datetime, Key]:
    return item[1].created, item[0]
