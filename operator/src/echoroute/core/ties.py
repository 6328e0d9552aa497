"""Which EchoRoutes of one namespace tie: an equal pair and priority under other conditions. The gateway chooses."""

from collections.abc import Iterator

from echoroute.core.claims import Claim, Pair, Tie
from echoroute.core.holders import Holders
from echoroute.core.objects import Key

_MOST_LOOKS = 64
"""At others' conditions, to find one that a claim ties with: of thousands on one path each may exclude all others."""


class Ties:
    """All that tie are accepted, and served."""

    def __init__(self, held: Holders) -> None:
        self._held = held

    def of(self, key: Key) -> Tie | None:
        """The oldest that a key ties with, if one is older."""
        claim = self._held.accepted.get(key)
        if claim is None:
            return None
        looks = iter(range(_MOST_LOOKS))
        pairs = (pair for pair in claim.pairs if not self._held.alone(claim, pair))
        ties = ((other, pair) for pair in pairs if (other := self._oldest(key, claim, pair, looks)))
        oldest = min(ties, key=lambda tie: self._held.age(tie[0]), default=None)
        return Tie(*oldest, claim.priority) if oldest else None

    def _oldest(self, key: Key, claim: Claim, pair: Pair, looks: Iterator[int]) -> Key | None:
        for other, _ in zip(self._tied(key, claim, pair, 0), looks, strict=False):
            if not claim.demands.exclude(self._held.accepted[other].demands):
                return other
        return None

    def behind(self, key: Key) -> set[Key]:
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
