"""What may stand where a host is asked for."""

import re
from ipaddress import IPv6Address, ip_address

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
# RFC 1123, and the underscore that container networks allow. What it refuses, `socket.getaddrinfo` may raise
# UnicodeError for.
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
# A mistyped IPv4 address, or one of C's other spellings of it: no name ends so
# (https://url.spec.whatwg.org/#ends-in-a-number-checker).
_ENDS_IN_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9a-fA-F]*)\.?")


def is_host(text: str) -> bool:
    """Whether it is an IP address (without brackets, and without a zone, which means nothing elsewhere) or a name."""
    try:
        ip_address(text)
    except ValueError:
        return len(text) <= 253 and bool(_NAME.fullmatch(text)) and not _ENDS_IN_A_NUMBER.fullmatch(text)
    return "%" not in text


def is_reachable(text: str) -> bool:
    """Whether one host can be meant by it: not "any address", nor a group of hosts."""
    try:
        address = ip_address(text)
    except ValueError:
        return True
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    found = address if mapped is None else mapped
    return not (found.is_unspecified or found.is_multicast)


def is_ipv6(text: str) -> bool:
    """Whether it is an IPv6 address, without brackets and zone."""
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
