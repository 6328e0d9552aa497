"""Kubeconfigs as people have them: lists and kopf's watch come up with each, at one address."""

import asyncio
import json
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from devstack.echoroutes import create, route
from devstack.handles.answers import at
from devstack.handles.kube import Kube
from devstack.product import install
from devstack.stack import Stack
from echoroute.core.objects import JsonObject
from echoroute.kube.account import Account
from echoroute.kube.api import KubernetesApi
from echoroute.kube.watch import Watch
from pydantic import JsonValue, TypeAdapter

_JSON: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)
_EXEC_API = "client.authentication.k8s.io/v1"


class Known(NamedTuple):
    """What the devstack's own kubeconfig says."""

    server: str
    ca: str
    token: str


def _of(kube: Kube) -> Known:
    user = at(_JSON.validate_json(kube.kubeconfig.read_text()), "users", 0, "user")
    return Known(kube.server, str(kube.ca), str(at(user, "token")))


def _plugin(known: Known, directory: Path) -> dict[str, JsonValue]:
    """A program that gives the token."""
    status = {"token": known.token, "expirationTimestamp": "2099-01-01T00:00:00Z"}
    credential = {"apiVersion": _EXEC_API, "kind": "ExecCredential", "status": status}
    program = directory / "plugin"
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{json.dumps(credential)}\nEOF\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": _EXEC_API, "command": str(program), "interactiveMode": "Never"}}


def _token_file(known: Known, directory: Path) -> dict[str, JsonValue]:
    (directory / "token").write_text(known.token)
    return {"tokenFile": "token"}


def _write(path: Path, known: Known, user: dict[str, JsonValue], **cluster: JsonValue) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [
            {"name": "here", "cluster": {"server": known.server, "certificate-authority": known.ca, **cluster}}
        ],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "users": [{"name": "me", "user": user}],
    }
    path.write_text(json.dumps(config))


def _exec(known: Known, directory: Path) -> str:
    _write(directory / "config", known, _plugin(known, directory))
    return str(directory / "config")


def _file(known: Known, directory: Path) -> str:
    _write(directory / "config", known, _token_file(known, directory))
    return str(directory / "config")


def _relative(known: Known, directory: Path) -> str:
    (directory / "ca.crt").write_bytes(Path(known.ca).read_bytes())
    _write(directory / "config", known, {"token": known.token}, **{"certificate-authority": "ca.crt"})
    return str(directory / "config")


def _named(known: Known, directory: Path) -> str:
    """At an address that the certificate does not have."""
    server = known.server.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    _write(directory / "config", known, {"token": known.token}, server=server, **{"tls-server-name": "kubernetes"})
    return str(directory / "config")


def _one_of_two(known: Known, directory: Path) -> str:
    return f"{directory / 'missing'}:{_file(known, directory)}"


@pytest.fixture
def installed(stack: Stack) -> Kube:
    install(stack)
    return stack.kube


@pytest.mark.parametrize("kubeconfig", [_exec, _file, _relative, _named, _one_of_two], ids=lambda one: one.__name__)
async def test_lists_and_watch_come_up(
    installed: Kube,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kubeconfig: Callable[[Known, Path], str],
) -> None:
    monkeypatch.setenv("KUBECONFIG", kubeconfig(_of(installed), tmp_path))
    seen: list[str] = []
    account = await Account.open()
    watch = Watch(account, lambda raw, _: seen.append(str(at(raw, "metadata", "name"))), [namespace])
    running = asyncio.create_task(watch.run())
    try:
        async with KubernetesApi(account, 1) as api:
            assert "gitVersion" in await api.get("/version")
            create(installed, [route("watched", namespace, "/watched")])
            async with asyncio.timeout(30):
                while "watched" not in seen:
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.05)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
