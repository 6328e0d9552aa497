"""What may stand where a host is asked for."""

import re
from ipaddress import IPv6Address, ip_address

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
# RFC 1123, and the underscore that container networks allow. What it refuses, `socket.getaddrinfo` may raise
# UnicodeError for.
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


def is_host(text: str) -> bool:
    """Whether it is an IP address (without brackets, and without a zone, which means nothing elsewhere) or a name."""
    try:
        ip_address(text)
    except ValueError:
        return len(text) <= 253 and _NAME.fullmatch(text) is not None
    return "%" not in text


def is_ipv6(text: str) -> bool:
    """Whether it is an IPv6 address, without brackets and zone."""
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
