"""A small HTTP server with scripted answers, for what a real Consul does not do on demand."""

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext

import pytest
from consul_init.settings import Settings

from .fake_consul import Consul

Reply = tuple[int, str] | tuple[int, str, dict[str, str]]


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client_port: int


@dataclass
class Server:
    """Answers every request with what `reply` says, and remembers it."""

    host: str
    reply: Callable[[Seen], Reply]
    seen: list[Seen] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    """Ports of clients whose connection has ended."""
    port: int = 0

    @contextmanager
    def running(self, tls: SSLContext | None = None, port: int = 0) -> Iterator["Server"]:
        server = _HttpServer((self.host, port), _handler(self))
        server.tls = tls
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _HttpServer(ThreadingHTTPServer):
    tls: SSLContext | None = None

    def finish_request(self, request: object, client_address: object) -> None:
        """TLS begins in the connection's own thread; a client that does not trust us is no error here."""
        assert isinstance(request, socket.socket)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError:
            request.close()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            port = self.client_address[1]
            seen = Seen(self.command, self.path, dict(self.headers.items()), body, port)
            server.seen.append(seen)
            status, text, *headers = server.reply(seen)
            self.send_response(status)
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = _answer  # noqa: N815 - the names that http.server calls

        def finish(self) -> None:
            super().finish()
            server.closed.append(self.client_address[1])

        def log_message(self, *_arguments: object) -> None:
            pass

    return Handler


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered, as that of a process that is stopped."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def scripted() -> Iterator[Callable[..., Server]]:
    """A factory of running servers; `reply` gets what has arrived and says status and body."""
    with ExitStack() as stack:

        def start(
            reply: Callable[[Seen], Reply], host: str = "127.0.0.1", tls: SSLContext | None = None, port: int = 0
        ) -> Server:
            return stack.enter_context(Server(host, reply).running(tls, port))

        yield start


@pytest.fixture
def consul() -> Consul:
    """An agent that keeps what it is given."""
    return Consul()


@pytest.fixture
def settings(scripted: Callable[..., Server], consul: Consul) -> Settings:
    """Of an instance that `consul` is to hold."""
    variables = {
        "SERVICE_NAME": "echo",
        "SERVICE_PORT": "8000",
        "SERVICE_ADDRESS": "10.0.0.7",
        "SERVICE_DRAIN": "100ms",
        "CONSUL_HTTP_ADDR": f"127.0.0.1:{scripted(consul).port}",
        "CONSUL_INIT_SOCKET": f"@{secrets.token_hex(8)}",
    }
    return Settings.from_env(variables)
