"""Which EchoRoute has a host and path when several claim them: who serves it, else the older one, else by name.

Two claims conflict when some pair (host, path) of theirs is equal: in different namespaces always, since no number,
method or condition may take another team's traffic; within one where priorities and conditions are equal and methods
intersect. A claim that loses is refused whole and holds nothing, so that a third one that conflicts with it alone is
served.

What a key *serves* is what the gateway was seen to hold, or has confirmed; what is *accepted* is to be written; what is
*sent* may serve from then on, and its answer settles that. All three are held. Nothing that serves, or may, is given up
for a claim that loses, or for a spec that cannot be used.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain

from echoroute.core.claims import Age, Claim, Conflict, Pair, age, pairs_of
from echoroute.core.holders import Holders, Sent
from echoroute.core.losses import Losses
from echoroute.core.objects import Key
from echoroute.core.offers import Offers, Takers
from echoroute.core.rivals import Rivals
from echoroute.core.ties import Ties


class Claims:
    """All claims, and the verdict on each. A change re-judges those alone that wait for one of its pairs."""

    def __init__(self) -> None:
        self._wanted: dict[Key, Claim] = {}
        self._hold_nothing()
        self._lost = Losses()
        self._left: dict[Key, tuple[Claim, ...]] = {}
        self._under_way: set[Key] = set()
        """Those whose last write may still be answered."""
        self._doubles: dict[Key, tuple[Claim, ...]] = {}
        """Those that were found to serve what another one serves, too, as long as both do, with what each may serve."""
        self.seeded = False
        """Whether it is known what the gateway serves."""

    def conflict(self, key: Key) -> Conflict | None:
        """What the key lost against, or None where its claim stands (or there is none)."""
        return self._lost.conflict(key)

    def accepted(self, key: Key) -> Claim | None:
        """The claim that a write of the key brings into the gateway."""
        return self._held.accepted.get(key)

    def undecided(self, key: Key) -> bool:
        """Whether it depends on what the gateway holds, which is not known yet, who has what the key claims."""
        if self.seeded or key not in self._wanted:
            return False
        return any(len(self._held.of(pair)) > 1 for pair in self._wanted[key].pairs)

    def forget_serving(self) -> None:
        """It is not known any more what the gateway serves: until `seed`, every claim is accepted."""
        self.seeded = False
        for known in (self._lost, self._left, self._under_way, self._doubles):
            known.clear()
        self._hold_nothing()
        for key, claim in self._wanted.items():
            self._held.accept(key, claim)

    def seed(self, serving: Mapping[Key, Claim], programmed: Collection[Key], accepted: Collection[Key]) -> None:
        """Take what the gateway was found to serve, and judge all claims, once.

        `programmed` are keys whose status says that this generation serves: of a gateway that lost its routes nobody
        gets what was theirs. `accepted` are those whose status says that this generation is accepted: where nobody
        serves what they ask for, they have it as before. The gateway may reject it, or hold somebody else's object.
        What they do not ask for they have given up.
        """
        self.seeded = True
        self._hold_nothing()
        for key, claim in sorted(serving.items(), key=lambda item: self._rank(item[0], item[1], accepted)):
            self._hold_found(key, claim)
        for key, claim in sorted(self._wanted.items(), key=age):
            if key in programmed and key not in serving and self._rivals.first_conflict(key, claim) is None:
                self._held.serve(key, claim)
        touched = set[Pair]()
        for key, claim in sorted(self._wanted.items(), key=lambda item: (item[0] not in accepted, age(item))):
            touched |= self._judge(key, claim)
        self._rejudge(touched)

    def _hold_found(self, key: Key, *claims: Claim) -> set[Pair]:
        """The gateway was found to serve this, or what was sent since: the key holds it, less what another one does."""
        own = tuple(self._rivals.own(key, each) for each in claims)
        if own != claims:
            self._doubles[key] = claims
        if not any(each.pairs for each in own):
            return set()
        claim, *sent = (each if each.pairs else None for each in own)
        return self._held.serve(key, claim, (*self._held.sent.get(key, ()), *sent))

    def _rank(self, key: Key, claim: Claim, accepted: Collection[Key]) -> tuple[int, Age]:
        """The order of those that serve: who asks for something else comes later, and last where that is accepted.

        It has given up what it serves then, and who got it may be there already.
        """
        return self.asks_for_else(key, claim) * (1 + (key in accepted)), age((key, claim))

    def asks_for_else(self, key: Key, claim: Claim) -> bool:
        """Whether the key asks for something, and not for all of these pairs."""
        wanted = self._wanted.get(key)
        return wanted is not None and not set(claim.pairs).issubset(wanted.pairs)

    def _hold_nothing(self) -> None:
        self._held = Holders()
        self.offers = Offers(self._held)
        self.ties = Ties(self._held)
        self._rivals = Rivals(self._held, self.offers)

    def want(self, key: Key, claim: Claim | None, *, keeps: bool = False) -> set[Key]:
        """Put, replace or (None) take back what a key asks for; gives the *other* keys whose verdict changed.

        What it serves it holds on, until it serves something else, or nothing (`serves`), and what was sent until its
        answer. Where it asks for nothing that can be used, `keeps` tells whether it serves on as it did; a claim that
        loses does, too.
        """
        self._lost.forget(key)
        offered = self.offers.end(key)
        if claim is None:
            self._wanted.pop(key, None)
            freed = self._held.accept(key, None) | offered
            return (self.take_back(key) if keeps else set()) | self._rejudge(freed)
        self._wanted[key] = claim
        if not self.seeded:
            return self._rejudge(self._held.accept(key, claim))
        freed = self._judge(key, claim) | offered
        return self.take_back(key) | self._rejudge(freed)

    def take_back(self, key: Key) -> set[Key]:
        """Judge anew those that were let in on what the key serves and has, and that do not serve it yet."""
        freed, lost = set[Pair](), set[Key]()
        has = self._held.accepted.get(key) or self._held.serving.get(key)
        for other in self._rivals.let_in(key, has) if has else ():
            lost |= self.ties.behind(other)  # their statuses may name it
            freed |= self._judge(other, self._wanted[other])
            if other in self._lost:
                lost.add(other)
        return lost | self._rejudge(freed)

    def serves(self, key: Key, claim: Claim | None, *, made: bool = False) -> set[Key]:
        """The gateway serves this of the key, or (None) nothing; gives the others whose verdict changed.

        It has `made` what was sent, or a list tells: that leaves open what is under way.
        """
        if made:
            self._under_way.discard(key)
        self._doubles.pop(key, None)
        if claim is None:
            self._left.pop(key, None)
        sent = self._last_sent(key)
        if (self._held.serving.get(key), self._held.sent.get(key, ())) == (claim, sent):
            return set()
        offered = self.offers.end(key)
        return self._rejudge(self._held.serve(key, claim, sent) | offered)

    def outlasting(self, key: Key) -> Claim | None:
        """What a key has though the gateway has lost it: what it asks for and has served, as `seed` finds it, too."""
        serving = self._held.serving.get(key)
        return serving if serving == self._held.accepted.get(key) else None

    def send(self, key: Key, claim: Claim | None) -> set[Key]:
        """A write goes out that makes the key serve this, or (None) nothing; gives the others whose verdict changed.

        From now on the key may serve it, whatever it asks for by then; the answer settles that: `serves` or `refused`.
        """
        self._under_way.add(key)
        before = (each for each in self._held.sent.get(key, ()) if each != claim)
        return self._rejudge(self._held.serve(key, self._held.serving.get(key), (*before, claim)))

    def refused(self, key: Key) -> set[Key]:
        """The gateway has refused what is under way, if anything is; gives the others whose verdict changed."""
        sent = self._held.sent.get(key, ())
        before = sent[: len(sent) - len(self._last_sent(key))]
        self._under_way.discard(key)
        return self._rejudge(self._held.serve(key, self._held.serving.get(key), before))

    def lost(self, key: Key) -> None:
        """There is no answer to what was sent: the key may serve it until a list tells, or another write."""
        self._under_way.discard(key)

    def is_unsure(self, key: Key) -> bool:
        """Whether a write of the key had no answer, so that nobody knows which of several claims it serves."""
        return key in self._held.sent and key not in self._under_way

    def _last_sent(self, key: Key) -> Sent:
        """What is under way."""
        return self._held.sent[key][-1:] if key in self._under_way else ()

    def is_double(self, key: Key, claim: Claim) -> bool:
        """Whether a key that is kept was found to serve what is another one's, which serves it, too: then it goes."""
        double = key not in self._held.accepted and any(
            self._has_before(other, key, claim, pair) for other, pair in self._beside(key, claim)
        )
        if not double or key in self._doubles:
            return False
        self._doubles[key] = (claim,)
        return True

    def _beside(self, key: Key, claim: Claim) -> Iterator[tuple[Key, Pair]]:
        """Those that surely serve what a claim of the key's does, each with a pair that both do."""
        return (
            (other, pair)
            for pair in claim.pairs
            for other in self._held.rivals(key, claim, pair)
            if self._held.surely_meets(other, key, claim, pair)
        )

    def _has_before(self, other: Key, key: Key, claim: Claim, pair: Pair) -> bool:
        """Whether of two that serve a pair the other one has it before a key that is kept."""
        if other in self._held.accepted:
            return self._held.asks_for(other, pair)
        accepted = self._held.accepted
        return self._rank(other, self._held.serving[other], accepted) < self._rank(key, claim, accepted)

    def _single_out(self, pairs: Collection[Pair]) -> tuple[set[Key], set[Pair]]:
        """Look at the doubles again, now that the holders of these pairs are others.

        Gives those that are none any more, and all pairs whose holders may be others by that.
        """
        doubles = {key: claims for key, claims in self._doubles.items() if not pairs_of(*claims).isdisjoint(pairs)}
        for key, claims in sorted(
            doubles.items(), key=lambda item: self._rank(item[0], item[1][0], self._held.accepted)
        ):
            del self._doubles[key]
            self._hold_found(key, *claims)
        return doubles.keys() - self._doubles.keys(), {*pairs, *pairs_of(*chain(*doubles.values()))}

    def offer(self, key: Key, takers: Takers) -> set[Key]:
        """Let `takers` have what the key gives up, before the gateway has confirmed it; gives those that get some."""
        return self._rejudge(self.offers.make(key, takers))

    def end_offer(self, key: Key) -> set[Key]:
        """Who has not taken what the key gives up waits for the gateway; gives those whose verdict changed."""
        return self._rejudge(self.offers.end(key))

    def leave(self, key: Key, *claims: Claim) -> None:
        """Of an EchoRoute that is gone the gateway serves one of these still: they keep nobody out."""
        self._left[key] = claims

    def abandon(self, key: Key) -> set[Key]:
        """The EchoRoute is gone, and what it has left may not be deleted; gives the others whose verdict changed."""
        left = self._held.may_serve(key)
        changed = self.serves(key, None)
        if left:
            self.leave(key, *left)
        return changed

    def come_again(self, key: Key, created: datetime) -> set[Key]:
        """An EchoRoute is there: what one of its name has left serves it, unless another one has of that by now.

        Gives the others whose verdict changed.
        """
        left = self._left.pop(key, ())
        return self._rejudge(self._hold_found(key, *(replace(claim, created=created) for claim in left)))

    def serves_double(self, key: Key) -> bool:
        """Whether what the gateway holds of the key serves what another one surely does, and nothing was sent since.

        Where something was, nobody knows what it serves: a list tells.
        """
        claims = self._doubles.get(key, ())
        return len(claims) == 1 and key not in self._held.sent and any(True for _ in self._beside(key, *claims))

    def _judge_again(self, key: Key) -> set[Pair]:
        """Judge one that has lost; gives the pairs whose holders are others now."""
        self._lost.forget(key)
        return self._judge(key, self._wanted[key])

    def _judge(self, key: Key, claim: Claim) -> set[Pair]:
        conflict = self._rivals.first_conflict(key, claim)
        if conflict is None:
            return self._held.accept(key, claim)
        self._lost.note(key, claim, conflict)
        return self._held.accept(key, None)

    def _rejudge(self, pairs: Collection[Pair]) -> set[Key]:
        """The holders of these pairs are others: judge those that wait for one, the oldest first."""
        if not pairs:
            return set()
        changed, touched = self._single_out(pairs)
        waiting = self._lost.waiting(touched) | {key for key in changed if key in self._lost}
        while waiting:
            again = set[Key]()
            for key in sorted(waiting, key=lambda key: age((key, self._wanted[key]))):
                waiting.discard(key)
                before = self._lost.conflict(key)
                # Who gets one names another holder to those that were looked at before it.
                again |= self._lost.waiting(self._judge_again(key)) - waiting
                if self._lost.conflict(key) != before:
                    changed.add(key)
            waiting = again
        return changed
