"""The instances of a service as Consul tells of them, and what the gateway's own discovery makes of each."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from echoroute.core.addresses import Networks, as_nginx_reads, is_within

SKIPPED: Final = "consul"
"""APISIX leaves out the service of this name, whatever it is told."""

_NEVER_DISCOVERED = f"APISIX never discovers a service called {SKIPPED!r}; write resolve: Operator in this backend"

LAST_PORT: Final = 65_535
_WITH_PORT: Final = re.compile(r"(\[[^]]*\]|[^:]*):([0-9]{1,5})")
_NAMED: Final = 5
"""How many unusable instances are named: a service may have thousands."""
_SHOWN: Final = 80
"""Characters of an id, an address or a name that somebody registered."""


class State(StrEnum):
    """What the checks of an instance, those of its node too, say together: the worst of them."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Instance:
    """One registration. What is missing or of another type is empty: '' or 0."""

    id: str
    service: str
    """The name that it is registered under; Consul's health API ignores letter case."""
    address: str
    node_address: str
    port: int
    state: State
    weights: tuple[int, int] = (1, 1)
    """While it is passing, and while it is warning."""
    tags: frozenset[str] = frozenset()
    meta: frozenset[tuple[str, str]] = frozenset()

    @property
    def endpoint(self) -> tuple[str, int]:
        """Where the gateway asks; two registrations of one endpoint are one instance. Without an address: nowhere."""
        return self.address or f"{self.node_address}/{self.id}", self.port


@dataclass(frozen=True, slots=True)
class Discovered:
    """How the gateway's own discovery sees a service."""

    healthy: int = 0
    """Instances that take requests."""
    total: int = 0
    failing: int = 0
    """Of the total those that do not pass their checks."""
    unusable: tuple[str, ...] = ()
    """Of the instances that pass their checks those that it cannot use: which, and why. It takes them all the same."""
    missed: str = ""
    """Why it does not discover the service, though Consul has instances; empty where it does."""
    forbidden: str = ""
    """The first instance at an address that is forbidden, as `id (address)`; empty where there is none."""


def discovered(
    service: str, instances: Sequence[Instance], *, forbidden: Networks = (), ipv6: bool = True
) -> Discovered:
    """Count as the gateway does; `ipv6` is whether it reaches IPv6 addresses without brackets.

    It finds a service under a name that some instance has exactly, and then takes those of all its spellings.
    """
    at_forbidden = _first_forbidden(instances, forbidden)
    names = {instance.service or service for instance in instances}
    if names and service not in names:
        return Discovered(missed=_spelled(names), forbidden=at_forbidden)
    total = len({instance.endpoint for instance in instances})
    if instances and service == SKIPPED:
        return Discovered(total=total, missed=_NEVER_DISCOVERED, forbidden=at_forbidden)
    passing = [instance for instance in instances if instance.state is State.PASSING]
    judged = [(instance, _flaw(instance, ipv6=ipv6)) for instance in passing]
    passes = {instance.endpoint for instance in passing}
    usable = {instance.endpoint for instance, flaw in judged if not flaw}
    return Discovered(
        healthy=0 if any(_spoils(instance.port) for instance in passing) else len(usable),
        total=total,
        failing=total - len(passes),
        unusable=tuple(sorted(f"{called(instance)} {flaw}" for instance, flaw in judged if flaw)),
        forbidden=at_forbidden,
    )


def needs_ipv6(instances: Iterable[Instance]) -> bool:
    """Whether it depends on the gateway's version what it can use."""
    return any(_flaw(instance, ipv6=True) != _flaw(instance, ipv6=False) for instance in instances)


def some_of(texts: tuple[str, ...]) -> str:
    """The first of them, and how many more there are."""
    more = len(texts) - _NAMED
    return "; ".join(texts[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _flaw(instance: Instance, *, ipv6: bool) -> str:
    """Why APISIX cannot use an instance, behind its id; empty where it can."""
    if not instance.address:
        return "has no address, and APISIX does not take its node's (with resolve: Operator it gets that)"
    ip, shown = as_nginx_reads(instance.address), quoted(instance.address)
    own = _WITH_PORT.fullmatch(instance.address) if ip is None else None
    if own is not None and int(own[2]) != instance.port:
        return f"has the address {shown} with a port in it, which APISIX asks in place of {instance.port}"
    ip = as_nginx_reads(own[1]) if own is not None else ip
    if ip is None:
        return f"has the address {shown}, which is no IP address: APISIX does not look up names"
    if ip.is_unspecified:
        return f"has the address {shown}, which is the gateway's own machine"
    if ip.version == 6 and not ipv6 and not instance.address.startswith("["):
        return f"has the IPv6 address {shown}, which APISIX reaches from 3.18 on"
    return _flaw_of_port(instance.port, shown)


def _flaw_of_port(port: int, address: str) -> str:
    if port == 0:
        return f"has no port, and APISIX asks port 80 of {address}"
    if _spoils(port):
        return f"has the port {port}, and APISIX refuses all instances of the service for it"
    return ""


def _spoils(port: int) -> bool:
    """Whether a port, which Consul takes, makes APISIX refuse the whole service."""
    return not 0 <= port <= LAST_PORT


def _spelled(names: Iterable[str]) -> str:
    found = ", ".join(quoted(name) for name in sorted(names)[:_NAMED])
    return f"Consul has {found}; write it so"


def _first_forbidden(instances: Iterable[Instance], forbidden: Networks) -> str:
    # Whatever their checks say: they may pass the next moment. The smallest, so that an unchanged set of instances says
    # the same each time.
    found = (f"{one.id} ({one.address})" for one in instances if forbidden and is_within(one.address, forbidden))
    return min(found, default="")


def called(instance: Instance) -> str:
    """An instance in a message."""
    return quoted(instance.id) if instance.id else "an instance without an id"


def quoted(text: str) -> str:
    """What somebody registered, in quotes and not too long."""
    return f"'{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}'"
