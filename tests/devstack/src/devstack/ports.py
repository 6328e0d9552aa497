"""Free loopback ports for programs that want to be told theirs, and keep them over a restart."""

import random
import socket
from pathlib import Path

_LOWEST = 20_000
_FEWEST = 1_000
_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def _range() -> range:
    """Below the ephemeral ports: an outgoing connection can then never take the port of a part that is down."""
    try:
        highest = int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        highest = 32_768
    if highest - _LOWEST < _FEWEST:
        highest = 60_000  # all ports are ephemeral here: the retry of Stack.start has to do
    return range(_LOWEST, highest)


def pick_ports(count: int) -> list[int]:
    """Distinct ports that were free a moment ago on 127.0.0.1.

    At random, so that stacks that start at the same time seldom meet; where they do, the part that comes second
    fails to listen and its stack starts again on other ports.
    """
    held: list[socket.socket] = []
    try:
        for port in random.sample(_range(), k=min(len(_range()), 50 * count)):
            candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                candidate.close()
                continue
            held.append(candidate)
            if len(held) == count:
                return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
    msg = f"fewer than {count} free ports on 127.0.0.1"
    raise OSError(msg)
