"""kopf's loop ends, and its connections with it."""

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientResponse
from echoroute.kube.account import Account
from echoroute.kube.login import Login

_BEGUN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"


@contextmanager
def _answer_that_never_ends(directory: Path) -> Iterator[str]:
    """An API server that begins to answer, and does not even take leave: it is busy, or frozen. Gives its URL."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.crt"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def serve(listening: socket.socket) -> ssl.SSLSocket:
        connection = context.wrap_socket(listening.accept()[0], server_side=True)
        connection.recv(1000)
        connection.sendall(_BEGUN)
        return connection

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as threads:
        serving = threads.submit(serve, listening)
        yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        serving.result(30).close()


def test_a_loop_that_ends_leaves_no_connection_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _answer_that_never_ends(tmp_path) as url:
        config = {
            "current-context": "a",
            "clusters": [{"name": "a", "cluster": {"server": url, "certificate-authority": "ca.crt"}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "users": [{"name": "a", "user": {"token": "any"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))

        async def watch() -> tuple[ClientResponse, socket.socket]:
            """Ends as kopf does: what it still reads, then the session. Kept, so that no collection closes it."""
            login = Login(await Account.open(), asyncio.get_running_loop())
            async with await login.session() as session:
                response = await session.get(f"{url}/watch")
                assert response.connection is not None
                assert response.connection.transport is not None
                used = response.connection.transport.get_extra_info("socket")
                response.close()
            login.abort()
            return response, used

        _, used = asyncio.run(watch())
        assert used.fileno() == -1
