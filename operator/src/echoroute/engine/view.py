"""What is known of one selection of instances: how many there are, and since when there have been none."""

from dataclasses import dataclass, field

from echoroute.api.selection import Resolver, Selection
from echoroute.core.facts import Answered, Lack
from echoroute.core.instances import Discovered, discovered
from echoroute.core.nodes import Instances, Nodes


@dataclass(slots=True)
class _Count:
    """How many there are, and since when there has been none."""

    number: int = -1  # -1: not answered yet
    seen: bool = False
    none_since: float = 0.0

    def take(self, number: int, now: float) -> None:
        if number == 0 and self.number != 0:
            self.none_since = now
        self.number = number
        self.seen = self.seen or number > 0

    def lack(self, now: float) -> Lack:
        return Lack(0.0 if self.number else now - self.none_since, self.seen)


@dataclass(slots=True)
class View:
    """Consul's answers on a service, as whoever resolves the selection sees them."""

    selection: Selection
    seen: Discovered | Nodes | None = None
    """None while Consul has not answered."""
    _healthy: _Count = field(default_factory=_Count)
    _total: _Count = field(default_factory=_Count)
    _unusable_since: float = 0.0

    def take(self, answer: Instances, now: float, *, ipv6: bool) -> bool:
        """Look at an answer; gives whether something else is seen than before."""
        before, selection = self.seen, self.selection
        if selection.resolver is Resolver.OPERATOR:
            self.seen = answer.nodes(selection)
        else:
            self.seen = discovered(selection.service.name, answer.all, forbidden=answer.forbidden, ipv6=ipv6)
        self._healthy.take(self.seen.healthy, now)
        self._total.take(self.seen.total, now)
        if not self._unusable(before):
            self._unusable_since = now
        return self.seen != before

    def fact(self, now: float) -> Answered | None:
        """What is known now; None while Consul has not answered."""
        seen = self.seen
        if seen is None:
            return None
        return Answered(
            healthy=seen.healthy,
            total=seen.total,
            lack_of_healthy=self._healthy.lack(now),
            lack_of_any=self._total.lack(now),
            failing=seen.failing,
            unusable=self._unusable(seen),
            unusable_for=now - self._unusable_since if self._unusable(seen) else 0.0,
            missed=seen.missed if isinstance(seen, Discovered) else "",
            left_out=seen.left_out if isinstance(seen, Nodes) else (),
            drained=seen.drained if isinstance(seen, Nodes) else 0,
        )

    @staticmethod
    def _unusable(seen: Discovered | Nodes | None) -> tuple[str, ...]:
        """Instances that get requests and cannot answer them: where the operator writes the nodes there are none."""
        return seen.unusable if isinstance(seen, Discovered) else ()
