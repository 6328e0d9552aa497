"""Runs the rest of the command line with names that a file says: `python with_names.py FILE consul-init's arguments`.

Each line of the file is a name and its addresses. It is read at each look-up, as DNS is asked.
"""

import socket
import sys
from pathlib import Path

from consul_init.cli import main

real = socket.getaddrinfo
names = Path(sys.argv[1])


def look_up(host: str, port: int, *arguments: int, **kinds: int) -> list[object]:
    entries = dict(line.split(maxsplit=1) for line in names.read_text().splitlines())
    found: list[object] = []
    for address in entries.get(host, host).split():
        found += real(address, port, *arguments, **kinds)
    return found


socket.getaddrinfo = look_up  # type: ignore[assignment]
sys.exit(main(sys.argv[2:]))
