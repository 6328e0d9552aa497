"""Which EchoRoute has a host and path when several claim them: who serves it, else the older one, else by name.

Two claims conflict when some pair (host, path) of theirs is equal: in different namespaces always, since no number,
method or condition may take another team's traffic; within one where priorities and conditions are equal and methods
intersect. A claim that loses is refused whole and holds nothing, so that a third one that conflicts with it alone is
served.

What a key *serves* is what the gateway was seen to hold, or has confirmed; what is *accepted* is on its way there. Both
are held. Nothing that serves is given up for a claim that loses, or for a spec that cannot be used.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from echoroute.core.claims import Claim, Conflict, Pair, Tie, age
from echoroute.core.holders import Holders
from echoroute.core.objects import Key
from echoroute.core.offers import Offers

_MOST_LOOKS = 64
"""At others' conditions, to find one that a claim ties with: of thousands on one path each may exclude all others."""


class Claims:
    """All claims, and the verdict on each. A change re-judges those alone that wait for one of its pairs."""

    def __init__(self) -> None:
        self._wanted: dict[Key, Claim] = {}
        self._held = Holders()
        self.offers = Offers(self._held)
        self._lost: dict[Key, Conflict] = {}
        self._waiters: dict[Pair, set[Key]] = {}
        self._left: dict[Key, Claim] = {}
        self._unsure: set[Key] = set()
        """Those of which a write had no answer."""
        self._doubles: set[Key] = set()
        """Those that were found to serve what another one serves, too, until something else of theirs is known."""
        self.seeded = False
        """Whether it is known what the gateway serves."""

    def conflict(self, key: Key) -> Conflict | None:
        """What the key lost against, or None where its claim stands (or there is none)."""
        return self._lost.get(key)

    def accepted(self, key: Key) -> Claim | None:
        """The claim that a write of the key brings into the gateway."""
        return self._held.accepted.get(key)

    def tie(self, key: Key) -> Tie | None:
        """The oldest that a key ties with, if one is older. Both are served, and the gateway chooses between them."""
        claim = self._held.accepted.get(key)
        if claim is None:
            return None
        looks = iter(range(_MOST_LOOKS))
        pairs = (pair for pair in claim.pairs if not self._held.alone(claim, pair))
        ties = ((other, pair) for pair in pairs if (other := self._oldest_tied(key, claim, pair, looks)))
        oldest = min(ties, key=lambda tie: self._held.age(tie[0]), default=None)
        return Tie(*oldest, claim.priority) if oldest else None

    def _oldest_tied(self, key: Key, claim: Claim, pair: Pair, looks: Iterator[int]) -> Key | None:
        for other, _ in zip(self._tied(key, claim, pair, 0), looks, strict=False):
            if not claim.demands.exclude(self._held.accepted[other].demands):
                return other
        return None

    def tied_behind(self, key: Key) -> set[Key]:
        """The younger ones whose tie the key may be, or hide."""
        claim = self._held.accepted.get(key)
        if claim is None:
            return set()
        return {other for pair in claim.pairs for other in self._tied(key, claim, pair, 1)}

    def _tied(self, key: Key, claim: Claim, pair: Pair, side: int) -> Iterator[Key]:
        """Those of a key's namespace with a pair and its priority: the older ones (0), or the younger (1)."""
        for other in self._held.around(key, pair)[side]:
            theirs = self._held.accepted.get(other)
            if other.namespace == key.namespace and theirs and pair in theirs.pairs and claim.ties(theirs):
                yield other

    def undecided(self, key: Key) -> bool:
        """Whether it depends on what the gateway holds, which is not known yet, who has what the key claims."""
        if self.seeded or key not in self._wanted:
            return False
        return any(len(self._held.of(pair)) > 1 for pair in self._wanted[key].pairs)

    def forget_serving(self) -> None:
        """It is not known any more what the gateway serves: until `seed`, every claim is accepted."""
        self.seeded = False
        for known in (self._lost, self._waiters, self._left, self._unsure, self._doubles):
            known.clear()
        self._hold_nothing()
        for key, claim in self._wanted.items():
            self._held.replace(key, accepted=claim, serving=None)

    def seed(self, serving: Mapping[Key, Claim], programmed: Collection[Key]) -> None:
        """Take what the gateway was found to serve, and judge all claims, once.

        `programmed` are keys whose status says that this generation serves: of a gateway that lost its routes nobody
        gets what was theirs.
        """
        self.seeded = True
        self._hold_nothing()
        # What its spec asks for no more comes last: who got it may be there already.
        for key, claim in sorted(serving.items(), key=lambda item: (self._asks_for_less(*item), age(item))):
            if self._first_conflict(key, claim) is None:
                self._held.replace(key, accepted=None, serving=claim)
            else:
                self._doubles.add(key)
        for key, claim in sorted(self._wanted.items(), key=age):
            if key in programmed and key not in serving and self._first_conflict(key, claim) is None:
                self._held.replace(key, accepted=None, serving=claim)
        for key, claim in sorted(self._wanted.items(), key=age):
            self._judge(key, claim)

    def _asks_for_less(self, key: Key, claim: Claim) -> bool:
        wanted = self._wanted.get(key)
        return wanted is not None and not set(claim.pairs).issubset(wanted.pairs)

    def _hold_nothing(self) -> None:
        self._held = Holders()
        self.offers = Offers(self._held)

    def want(self, key: Key, claim: Claim | None, *, keeps: bool = False) -> set[Key]:
        """Put, replace or (None) take back what a key asks for; gives the *other* keys whose verdict changed.

        What it serves it holds on, until it serves something else (`serves`) or nothing (`release`). Where it asks for
        nothing that can be used, `keeps` tells whether it serves on as it did; a claim that loses does, too.
        """
        self._forget_loss(key)
        self.offers.end(key)
        if claim is None:
            self._wanted.pop(key, None)
            freed = self._held.replace(key, accepted=None, serving=self._held.serving.get(key))
            return (self._take_back(key) if keeps else set()) | self._rejudge(freed)
        self._wanted[key] = claim
        if not self.seeded:
            return self._rejudge(self._held.replace(key, accepted=claim, serving=None))
        freed = self._judge(key, claim)
        return self._take_back(key) | self._rejudge(freed)

    def _take_back(self, key: Key) -> set[Key]:
        """Judge anew those that were let in on what the key serves and has again, and that do not serve it yet."""
        freed, lost = set[Pair](), set[Key]()
        has = self._held.accepted.get(key) or self._held.serving.get(key)
        for other in self._let_in(key, has) if has else ():
            lost |= self.tied_behind(other)  # their statuses may name it
            freed |= self._judge(other, self._wanted[other])
            lost |= {other} & self._lost.keys()
        return lost | self._rejudge(freed)

    def _let_in(self, key: Key, claim: Claim) -> list[Key]:
        """Those that are on their way to what the key claims and serves."""
        met = (
            other
            for pair in claim.pairs
            if self._surely_serves(key, pair)
            for other in self._held.rivals(key, claim, pair)
            if other in self._held.accepted and not self._surely_serves(other, pair)
        )
        return list(dict.fromkeys(met))

    def serves(self, key: Key, claim: Claim) -> set[Key]:
        """The gateway has confirmed a claim of the key; gives the others whose verdict changed."""
        self._doubles.discard(key)
        self._unsure.discard(key)
        if self._held.serving.get(key) == claim:
            return set()
        self.offers.end(key)
        return self._rejudge(self._held.replace(key, accepted=self._held.accepted.get(key), serving=claim))

    def is_double(self, key: Key, claim: Claim) -> bool:
        """Whether a key that is kept was found to serve what is another one's, which serves it, too: then it goes."""
        double = key not in self._held.accepted and any(
            other in self._held.accepted and self._surely_serves(other, pair)
            for pair in claim.pairs
            for other in self._held.rivals(key, claim, pair)
        )
        if not double or key in self._doubles:
            return False
        self._doubles.add(key)
        if self._forget_loss(key) is not None:
            self._judge(key, self._wanted[key])
        return True

    def may_serve(self, key: Key, claim: Claim) -> None:
        """A write of the key had no answer: it serves the claim or what it served before, and holds both."""
        self._unsure.add(key)
        before = self._held.serving.get(key)
        if before is not None and before != claim:
            pairs = tuple(dict.fromkeys((*before.pairs, *claim.pairs)))
            claim = replace(claim, pairs=pairs, either=True)
        self._held.replace(key, accepted=self._held.accepted.get(key), serving=claim)

    def release(self, key: Key) -> set[Key]:
        """Nothing of the key is in the gateway any more; gives the others whose verdict changed."""
        self._doubles.discard(key)
        self._unsure.discard(key)
        self._left.pop(key, None)
        if key not in self._held.serving:
            return set()
        self.offers.end(key)
        return self._rejudge(self._held.replace(key, accepted=self._held.accepted.get(key), serving=None))

    def offer(self, key: Key, takers: Callable[[Key], bool]) -> set[Key]:
        """Let others have what the key gives up, before the gateway has confirmed it; gives those that get some.

        Of those that wait for it the `takers` are let in, and whoever comes as long as it is offered.
        """
        return self._rejudge(self.offers.make(key), takers)

    def leave(self, key: Key, claim: Claim) -> None:
        """Of an EchoRoute that is gone the gateway serves this still: it keeps nobody out."""
        self._left[key] = claim

    def abandon(self, key: Key) -> set[Key]:
        """The EchoRoute is gone, and what it has left may not be deleted; gives the others whose verdict changed."""
        left = self._held.serving.get(key)
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
            self._held.replace(key, accepted=self._held.accepted.get(key), serving=replace(left, created=created))
        else:
            self._doubles.add(key)

    def serves_double(self, key: Key) -> bool:
        """Whether what the gateway holds of the key serves what another one has, too."""
        return key in self._doubles

    def _judge(self, key: Key, claim: Claim) -> set[Pair]:
        conflict = self._first_conflict(key, claim)
        if conflict is None:
            return self._held.replace(key, accepted=claim, serving=self._held.serving.get(key))
        self._lose(key, conflict)
        return self._held.replace(key, accepted=None, serving=self._held.serving.get(key))

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

    def _rejudge(self, freed: Iterable[Pair], which: Callable[[Key], bool] = lambda _: True) -> set[Key]:
        """Judge those that wait for a pair, the oldest first; who gets one may give up others by and by, not now."""
        waiting = {key for pair in freed for key in self._waiters.get(pair, ()) if which(key)}
        changed = set()
        for key, claim in sorted(((key, self._wanted[key]) for key in waiting), key=age):
            before = self._forget_loss(key)
            self._judge(key, claim)
            if self._lost.get(key) != before:
                changed.add(key)
        return changed

    def _first_conflict(self, key: Key, claim: Claim) -> Conflict | None:
        for pair in claim.pairs:
            for rival in self._held.rivals(key, claim, pair):
                served = self._serves_as(key, claim, rival, pair) and not self._surely_serves(rival, pair)
                if served or self.offers.has(rival, pair):
                    continue  # who serves a pair has it until it offers that, and until another one serves it
                return Conflict(rival, pair, self._is_older(rival, claim), withdraw=key in self._doubles)
        return None

    def _serves_as(self, key: Key, claim: Claim, rival: Key, pair: Pair) -> bool:
        """Whether the key serves a pair as it claims it: within a namespace another priority is another route."""
        serving = self._held.serving.get(key)
        alike = rival.namespace != key.namespace or (serving is not None and serving.overlaps(claim))
        return alike and self._surely_serves(key, pair)

    def _surely_serves(self, key: Key, pair: Pair) -> bool:
        serving = self._held.serving.get(key)
        return serving is not None and pair in serving.pairs and key not in self._unsure

    def _is_older(self, holder: Key, claim: Claim) -> bool:
        created, _ = self._held.age(holder)
        return created < claim.created
