"""What EchoRoutes are about to give up, and others may have before the gateway has confirmed that."""

from collections.abc import Callable, Iterator
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
        """Whether somebody gets what the key offers, and does not serve it yet."""
        return any(True for claim, pair in self._offered(key) for _ in self._held.on_their_way(key, claim, pair))

    def is_untaken(self, key: Key) -> bool:
        """Whether nobody claims some of what the key offers."""
        return any(next(self._held.rivals(key, claim, pair), None) is None for claim, pair in self._offered(key))

    def _offered(self, key: Key) -> Iterator[tuple[Claim, Pair]]:
        """What the key may serve and offers: each claim, with each pair of it."""
        offered = self._open[key].pairs if key in self._open else frozenset[Pair]()
        for claim in self._held.may_serve(key) if offered else ():
            yield from ((claim, pair) for pair in claim.pairs if pair in offered)
