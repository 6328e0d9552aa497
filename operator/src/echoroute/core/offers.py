"""What EchoRoutes are about to give up, and others may have before the gateway has confirmed that."""

from echoroute.core.claims import Claim, Pair
from echoroute.core.holders import Holders
from echoroute.core.objects import Key


class Offers:
    """Pairs that their holders serve, and do not ask for any more."""

    def __init__(self, held: Holders) -> None:
        self._held = held
        self._offered: dict[Key, frozenset[Pair]] = {}

    def gives_up(self, key: Key) -> frozenset[Pair]:
        """What the key serves and does not ask for any more."""
        return frozenset(_pairs(self._held.serving.get(key))).difference(_pairs(self._held.accepted.get(key)))

    def make(self, key: Key) -> frozenset[Pair]:
        """Offer what the key gives up, until `end`."""
        self._offered[key] = self.gives_up(key)
        return self._offered[key]

    def end(self, key: Key) -> None:
        """Nobody else is let in before the gateway has confirmed that it is given up."""
        self._offered.pop(key, None)

    def has(self, key: Key, pair: Pair) -> bool:
        """Whether the key offers a pair."""
        return pair in self._offered.get(key, ())

    def of(self, claim: Claim) -> set[Key]:
        """Those that offer some of this."""
        return {key for key, pairs in self._offered.items() if not pairs.isdisjoint(claim.pairs)}

    def is_awaited(self, key: Key) -> bool:
        """Whether somebody gets what the key offers, and does not serve it yet."""
        accepted, serving = self._held.accepted, self._held.serving
        return any(
            taker != key and pair in _pairs(accepted.get(taker)) and pair not in _pairs(serving.get(taker))
            for pair in self._offered.get(key, ())
            for taker in self._held.of(pair)
        )

    def is_untaken(self, key: Key) -> bool:
        """Whether nobody claims some of what the key offers."""
        return any(self._held.of(pair) == (key,) for pair in self._offered.get(key, ()))


def _pairs(claim: Claim | None) -> tuple[Pair, ...]:
    return claim.pairs if claim else ()
