"""One EchoRoute, evaluated: what the table of all of them holds."""

from dataclasses import dataclass

from echoroute.core.facts import Refusal
from echoroute.core.inputs import Input, Resolution
from echoroute.core.mentions import Mention
from echoroute.core.objects import Bundle
from echoroute.core.plan import Wanted
from echoroute.core.seen import Entry
from echoroute.errors import FieldError


@dataclass(slots=True)
class Route:
    """One EchoRoute, evaluated."""

    entry: Entry
    refusal: Refusal | None
    route_id: str
    backends: tuple[Mention, ...]
    services: str
    enabled: bool
    inputs: frozenset[Input]
    notes: tuple[str, ...]
    resolution: Resolution
    """What the inputs make of it."""
    wanted: Wanted
    resolved: Bundle
    """The Upstreams that the operator resolves, without nodes: these change often."""
    bundle: Bundle | None
    """Without nodes; until the gateway has confirmed it, since 10,000 of them would be a lot of memory for nothing."""
    refused_by_now: FieldError | None = None
    """What of its last good generation, which is kept, policy refuses by now."""
    ready: tuple[str, str] = ("Unknown", "Pending")
    """Status and reason of the Ready condition as last computed, for the metrics."""

    @property
    def weighted(self) -> int:
        """How many of its Upstreams have nodes of unequal weights."""
        return sum(nodes.are_weighted for nodes in self.resolution.nodes.values())
