"""Credentials in files: read again in time, and after a refusal."""

import asyncio
from pathlib import Path

from echoroute.kube import account as module
from echoroute.kube.account import Account
from echoroute.kube.api import KubernetesApi

from .accounts import serving, write


async def test_a_token_file_that_was_replaced_is_read_after_a_refusal(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with serving() as server:
        (directory / "token").write_text("first")
        write(directory, server, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            assert await api.get("/a") == {"kind": "Fine"}
            server.good = "second"
            (directory / "token").write_text("second")
            assert await api.get("/a") == {"kind": "Fine"}
            assert server.shown == ["Bearer first", "Bearer first", "Bearer second"]


async def test_and_before_that_each_minute(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_EACH", 0.2)
    async with serving() as server:
        (directory / "token").write_text("first")
        write(directory, server, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            await api.get("/a")
            server.good = "second"
            (directory / "token").write_text("second")
            await asyncio.sleep(0.3)
            await api.get("/a")
            assert server.shown == ["Bearer first", "Bearer second"], "nothing was refused"


async def test_what_cannot_be_read_again_stays_and_is_told_once(directory: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(module, "_EACH", 0.0)
    monkeypatch.setattr(module, "_SOONEST", 0.0)
    async with serving() as server:
        (directory / "token").write_text("first")
        write(directory, server, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            (directory / "config").unlink()
            for _ in range(3):
                assert await api.get("/a") == {"kind": "Fine"}
            assert len([line for line in caplog.messages if "cannot be read again" in line]) == 1
            write(directory, server, {"tokenFile": "token"})
            await api.get("/a")
            assert "could be read" in caplog.messages[-1]


async def test_an_address_that_changes_is_followed(directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "_EACH", 0.0)
    (directory / "token").write_text("first")
    async with serving() as old, serving() as new:
        write(directory, old, {"tokenFile": "token"})
        async with KubernetesApi(await Account.open(), 1) as api:
            await api.get("/a")
            write(directory, new, {"tokenFile": "token"})
            await api.get("/a")
        assert (len(old.shown), len(new.shown)) == (1, 1)
