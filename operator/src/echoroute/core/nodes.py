"""From the instances of a selection that the operator resolves to the nodes of an APISIX Upstream.

APISIX takes a list of nodes whole or not at all: one odd node is a 400, and the old nodes stay. So each instance that
cannot be a node is left out by itself, and named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydantic import JsonValue

from echoroute.api.selection import Selection
from echoroute.core.addresses import Networks, as_nginx_reads, is_within
from echoroute.core.instances import LAST_PORT, Instance, State, called, quoted

_HEAVIEST: Final = 65_535
"""Consul's agents take no larger weight; a registration past them may have any."""

_FINEST: Final = 100
"""Of the weights that are written. With consistent hashing each worker of APISIX holds 160 points of 8 bytes for each
unit of weight: two instances of 65,535 would be 168 MB in each worker, for each Upstream, whoever registers them.
"""


class Node(NamedTuple):
    """One instance as the gateway asks it; IPv6 addresses have brackets."""

    host: str
    port: int
    weight: int


@dataclass(frozen=True, slots=True)
class Nodes:
    """What Consul's answer makes of a selection."""

    nodes: tuple[Node, ...] = ()
    """Those that take requests, in an order of their own, so that an unchanged set is no write."""
    total: int = 0
    failing: int = 0
    """Of the total those that are critical."""
    drained: int = 0
    """Of the total those that have the weight 0 in their state."""
    left_out: tuple[str, ...] = ()
    """Instances that cannot be nodes: which, and why."""

    @property
    def healthy(self) -> int:
        """How many take requests."""
        return len(self.nodes)

    @property
    def are_weighted(self) -> bool:
        """Whether the gateway has to tell heavier nodes from lighter ones."""
        return any(node.weight != 1 for node in self.nodes)

    def as_json(self) -> list[JsonValue]:
        """As an Upstream has them."""
        return [{"host": host, "port": port, "weight": weight} for host, port, weight in self.nodes]


class Instances:
    """Those of one service, as Consul tells of them. Selections of the same ones share their nodes."""

    def __init__(self, instances: Sequence[Instance], *, forbidden: Networks = ()) -> None:
        self.all = instances
        self.forbidden = forbidden
        self._found: dict[tuple[int, ...], Nodes] = {}

    def nodes(self, selection: Selection) -> Nodes:
        """The nodes of a selection. Total: whatever an instance is, the others count."""
        places = tuple(place for place, one in enumerate(self.all) if _is_selected(selection, one))
        found = self._found.get(places)
        if found is None:
            found = self._found[places] = _nodes([self.all[place] for place in places], self.forbidden)
        return found


def _nodes(selected: Sequence[Instance], forbidden: Networks) -> Nodes:
    alive = [instance for instance in selected if instance.state is not State.CRITICAL]
    flaws = [(instance, _flaw(instance, forbidden)) for instance in alive]
    weights: dict[tuple[str, int], int] = {}
    for instance, flaw in flaws:
        if not flaw:
            where = _host(instance), instance.port
            weights[where] = max(weights.get(where, 0), _weight(instance))
    serving = _scaled({where: weight for where, weight in weights.items() if weight > 0})
    # Equal ones are written as 1: APISIX starts equal nodes at random, and unequal ones at the heaviest.
    equal = len(set(serving.values())) == 1
    total = {_endpoint(instance) for instance in selected}
    return Nodes(
        nodes=tuple(Node(host, port, 1 if equal else weight) for (host, port), weight in sorted(serving.items())),
        total=len(total),
        failing=len(total - {_endpoint(instance) for instance in alive}),
        drained=len(weights) - len(serving),
        left_out=tuple(sorted(f"{called(instance)} {flaw}" for instance, flaw in flaws if flaw)),
    )


def _is_selected(selection: Selection, instance: Instance) -> bool:
    return selection.tags <= instance.tags and selection.meta <= instance.meta


def _weight(instance: Instance) -> int:
    passing, warning = instance.weights
    return passing if instance.state is State.PASSING else warning


def _scaled(weights: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """The weights, of which the heaviest is at most 100: in proportion, and 1 for whoever would have less."""
    heaviest = max(weights.values(), default=0)
    if heaviest <= _FINEST:
        return weights
    return {where: max(1, _FINEST * weight // heaviest) for where, weight in weights.items()}


def _address(instance: Instance) -> str:
    return instance.address or instance.node_address


def _host(instance: Instance) -> str:
    """Of an instance without a flaw."""
    ip = as_nginx_reads(_address(instance))
    return f"[{ip}]" if ip is not None and ip.version == 6 else str(ip)


def _endpoint(instance: Instance) -> tuple[str, int]:
    """Two registrations of one endpoint are one instance; one without an address is nobody else's."""
    ip = as_nginx_reads(_address(instance))
    return str(ip) if ip is not None else f"{_address(instance)}/{instance.id}", instance.port


def _flaw(instance: Instance, forbidden: Networks) -> str:
    """Why an instance cannot be a node, behind its id; empty where it can."""
    if flaw := _flaw_of_address(_address(instance), forbidden):
        return flaw
    if not 0 < instance.port <= LAST_PORT:
        return f"has the port {instance.port}: write one from 1 to {LAST_PORT}"
    if not 0 <= _weight(instance) <= _HEAVIEST:
        return f"has the weight {_weight(instance)}: write one from 0 to {_HEAVIEST}"
    return ""


def _flaw_of_address(address: str, forbidden: Networks) -> str:
    if not address:
        return "has no address, and its node has none"
    ip, shown = as_nginx_reads(address), quoted(address)
    if forbidden and is_within(address, forbidden):
        return f"has the address {shown}, which the platform forbids"
    if ip is None:
        return f"has the address {shown}, which is no IP address: nobody looks up names"
    if ip.is_unspecified:
        return f"has the address {shown}, which is the gateway's own machine"
    return ""
