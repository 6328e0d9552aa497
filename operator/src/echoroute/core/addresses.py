"""Addresses as the gateway reads them, and those at which no service of an EchoRoute may have an instance."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Networks = tuple[IPv4Network | IPv6Network, ...]

# nginx reads each of the four parts as decimal digits: any number of leading zeros, or no digit at all ("127...1").
# Python's parser refuses these.
_DOTTED = re.compile(r"[0-9]*(?:\.[0-9]*){3}")
_SOCKET = "unix:"  # a socket on the gateway's own disk, in any letter case


def networks(items: tuple[str, ...]) -> Networks:
    """The networks of CIDR blocks or addresses; raises `ValueError` that names what is neither."""
    return tuple(ip_network(item, strict=False) for item in items)


def is_within(address: str, forbidden: Networks) -> bool:
    """Whether the gateway would reach one of the networks at an address of Consul's, as nginx reads it.

    A host name is in none: APISIX does not look it up. A Unix socket is forbidden wherever a network is.
    """
    text = address.strip()
    if text.lower().startswith(_SOCKET):
        return bool(forbidden)
    found = _parsed(text)
    return found is not None and any(found in network for network in forbidden if network.version == found.version)


@lru_cache(maxsize=4096)
def as_nginx_reads(address: str) -> IPv4Address | IPv6Address | None:
    """An address as nginx reads it: no zone, brackets around IPv6 alone. None for what is none."""
    host = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        found = ip_address(plain(host))
    except ValueError:
        return None
    misplaced = "%" in host or (host != address and found.version == 4)
    # nginx takes this one for an error of its own.
    return None if misplaced or found == IPv4Address("255.255.255.255") else found


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(plain(_host(text)))
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _host(text: str) -> str:
    """Without what nginx takes for a port (which then counts, not Consul's), brackets and a zone."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.partition("%")[0]


def plain(host: str) -> str:
    """An address whose IPv4 part, all of it or the end of an IPv6 one, is written as Python's parser wants it."""
    front, colon, dotted = host.rpartition(":")
    if _DOTTED.fullmatch(dotted):
        dotted = ".".join(part.lstrip("0") or "0" for part in dotted.split("."))
    return f"{front}{colon}{dotted}"
