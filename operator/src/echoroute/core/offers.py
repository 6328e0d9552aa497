"""What EchoRoutes are about to give up, and others may have before the gateway has confirmed that."""

from collections.abc import Callable
from dataclasses import dataclass

from echoroute.core.claims import Claim, Pair, pairs_of
from echoroute.core.holders import Holders
from echoroute.core.objects import Key

Takers = Callable[[Key], bool]
"""Whether one may take what is offered."""


@dataclass(frozen=True, slots=True)
class _Offer:
    pairs: frozenset[Pair]
    takers: Takers


class Offers:
    """Pairs that their holders serve, and do not ask for any more."""

    def __init__(self, held: Holders) -> None:
        self._held = held
        self._open: dict[Key, _Offer] = {}

    def gives_up(self, key: Key) -> frozenset[Pair]:
        """What the key may serve and does not ask for any more."""
        return frozenset(pairs_of(*self._held.may_serve(key)) - pairs_of(self._held.accepted.get(key)))

    def make(self, key: Key, takers: Takers) -> frozenset[Pair]:
        """Offer what the key gives up, until `end`."""
        self._open[key] = _Offer(self.gives_up(key), takers)
        return self._open[key].pairs

    def end(self, key: Key) -> frozenset[Pair]:
        """Nobody else is let in before the gateway has confirmed that it is given up; gives what was offered."""
        offer = self._open.pop(key, None)
        return offer.pairs if offer else frozenset()

    def is_open(self, key: Key) -> bool:
        """Whether what the key gives up is offered."""
        return key in self._open

    def has(self, key: Key, pair: Pair, taker: Key) -> bool:
        """Whether the key offers a pair, and to this one."""
        offer = self._open.get(key)
        return offer is not None and pair in offer.pairs and offer.takers(taker)

    def of(self, claim: Claim | None) -> set[Key]:
        """Those that offer some of this."""
        pairs = pairs_of(claim)
        return {key for key, offer in self._open.items() if not offer.pairs.isdisjoint(pairs)}

    def is_awaited(self, key: Key) -> bool:
        """Whether somebody gets what the key offers, whatever part of it, and does not serve it yet."""
        held = self._held
        return any(
            taker != key and held.asks_for(taker, pair) and not held.serves_all_of(taker, held.accepted[taker], pair)
            for pair in self._pairs(key)
            for taker in held.of(pair)
        )

    def is_untaken(self, key: Key) -> bool:
        """Whether nobody claims some of what the key offers as the key serves it."""
        held = self._held
        return any(
            pair in claim.pairs and next(held.rivals(key, claim, pair), None) is None
            for pair in self._pairs(key)
            for claim in held.may_serve(key)
        )

    def _pairs(self, key: Key) -> frozenset[Pair]:
        offer = self._open.get(key)
        return offer.pairs if offer else frozenset()
