"""Which address others reach this instance at, and why that one."""

import socket
from dataclasses import dataclass
from ipaddress import ip_address

from consul_init.consul_settings import ConsulAddress
from consul_init.errors import SettingsError
from consul_init.settings import Settings

# Connecting a UDP socket sends nothing: the kernel only chooses a route, and with it the source address. These
# are documentation addresses (RFC 5737, RFC 3849), which stand for 'anywhere outside'.
_OUTSIDE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True)
class InstanceAddress:
    """An IP address or host name, without brackets, and the reason it was taken."""

    host: str
    reason: str


def instance_address(settings: Settings) -> InstanceAddress:
    """`SERVICE_ADDRESS`, else `POD_IP`, else the address from which this host reaches Consul or the outside.

    Raises SettingsError where the host has no such address.
    """
    if settings.address is not None:
        return InstanceAddress(settings.address, f"{settings.address_variable} says so")
    outbound = _towards_consul(settings.consul.address) or _towards_outside()
    if outbound is None:
        raise SettingsError("SERVICE_ADDRESS", "is not set, nor is POD_IP, and this host has no outbound address")
    return outbound


def _towards_consul(consul: ConsulAddress) -> InstanceAddress | None:
    if consul.scheme == "unix":
        return None
    try:
        found = socket.getaddrinfo(consul.host, consul.port, type=socket.SOCK_DGRAM)
    except OSError:
        return None
    for family, _, _, _, target in found:
        source = _source_address(family, str(target[0]))
        if source is not None:
            return InstanceAddress(source, f"it is the outbound address towards Consul at {target[0]}")
    return None


def _towards_outside() -> InstanceAddress | None:
    for family, target in _OUTSIDE:
        source = _source_address(family, target)
        if source is not None:
            return InstanceAddress(source, "it is this host's outbound address")
    return None


def _source_address(family: int, target: str) -> str | None:
    """None for no route, and for loopback: an agent on this host says nothing about how others reach us."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            source = str(probe.getsockname()[0])
    except OSError:
        return None
    found = ip_address(source.partition("%")[0])
    return None if found.is_loopback or found.is_link_local else str(found)
