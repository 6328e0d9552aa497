"""A server of archives on loopback, by HTTPS, and ways in which such servers disappoint."""

import hashlib
import http.server
import io
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from devstack.archives import Archive
from devstack.versions import Version

Handler = http.server.BaseHTTPRequestHandler
Behaviour = Callable[[Handler, bytes], None]


def right(handler: Handler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def truncated(handler: Handler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def truncated_unseen(handler: Handler, content: bytes) -> None:
    """Without a length only the hash can tell."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def other(handler: Handler, content: bytes) -> None:
    right(handler, content + b"and more")


def not_found(handler: Handler, content: bytes) -> None:
    del content
    handler.send_error(404)


def to_http(handler: Handler, content: bytes) -> None:
    del content
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:9/archive")
    handler.end_headers()


@dataclass(slots=True)
class Releases:
    """What is served at each path, how, and who asked."""

    url: str
    contents: dict[str, tuple[bytes, Behaviour]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def publish(self, name: str, content: bytes, programs: dict[str, Version], behaviour: Behaviour = right) -> Archive:
        self.contents[f"/{name}"] = (content, behaviour)
        return Archive(f"{self.url}/{name}", "sha256", hashlib.sha256(content).hexdigest(), programs)

    def hanging(self, handler: Handler, content: bytes) -> None:
        del handler, content
        self.stopping.wait(30)

    def stalling(self, handler: Handler, content: bytes) -> None:
        """Begins well."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:100])
        handler.wfile.flush()
        self.stopping.wait(30)


@contextmanager
def serving(directory: Path) -> Iterator[tuple[Releases, Path]]:
    """A server, and the file of the authority that its certificate is from."""
    authority = trustme.CA()
    trusted = directory / "ca.crt"
    authority.cert_pem.write_to_path(trusted)
    releases = Releases("")

    class Served(Handler):
        def do_GET(self) -> None:  # noqa: N802 - the name is the library's
            releases.asked.append(self.path)
            content, behaviour = releases.contents[self.path]
            behaviour(self, content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            del format, args

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        releases.url = f"https://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield releases, trusted
        finally:
            releases.stopping.set()
            server.shutdown()
            thread.join()


def program(says: str) -> bytes:
    """A program that says a version."""
    return f"#!/bin/sh\necho '{says}'\n".encode()


def tar(*members: tuple[str, bytes]) -> bytes:
    """A tar.gz of regular files."""
    return tar_of(*((tarfile.TarInfo(name), content) for name, content in members))


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def zip_of(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()
