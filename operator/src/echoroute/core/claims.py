"""What an EchoRoute claims: pairs of a host and a path, and what keeps two of one namespace apart on an equal pair."""

from dataclasses import dataclass, field
from datetime import datetime

from echoroute.core.apart import Demands
from echoroute.core.objects import Key

ANY_HOST = ""
Pair = tuple[str, str]
"""Host (`ANY_HOST` for none) and path."""
Age = tuple[datetime, Key]


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
    demands: Demands = field(default_factory=Demands)
    """What they say that can be compared with others' (`core.apart`)."""

    def overlaps(self, other: "Claim") -> bool:
        """Whether two claims of one namespace meet where they have a pair in common."""
        return self.conditions == other.conditions and self.ties(other)

    def covers(self, other: "Claim") -> bool:
        """Whether who serves this serves all that another claim of the same EchoRoute asks for, on a common pair."""
        if (self.priority, self.conditions) != (other.priority, other.conditions):
            return False
        return not self.methods or (bool(other.methods) and other.methods <= self.methods)

    def ties(self, other: "Claim") -> bool:
        """Whether the gateway may choose between two for some request, as far as methods and priority say."""
        if self.priority != other.priority:
            return False
        return not self.methods or not other.methods or not self.methods.isdisjoint(other.methods)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A lost conflict: the first pair that both claim, and who has it."""

    winner: Key
    pair: Pair
    older: bool

    def __str__(self) -> str:
        older = ", which is older" if self.older else ""
        return (
            f"{shown(self.pair)} belongs to EchoRoute {self.winner}{older}: "
            "change spec.match.hosts or spec.match.paths, or have the other one give it up"
        )


@dataclass(frozen=True, slots=True)
class Tie:
    """The oldest EchoRoute with an equal pair and priority, whose conditions may hold for the same request."""

    other: Key
    pair: Pair
    priority: int

    def __str__(self) -> str:
        return (
            f"EchoRoute {self.other} has {shown(self.pair)} at the same priority {self.priority}: where the conditions "
            "of both hold either may answer; set spec.match.priority"
        )


def pairs_of(*claims: Claim | None) -> set[Pair]:
    """What any of these has."""
    return {pair for claim in claims if claim is not None for pair in claim.pairs}


def age(item: tuple[Key, Claim]) -> Age:
    """The order of claims: the older first, then by namespace and name."""
    return item[1].created, item[0]
