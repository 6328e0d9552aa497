"""kopf's requests: they show what ours do, and their connections end with its loop."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer
from echoroute.kube import account as module
from echoroute.kube.account import Account
from echoroute.kube.api import KubernetesApi
from echoroute.kube.login import Login
from kubernetes.aio.config import incluster_config

from .accounts import Server, serving, write

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


def test_a_loop_that_ends_leaves_no_connection_open(directory: Path) -> None:
    with _answer_that_never_ends(directory) as url:
        write(directory, Server(url), {"token": "any"}, ca="ca.crt")

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


async def test_kopfs_requests_show_what_ours_do(directory: Path, monkeypatch) -> None:
    """They are made in another thread's loop."""
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with serving() as server:
        (directory / "token").write_text("first")
        write(directory, server, {"tokenFile": "token"})
        account = await Account.open()
        home = asyncio.get_running_loop()

        def kopf() -> list[int]:
            async def ask() -> list[int]:
                login = Login(account, home)
                async with await login.session() as session:
                    statuses = []
                    for token in ("first", "second"):
                        server.good = token
                        (directory / "token").write_text(token)
                        async with session.get(f"{account.host}/a") as response:
                            statuses.append(response.status)
                    return statuses

            return asyncio.run(ask())

        assert await asyncio.to_thread(kopf) == [200, 200]
        assert server.shown == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_login_that_is_asked_for_again_and_again_waits(directory: Path) -> None:
    """kopf asks for it after each 401."""
    async with serving() as server:
        write(directory, server, {"token": "wrong"})
        login = Login(await Account.open(), asyncio.get_running_loop())
        began = time.monotonic()
        for _ in range(3):
            await (await login.session()).close()
        assert time.monotonic() - began > 1.0


async def test_in_a_pod_both_ask_at_the_address_of_the_environment_with_the_pods_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet replaces the token in its file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    token = tmp_path / "token"
    token.write_text("first")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr(module, "_IN_CLUSTER_TOKEN", token)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    server = Server(scheme="bearer")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    running = TestServer(app, scheme="https")
    await running.start_server(ssl=context)
    async with running:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(running.port))
        account = await Account.open()
        async with KubernetesApi(account, 1) as api, await Login(account, asyncio.get_running_loop()).session() as kopf:
            assert await api.get("/a") == {"kind": "Fine"}
            server.good = "second"
            token.write_text("second")
            async with kopf.get(f"{account.host}/a") as response:
                assert response.status == 200
            assert await api.get("/a") == {"kind": "Fine"}
    assert server.shown == ["bearer first", "bearer first", "bearer second", "bearer second"]
