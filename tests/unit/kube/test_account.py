"""Credentials that change: read again in time, and after a refusal, for our requests and for kopf's."""

import asyncio
import json
import ssl
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer
from echoroute.errors import KubernetesError, SettingsError
from echoroute.kube import account as module
from echoroute.kube.account import Account
from echoroute.kube.api import KubernetesApi
from echoroute.kube.login import Login
from kubernetes.aio.config import incluster_config


@dataclass
class Server:
    """An API server that takes one token, and notes what it was shown."""

    url: str = ""
    good: str = "first"
    scheme: str = "Bearer"
    shown: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.shown.append(request.headers.get("Authorization", ""))
        if self.shown[-1] != f"{self.scheme} {self.good}":
            return web.json_response({"kind": "Status", "message": "Unauthorized"}, status=401)
        return web.json_response({"kind": "Fine"})


@asynccontextmanager
async def _serving() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path


def _write(directory: Path, server: Server, user: object, *, ca: str | None = None) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": server.url, "certificate-authority": ca}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": user}],
    }
    (directory / "config").write_text(json.dumps(config))


def _plugin(directory: Path, lives: float | None) -> dict[str, object]:
    """A program that gives what is in the file `token`, and counts its runs."""
    expiry = (datetime.now(UTC) + timedelta(seconds=lives or 0)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = '{"token": "$(cat token)"' + (f', "expirationTimestamp": "{expiry}"' if lives is not None else "") + "}"
    credential = f'{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {status}}}'
    text = f"#!/bin/sh\ncd {directory}\necho run >> runs\ncat <<EOF\n{credential}\nEOF\n"
    program = directory / "plugin"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    return {"exec": exec_}


async def test_a_token_file_that_was_replaced_is_read_after_a_refusal(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with _serving() as server:
        (directory / "token").write_text("first")
        _write(directory, server, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            assert await api.get("/a") == {"kind": "Fine"}
            server.good = "second"
            (directory / "token").write_text("second")
            assert await api.get("/a") == {"kind": "Fine"}
            assert server.shown == ["Bearer first", "Bearer first", "Bearer second"]


async def test_and_before_that_each_minute(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_EACH", 0.2)
    async with _serving() as server:
        (directory / "token").write_text("first")
        _write(directory, server, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            await api.get("/a")
            server.good = "second"
            (directory / "token").write_text("second")
            await asyncio.sleep(0.3)
            await api.get("/a")
            assert server.shown == ["Bearer first", "Bearer second"], "nothing was refused"


@pytest.mark.parametrize(
    ("lives", "runs", "why"),
    [
        (3600.0, 1, "it is good for an hour"),
        (None, 1, "without an end it is good until it is refused"),
        (0.0, 3, "over"),
    ],
)
async def test_an_exec_plugin_runs_again_when_its_credentials_end(
    directory: Path, monkeypatch, lives: float | None, runs: int, why: str
) -> None:
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with _serving() as server:
        (directory / "token").write_text("first")
        _write(directory, server, _plugin(directory, lives))
        async with KubernetesApi(await Account.open(), 1) as api:
            for _ in range(2):
                await api.get("/a")
            assert len((directory / "runs").read_text().splitlines()) == runs, why


async def test_an_exec_plugin_runs_again_after_a_refusal(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with _serving() as server:
        (directory / "token").write_text("first")
        _write(directory, server, _plugin(directory, 3600.0))
        async with KubernetesApi(await Account.open(), 1) as api:
            await api.get("/a")
            server.good = "second"
            (directory / "token").write_text("second")
            assert await api.get("/a") == {"kind": "Fine"}


def _certifying_plugin(directory: Path) -> dict[str, object]:
    """A program that gives the certificate and the key in the files `cert` and `key`."""
    program = directory / "plugin.py"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib\n"
        f"read = lambda name: pathlib.Path({str(directory)!r}, name).read_text()\n"
        'status = {"clientCertificateData": read("cert"), "clientKeyData": read("key")}\n'
        'credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}\n'
        "print(json.dumps(credential))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    exec_ = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    return {"exec": exec_}


async def test_an_exec_plugin_may_give_certificates_and_new_ones_after_a_refusal(directory: Path, monkeypatch) -> None:
    """Nothing else is shown then: neither a request of ours nor kopf's has a token."""
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    authority, shown = trustme.CA(), list[str]()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(directory / "ca.crt"))

    def issue(name: str) -> None:
        certificate = authority.issue_cert(common_name=name)
        (directory / "cert").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        (directory / "key").write_bytes(certificate.private_key_pem.bytes())

    async def answer(request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        assert request.transport is not None
        subject = (request.transport.get_extra_info("peercert") or {}).get("subject", ())
        shown.append(next((value for part in subject for field_, value in part if field_ == "commonName"), ""))
        return web.json_response({"kind": "Fine"}, status=200 if shown[-1] == good else 401)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    async with server:
        good = "first"
        issue(good)
        url = str(server.make_url("")).rstrip("/")
        _write(directory, Server(url), _certifying_plugin(directory), ca=str(directory / "ca.crt"))
        account = await Account.open()
        login = Login(account, asyncio.get_running_loop())
        async with KubernetesApi(account, 1) as api:
            assert await api.get("/a") == {"kind": "Fine"}
            good = "second"
            issue(good)
            assert await api.get("/a") == {"kind": "Fine"}
            async with await login.session() as kopf, kopf.get(f"{account.host}/a") as response:
                assert response.status == 200
            good = "third"
            issue(good)
            async with await login.session() as kopf, kopf.get(f"{account.host}/a") as response:
                assert response.status == 401, "kopf asks for another session then"
            async with await login.session() as kopf, kopf.get(f"{account.host}/a") as response:
                assert response.status == 200
    assert shown == ["first", "first", "second", "second", "second", "third"]


async def test_a_token_that_is_refused_for_good_is_read_again_rarely(directory: Path) -> None:
    async with _serving() as server:
        (directory / "token").write_text("wrong")
        _write(directory, server, _plugin(directory, 3600.0))
        async with KubernetesApi(await Account.open(), 1) as api:
            for _ in range(20):
                with pytest.raises(KubernetesError, match="HTTP 401"):
                    await api.get("/a")
        assert len((directory / "runs").read_text().splitlines()) <= 2, "not once for each request"


async def test_what_cannot_be_read_again_stays_and_is_told_once(directory: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(module, "_EACH", 0.0)
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with _serving() as server:
        (directory / "token").write_text("first")
        _write(directory, server, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            (directory / "config").unlink()
            for _ in range(3):
                assert await api.get("/a") == {"kind": "Fine"}
            assert len([line for line in caplog.messages if "cannot be read again" in line]) == 1
            _write(directory, server, {"tokenFile": "token"})
            await api.get("/a")
            assert "could be read" in caplog.messages[-1]


async def test_an_exec_plugin_that_gives_nothing_is_told_at_the_start(directory: Path) -> None:
    async with _serving() as server:
        _write(directory, server, {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}})
        with pytest.raises(SettingsError, match="the exec plugin has given no credentials"):
            await Account.open()


async def test_an_address_that_changes_is_followed(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_EACH", 0.0)
    (directory / "token").write_text("first")
    async with _serving() as old, _serving() as new:
        _write(directory, old, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            await api.get("/a")
            _write(directory, new, {"tokenFile": "token"})
            await api.get("/a")
        assert (len(old.shown), len(new.shown)) == (1, 1)


async def test_kopfs_requests_show_what_ours_do(directory: Path, monkeypatch) -> None:
    """They are made in another thread's loop."""
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with _serving() as server:
        (directory / "token").write_text("first")
        _write(directory, server, {"tokenFile": "token"})
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
    async with _serving() as server:
        _write(directory, server, {"token": "wrong"})
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
