"""Addresses at which no service of an EchoRoute may have an instance: those of the gateway's own neighbours."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]

# nginx reads an address with leading zeros as decimal, where Python's parser refuses it.
_DOTTED = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){3}")


def networks(items: tuple[str, ...]) -> Networks:
    """The networks of CIDR blocks or addresses; raises `ValueError` that names what is neither."""
    return tuple(ip_network(item, strict=False) for item in items)


def is_within(address: str, forbidden: Networks) -> bool:
    """Whether an address of Consul's is in one of the networks. A host name is not: APISIX does not look it up."""
    found = _parsed(address)
    return found is not None and any(found in network for network in forbidden if network.version == found.version)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    text = address.strip().strip("[]").partition("%")[0]
    if _DOTTED.fullmatch(text):
        text = ".".join(str(int(part)) for part in text.split("."))
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
