"""What an EchoRoute's evaluation depends on beside its spec: inputs, each with a name and a value that may change.

A spec names its inputs, and `resolve` says what their values make of it. Another value changes what the EchoRoutes that
use it ask for, and needs no new spec.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from echoroute.core.facts import Refusal
from echoroute.core.reasons import Reason

SERVICE: Final = "service"
"""The kind of input that a Consul service is: where its instances are."""


class Input(NamedTuple):
    """One input, by its kind and name."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Service:
    """What evaluation has to know of a service."""

    known: bool = True
    """Whether its addresses are known, or need not be."""
    forbidden: str = ""
    """Its instance at a forbidden address, as `id (address)`."""


class Inputs(Protocol):
    """The values of today."""

    def service(self, name: str) -> Service: ...


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the inputs make of a spec that is accepted."""

    refusal: Refusal | None = None
    waits: str = ""
    """Why nothing of it is written yet; what the gateway holds already is confirmed all the same."""


def resolve(used: Iterable[Input], inputs: Inputs) -> Resolution:
    """Judge a spec by the values of the inputs that it uses."""
    for input_ in used:
        service = inputs.service(input_.name)
        if not service.known:
            return Resolution(waits=f"Consul has not said yet at which addresses service {input_.name!r} is")
        if service.forbidden:
            return Resolution(Refusal(Reason.FORBIDDEN_ADDRESS, _forbidden(input_.name, service.forbidden)))
    return Resolution()


def _forbidden(service: str, instance: str) -> str:
    return (
        f"service {service!r} has an instance at an address that the platform forbids: {instance}; "
        "register it elsewhere in Consul, or ask for another ECHOROUTE_FORBIDDEN_ADDRESSES"
    )
