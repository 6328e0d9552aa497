"""Who stands in the way of a claim: those that hold a pair of it, less those that let it in."""

from collections.abc import Iterator
from dataclasses import replace

from echoroute.core.claims import Claim, Conflict, Pair
from echoroute.core.holders import Holders
from echoroute.core.objects import Key
from echoroute.core.offers import Offers


class Rivals:
    """Reads what is held and offered, and changes nothing."""

    def __init__(self, held: Holders, offers: Offers) -> None:
        self._held = held
        self._offers = offers

    def first_conflict(self, key: Key, claim: Claim) -> Conflict | None:
        """What a claim of the key loses against now, if it does."""
        for pair in claim.pairs:
            rival = self._first(key, claim, pair)
            if rival is not None:
                created, _ = self._held.age(rival)
                return Conflict(rival, pair, older=created < claim.created)
        return None

    def own(self, key: Key, claim: Claim) -> Claim:
        """What the gateway was found to serve of the key, less the pairs that are another one's."""
        return replace(claim, pairs=tuple(pair for pair in claim.pairs if not self._is_anothers(key, claim, pair)))

    def _is_anothers(self, key: Key, claim: Claim, pair: Pair) -> bool:
        """Whether another one has a pair, and all that the key serves of it."""
        return any(
            rival.namespace != key.namespace or any(each.covers(claim) for each in self._held.claims_on(rival, pair))
            for rival in self._in_the_way(key, claim, pair)
            if not self.leaves(rival, pair)
        )

    def leaves(self, key: Key, pair: Pair) -> bool:
        """Whether a pair that the key holds is not asked for by what it has accepted: only the gateway is to follow.

        Where it rejects the spec, it never does. Then both serve the pair, who was let in and who goes on, and neither
        takes it from the other one.
        """
        return key in self._held.accepted and not self._held.asks_for(key, pair)

    def let_in(self, key: Key, claim: Claim) -> list[Key]:
        """Those that are on their way to what the key claims and serves."""
        met = (
            other
            for pair in claim.pairs
            if self._held.surely_serves(key, pair)
            for other in self._held.on_their_way(key, claim, pair)
        )
        return list(dict.fromkeys(met))

    def _first(self, key: Key, claim: Claim, pair: Pair) -> Key | None:
        """Who has a pair that the key claims: the oldest that asks for it, else the oldest that serves it on."""
        serves_on = None
        for rival in self._in_the_way(key, claim, pair):
            if self._held.asks_for(rival, pair):
                return rival
            serves_on = serves_on or rival
        return serves_on

    def _in_the_way(self, key: Key, claim: Claim, pair: Pair) -> Iterator[Key]:
        """Those that have a pair, and do not let a claim of the key's in."""
        return (rival for rival in self._held.rivals(key, claim, pair) if not self._lets_in(rival, key, claim, pair))

    def _lets_in(self, rival: Key, key: Key, claim: Claim, pair: Pair) -> bool:
        """Whether who has a pair offers it, or leaves it to who serves it, or only is to get what the key serves."""
        if self._offers.has(rival, pair, key):
            return True
        if self.leaves(rival, pair):
            return self._serves_as(key, claim, rival, pair) or self._is_taken(rival, pair)
        return not self._held.surely_meets(rival, key, claim, pair) and self._serves_as(key, claim, rival, pair)

    def _is_taken(self, key: Key, pair: Pair) -> bool:
        """Whether others, that do not leave it, too, serve all that the key leaves of a pair: they keep it now."""
        return all(
            any(
                not self.leaves(other, pair) and self._serves_as(other, claim, key, pair)
                for other in self._held.rivals(key, claim, pair)
            )
            for claim in self._held.may_serve(key)
            if pair in claim.pairs
        )

    def _serves_as(self, key: Key, claim: Claim, rival: Key, pair: Pair) -> bool:
        """Whether the key serves a pair as it is claimed: within a namespace it has to serve all of that."""
        if rival.namespace != key.namespace:
            return self._held.surely_serves(key, pair)
        return self._held.serves_all_of(key, claim, pair)
