"""Credentials that a program gives: it runs again when they end, and after a refusal."""

import asyncio
import ssl
import stat
import sys
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

from .accounts import Server, serving, write


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
    async with serving() as server:
        (directory / "token").write_text("first")
        write(directory, server, _plugin(directory, lives))
        async with KubernetesApi(await Account.open(), 1) as api:
            for _ in range(2):
                await api.get("/a")
            assert len((directory / "runs").read_text().splitlines()) == runs, why


async def test_an_exec_plugin_runs_again_after_a_refusal(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with serving() as server:
        (directory / "token").write_text("first")
        write(directory, server, _plugin(directory, 3600.0))
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
        write(directory, Server(url), _certifying_plugin(directory), ca=str(directory / "ca.crt"))
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
    async with serving() as server:
        (directory / "token").write_text("wrong")
        write(directory, server, _plugin(directory, 3600.0))
        async with KubernetesApi(await Account.open(), 1) as api:
            for _ in range(20):
                with pytest.raises(KubernetesError, match="HTTP 401"):
                    await api.get("/a")
        assert len((directory / "runs").read_text().splitlines()) <= 2, "not once for each request"


async def test_an_exec_plugin_that_gives_nothing_is_told_at_the_start(directory: Path) -> None:
    async with serving() as server:
        write(directory, server, {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}})
        with pytest.raises(SettingsError, match="the exec plugin has given no credentials"):
            await Account.open()
