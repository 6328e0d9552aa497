"""Who holds each pair of a host and a path, the oldest first; quick also where thousands hold one."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from echoroute.core.claims import Age, Claim, Pair, age, pairs_of
from echoroute.core.objects import Key

T = TypeVar("T")

_CROWD = 8
"""More holders than these are found by an index: looking at each, for each of them, would take their square."""


Sent = tuple[Claim | None, ...]
"""What writes without an answer make a key serve, each of them perhaps; None: nothing."""


class Holders:
    """What each key has accepted, serves, and may serve by what was sent. Only `accept` and `serve` change it."""

    def __init__(self) -> None:
        self.accepted: dict[Key, Claim] = {}
        self.serving: dict[Key, Claim] = {}
        self.sent: dict[Key, Sent] = {}
        self._by_pair: dict[Pair, tuple[Key, ...]] = {}
        self._crowds: dict[Pair, _Crowd] = {}

    def of(self, pair: Pair) -> tuple[Key, ...]:
        """Those that hold a pair, the oldest first."""
        return self._by_pair.get(pair, ())

    def asks_for(self, key: Key, pair: Pair) -> bool:
        """Whether what the key has accepted has a pair."""
        claim = self.accepted.get(key)
        return claim is not None and pair in claim.pairs

    def may_serve(self, key: Key) -> list[Claim]:
        """What the gateway may hold of the key: what it serves, and what was sent since."""
        return [claim for claim in self._possible(key) if claim is not None]

    def _possible(self, key: Key) -> Sent:
        """What the gateway may hold of the key, each perhaps; None: nothing."""
        return self.serving.get(key), *self.sent.get(key, ())

    def claims_on(self, key: Key, pair: Pair) -> Iterator[Claim]:
        """What the key has accepted, or may serve, on a pair."""
        for claim in (self.accepted.get(key), *self.may_serve(key)):
            if claim is not None and pair in claim.pairs:
                yield claim

    def surely_serves(self, key: Key, pair: Pair) -> bool:
        """Whether what the key serves has a pair, whatever comes of what was sent."""
        return all(claim is not None and pair in claim.pairs for claim in self._possible(key))

    def serves_all_of(self, key: Key, claim: Claim, pair: Pair) -> bool:
        """Whether what the key serves has all of a pair that a claim of its namespace asks for, as `surely_serves`."""
        return all(each is not None and pair in each.pairs and each.covers(claim) for each in self._possible(key))

    def surely_meets(self, holder: Key, key: Key, claim: Claim, pair: Pair) -> bool:
        """Whether what a holder serves conflicts with a claim of the key's on a pair, as `surely_serves`."""
        return all(theirs is not None and _meet(key, claim, holder, theirs, pair) for theirs in self._possible(holder))

    def on_their_way(self, key: Key, claim: Claim, pair: Pair) -> Iterator[Key]:
        """Those whose accepted claim conflicts with one of the key's on a pair, and that may not serve it yet."""
        for other in self.rivals(key, claim, pair):
            accepted = self.accepted.get(other)
            is_to = accepted is not None and _meet(key, claim, other, accepted, pair)
            if is_to and not self.surely_meets(other, key, claim, pair):
                yield other

    def age(self, key: Key) -> Age:
        """Of one that holds something."""
        return age((key, self.accepted.get(key) or self.serving.get(key) or self.may_serve(key)[0]))

    def around(self, key: Key, pair: Pair) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """Of a pair that the key holds: the older holders, and the younger ones."""
        holders = self.of(pair)
        place = bisect_left(holders, self.age(key), key=self.age)
        return holders[:place], holders[place + 1 :]

    def alone(self, claim: Claim, pair: Pair) -> bool:
        """Whether of the many that hold a pair no two have the claim's priority."""
        crowd = self._crowds.get(pair)
        return crowd is not None and crowd.of_priority(claim.priority) <= 1

    def rivals(self, key: Key, claim: Claim, pair: Pair) -> Iterator[Key]:
        """Those that hold a pair and that a claim of the key's meets there."""
        crowd = self._crowds.get(pair)
        candidates = crowd.candidates(key, claim) if crowd else None
        for holder in self.of(pair) if candidates is None else sorted(candidates, key=self.age):
            if holder != key and self._meets(key, claim, holder, pair):
                yield holder

    def accept(self, key: Key, claim: Claim | None) -> set[Pair]:
        """Change what a key has accepted; gives the pairs for which somebody else's verdict may be another now."""
        return self._replace(key, claim, self.serving.get(key), self.sent.get(key, ()))

    def serve(self, key: Key, claim: Claim | None, sent: Sent = ()) -> set[Pair]:
        """Change what a key serves, and what was sent since; gives the pairs as `accept` does."""
        return self._replace(key, self.accepted.get(key), claim, sent)

    def _replace(self, key: Key, accepted: Claim | None, serving: Claim | None, sent: Sent) -> set[Pair]:
        before = self.accepted.get(key), self.serving.get(key), *self.sent.get(key, ())
        after = accepted, serving, *sent
        if before == after:
            return set()
        same = all(claim in (*after, None) for claim in before) and all(claim in (*before, None) for claim in after)
        stays = same and _created(before) == _created(after)  # it holds the same at the same place, in another way
        for pair in () if stays else pairs_of(*before):
            self._let_go(key, pair)
        _put(self.accepted, key, accepted)
        _put(self.serving, key, serving)
        _put(self.sent, key, sent or None)
        alone = (key,)  # one tuple for all of its pairs
        for pair in () if stays else pairs_of(*after):
            self._hold(key, pair, alone)
        pairs = pairs_of(*before, *after)
        return {pair for pair in pairs if len(self.of(pair)) > 1} if stays else pairs

    def _meets(self, key: Key, claim: Claim, holder: Key, pair: Pair) -> bool:
        return any(_meet(key, claim, holder, theirs, pair) for theirs in self.claims_on(holder, pair))

    def _hold(self, key: Key, pair: Pair, alone: tuple[Key]) -> None:
        holders = self.of(pair)
        place = bisect_left(holders, self.age(key), key=self.age)
        self._by_pair[pair] = (*holders[:place], key, *holders[place:]) if holders else alone
        if pair in self._crowds:
            self._crowds[pair].put(key, self.claims_on(key, pair))
        elif len(holders) == _CROWD:
            crowd = self._crowds[pair] = _Crowd()
            for holder in self.of(pair):
                crowd.put(holder, self.claims_on(holder, pair))

    def _let_go(self, key: Key, pair: Pair) -> None:
        older, younger = self.around(key, pair)
        if older or younger:
            self._by_pair[pair] = older + younger
        else:
            del self._by_pair[pair]
        if pair in self._crowds:
            self._crowds[pair].drop(key)
            if len(self.of(pair)) <= _CROWD:
                del self._crowds[pair]


_Slot = tuple[int, bytes]
"""Priority and conditions: what two claims of one namespace must have in common to meet."""


class _Crowd:
    """The many holders of one pair."""

    def __init__(self) -> None:
        self._namespaces: Counter[str] = Counter()
        self._priorities: Counter[int] = Counter()
        self._slots: dict[Key, frozenset[_Slot]] = {}
        self._holders: dict[_Slot, set[Key]] = {}

    def put(self, key: Key, claims: Iterable[Claim]) -> None:
        """Take a holder in, with its claims on the pair."""
        slots = frozenset((claim.priority, claim.conditions) for claim in claims)
        self._namespaces[key.namespace] += 1
        self._slots[key] = slots
        self._priorities.update({priority for priority, _ in slots})
        for slot in slots:
            self._holders.setdefault(slot, set()).add(key)

    def drop(self, key: Key) -> None:
        """Forget a holder."""
        slots = self._slots.pop(key)
        _count_down(self._namespaces, (key.namespace,))
        _count_down(self._priorities, {priority for priority, _ in slots})
        for slot in slots:
            self._holders[slot].discard(key)
            if not self._holders[slot]:
                del self._holders[slot]

    def of_priority(self, priority: int) -> int:
        """How many holders have a claim of this priority."""
        return self._priorities[priority]

    def candidates(self, key: Key, claim: Claim) -> set[Key] | None:
        """Those that a claim may meet; None where that may be any of them, and so the first one that is looked at."""
        if self._namespaces.keys() != {key.namespace}:
            return None
        return self._holders.get((claim.priority, claim.conditions), set())


def _meet(key: Key, claim: Claim, holder: Key, theirs: Claim, pair: Pair) -> bool:
    """Whether a claim of the key's and one of a holder's conflict on a pair."""
    return pair in theirs.pairs and (holder.namespace != key.namespace or claim.overlaps(theirs))


def _created(claims: Iterable[Claim | None]) -> datetime | None:
    """The time that counts of what one key holds."""
    return next((claim.created for claim in claims if claim is not None), None)


def _put(known: dict[Key, T], key: Key, value: T | None) -> None:
    if value is None:
        known.pop(key, None)
    else:
        known[key] = value


def _count_down(counts: Counter[T], gone: Iterable[T]) -> None:
    """Take one off each, and forget those that are at none: what `-=` does, which looks at all."""
    for each in gone:
        counts[each] -= 1
        if counts[each] == 0:
            del counts[each]
