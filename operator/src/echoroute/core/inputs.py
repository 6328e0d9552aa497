"""What an EchoRoute's evaluation depends on beside its spec: inputs, whose values may change.

A spec names its inputs, and `resolve` says what their values make of it. Another value changes what the EchoRoutes that
use it ask for, and needs no new spec. Today all inputs are instances in Consul: those of a service, as the gateway or
the operator resolves them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from echoroute.api.selection import Resolver, Selection
from echoroute.core.facts import Refusal
from echoroute.core.nodes import Nodes
from echoroute.core.reasons import Reason

Input = Selection


@dataclass(frozen=True, slots=True)
class Addresses:
    """What evaluation has to know of where the instances are of a service that the gateway resolves."""

    known: bool = True
    """Whether they are known, or need not be."""
    forbidden: str = ""
    """The instance at a forbidden one, as `id (address)`."""


class Inputs(Protocol):
    """The values of today."""

    @property
    def configured(self) -> bool:
        """Whether there is a Consul to ask."""
        ...

    def addresses(self, selection: Selection) -> Addresses: ...

    def nodes(self, selection: Selection) -> Nodes | None:
        """The nodes of what the operator resolves; None while Consul has not answered."""
        ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the inputs make of a spec that is accepted."""

    refusal: Refusal | None = None
    waits: str = ""
    """Why nothing of it is written yet; what the gateway holds already is confirmed all the same."""
    nodes: Mapping[Selection, Nodes] = field(default_factory=dict)
    """Of what the operator resolves, as far as it is known."""


def resolve(used: Iterable[Input], inputs: Inputs) -> Resolution:
    """Judge a spec by the values of the inputs that it uses."""
    nodes: dict[Selection, Nodes] = {}
    waits = ""
    for selection in sorted(used, key=str):
        if selection.resolver is Resolver.OPERATOR:
            if not inputs.configured:
                return Resolution(Refusal(Reason.CONSUL_NOT_CONFIGURED, _not_configured(selection)))
            found = inputs.nodes(selection)
            if found is not None:
                nodes[selection] = found
            continue
        addresses = inputs.addresses(selection)
        if addresses.forbidden:
            return Resolution(Refusal(Reason.FORBIDDEN_ADDRESS, _forbidden(selection, addresses.forbidden)))
        if not addresses.known and not waits:
            waits = f"Consul has not said yet at which addresses service {selection} is"
    return Resolution(waits=waits, nodes=nodes)


def _forbidden(selection: Selection, instance: str) -> str:
    return (
        f"service {selection} has an instance at an address that the platform forbids: {instance}; "
        "register it elsewhere in Consul, or ask for another ECHOROUTE_FORBIDDEN_ADDRESSES"
    )


def _not_configured(selection: Selection) -> str:
    return (
        f"the operator is to resolve service {selection} and has no Consul to ask: "
        "have CONSUL_HTTP_ADDR set, or write resolve: Gateway and no subset"
    )
