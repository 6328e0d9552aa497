"""A raw HTTP/1.1 server, since what matters here is what a connection does, and how often a request arrives."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from echoroute.gateway.admin_api import AdminApi
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls

KEY = "the-admin-key"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived: on which connection, and as the how-manieth request on it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    nth: int


class _Close(Exception):
    def __init__(self, last_words: bytes = b"") -> None:
        super().__init__()
        self.last_words = last_words


class _Reset(Exception):
    pass


@dataclass
class RawServer:
    """Answers each request with the bytes that `answer` gives; `seen` counts what arrived."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    open_connections: int = 0
    most_connections: int = 0
    answer: Callable[[Seen], bytes] = lambda seen: RawServer.reply(200, {})
    delay: float = 0.0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: int = 0
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @staticmethod
    def reply(
        status: int, body: object = None, *, headers: dict[str, str] | None = None, text: str | None = None
    ) -> bytes:
        """An HTTP answer: JSON as APISIX labels it, or `text` as HTML."""
        content = (json.dumps(body) if text is None else text).encode()
        lines = {
            "Content-Type": "application/json" if text is None else "text/html; charset=utf-8",
            "Content-Length": str(len(content)),
            "Server": "APISIX/3.18.0",
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {status} Reason\r\n{head}\r\n".encode() + content

    def always(self, status: int, body: object = None, **how: object) -> None:
        self.answer = lambda seen: self.reply(status, body, **how)

    @staticmethod
    def close_unanswered(seen: Seen) -> bytes:
        raise _Close

    @staticmethod
    def last_words(partial: bytes) -> bytes:
        raise _Close(partial)

    @staticmethod
    def reset(seen: Seen) -> bytes:
        raise _Reset

    @property
    def writes(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.method != "GET"]

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number, nth = self._connections, 0
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        try:
            while True:
                nth += 1
                seen = await _read(reader, number, nth)
                self.seen.append(seen)
                self.arrived.set()
                await asyncio.sleep(self.delay)
                writer.write(self.answer(seen))
                await writer.drain()
        except _Reset:
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        except _Close as close:
            writer.write(close.last_words)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, connection: int, nth: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body, connection, nth)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    raw = RawServer()
    listener = await asyncio.start_server(raw.connected, "127.0.0.1", 0, ssl=tls)
    raw.port = listener.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        listener.close()
        await raw.stop()


@pytest.fixture
async def server() -> AsyncIterator[RawServer]:
    async with serving() as raw:
        yield raw


@pytest.fixture
def serve() -> Callable[[ssl.SSLContext | None], AbstractAsyncContextManager[RawServer]]:
    return serving


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., AdminApi]]:
    made: list[AdminApi] = []

    def connect(url: str, **settings: object) -> AdminApi:
        defaults = {
            "key": Credential("ECHOROUTE_APISIX_ADMIN_KEY", value=KEY),
            "tls": Tls(),
            "concurrency": 8,
            "max_writes_per_second": None,
        }
        made.append(AdminApi(url, **{**defaults, **settings}))
        return made[-1]

    yield connect
    for api in made:
        await api.aclose()


@pytest.fixture
def api(server: RawServer, connect: Callable[..., AdminApi]) -> AdminApi:
    return connect(f"http://127.0.0.1:{server.port}")
