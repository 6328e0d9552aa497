"""The gateway's version, as far as it tells."""

import re
from typing import Final

# Before it a read gave back more than was written (defaults filled in), and each comparison would find a difference.
OLDEST_SUPPORTED: Final = (3, 14)

# Older ones take a discovered IPv6 address without the brackets that nginx wants.
FIRST_WITH_IPV6: Final = (3, 18)

_SERVER: Final = re.compile(r"APISIX/(\d+)\.(\d+)")


def apisix_version(server: str) -> tuple[int, int] | None:
    """Major and minor version from a `Server` header (`APISIX/3.18.0`); None where the header does not tell."""
    found = _SERVER.match(server)
    return (int(found[1]), int(found[2])) if found else None
