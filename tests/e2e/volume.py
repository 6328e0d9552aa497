"""Many requests for little CPU: one after the other on one connection, sent ahead of their answers, and nodes for them.

So the order in which the gateway meets them is the same in each run.
"""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import IO, NamedTuple

from devstack.ports import pick_ports

_AHEAD = 64
_TIMEOUT = 60.0
_HOST = "127.0.0.1"


class Answer(NamedTuple):
    """What came for one path."""

    path: str
    status: int
    body: str


def ask_all(netloc: str, paths: Iterable[str], headers: Mapping[str, str] = MappingProxyType({})) -> Iterator[Answer]:
    """GET each path, in this order. A gateway that ends the connection gets the rest on another one."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": netloc, **headers}.items())
    coming = iter(paths)
    asked: deque[str] = deque()
    while True:
        asked.extend(islice(coming, _AHEAD - len(asked)))
        if not asked:
            return
        yield from _on_one_connection(netloc, lines, asked, coming)


def _on_one_connection(netloc: str, lines: str, asked: deque[str], coming: Iterator[str]) -> Iterator[Answer]:
    """Ends with the connection, or when nothing is left; `asked` is then what still has no answer."""
    host, port = netloc.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=_TIMEOUT) as connection,
        connection.makefile("rb") as answers,
    ):
        connection.sendall(b"".join(_request(path, lines) for path in asked))
        first = True
        while asked:
            try:
                status, headers, body = _read(answers)
            except ConnectionError:
                if first:
                    raise
                return
            first = False
            yield Answer(asked.popleft(), status, body.decode())
            if headers.get(b"connection") == b"close":
                return
            if len(asked) <= _AHEAD // 2:
                more = list(islice(coming, _AHEAD - len(asked)))
                connection.sendall(b"".join(_request(path, lines) for path in more))
                asked.extend(more)


def _request(path: str, lines: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


def _read(answers: IO[bytes]) -> tuple[int, dict[bytes, bytes], bytes]:
    """Raises ConnectionError where nothing more comes."""
    first = answers.readline()
    if not first:
        msg = "the gateway ended the connection before an answer"
        raise ConnectionError(msg)
    headers = {}
    while (line := answers.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip().lower()
    return int(first.split()[1]), headers, answers.read(int(headers[b"content-length"]))


class _Named(asyncio.Protocol):
    """A node that answers each request with its name."""

    def __init__(self, name: str, connections: set[asyncio.Transport]) -> None:
        self._connections = connections
        self._rest = b""
        self._answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(name)}\r\n\r\n{name}".encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """A request without a body ends with its head."""
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(self._answer * len(heads))


@contextmanager
def named_nodes(names: Sequence[str]) -> Iterator[dict[str, int]]:
    """Nodes that answer any request with their name, in a thread of their own; their ports on 127.0.0.1."""
    ports = dict(zip(names, pick_ports(len(names)), strict=True))
    started, ended = threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(ports, started, ended),), name="named nodes")
    thread.start()
    try:
        if not started.wait(_TIMEOUT):
            msg = f"the nodes did not start: {ports}"
            raise TimeoutError(msg)
        yield ports
    finally:
        ended.set()
        thread.join(_TIMEOUT)
        loop.close()


async def _serve(ports: dict[str, int], started: threading.Event, ended: threading.Event) -> None:
    loop = asyncio.get_running_loop()
    connections: set[asyncio.Transport] = set()
    servers = [
        await loop.create_server(partial(_Named, name, connections), _HOST, port) for name, port in ports.items()
    ]
    started.set()
    await asyncio.to_thread(ended.wait)
    for server in servers:
        server.close()
    for connection in tuple(connections):
        connection.abort()
    for server in servers:
        await server.wait_closed()
