"""Requests to the Kubernetes API: what is no configuration, and what is no answer."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from echoroute.errors import KubernetesError, NotLeading, SettingsError
from echoroute.kube.account import Account
from echoroute.kube.api import KubernetesApi
from echoroute.net.fence import Fence

_CONFIG = """
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: a, cluster: {server: "%s"}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
users: [{name: a, user: {token: abc}}]
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "there is no such file"),
        ("{}", "it has no context"),
        ("users: [{token: 's3cret", "it is no YAML"),
        (
            _CONFIG.replace("cluster: a,", "cluster: b,") % "http://127.0.0.1",
            "it names a cluster that it does not have",
        ),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, why: str
) -> None:
    file = tmp_path / "config"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(
        SettingsError, match=r"^the kubeconfig .* cannot be used: .*echoroute run --from DIR$"
    ) as caught:
        await Account.open()
    assert "s3cret" not in str(caught.value), why


@pytest.mark.parametrize(
    ("text", "why"),
    [("<html>hello</html>", "a proxy's page"), ("[]", "JSON, and not the API's"), ('{"kind":', "cut off")],
)
async def test_an_answer_that_is_none_is_trouble_and_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text)

    app = web.Application()
    app.router.add_get("/version", answer)
    async with TestServer(app) as server:
        (tmp_path / "config").write_text(_CONFIG % str(server.make_url("")).rstrip("/"))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        async with KubernetesApi(await Account.open(), 1) as api:
            with pytest.raises(KubernetesError, match="is this the Kubernetes API") as caught:
                await api.get("/version")
    assert caught.value.status == 0, why


SMALL, LARGE, HUGE = 10, 60_000, 150_000
"""Bytes of an object; a page has 100,000 at most in this test."""


@pytest.mark.parametrize(
    ("sizes", "limits", "why"),
    [
        ([], [500], "an empty list has one page"),
        ([SMALL] * 1001, [500, 500, 500], "no page but a large one is smaller than it may be"),
        ([LARGE] * 3, [500, 50, 5, 1, 2, 1, 2], "of large objects few fit; a single one is read, however large it is"),
        ([HUGE] * 2, [500, 50, 5, 1, 2, 1], "one that is larger than a page may be is a page by itself"),
        ([LARGE] * 2 + [SMALL] * 600, [500, 50, 5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 500], "pages grow again"),
    ],
)
@pytest.mark.parametrize("metadata_only", [False, True])
async def test_a_list_is_read_in_pages_of_which_each_fits_into_memory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    sizes: list[int],
    limits: list[int],
    why: str,
    metadata_only: bool,
) -> None:
    """An object may have a megabyte and more, and its metadata 300 KB."""
    monkeypatch.setattr("echoroute.kube.api._PAGE_SIZE", 100_000)
    asked: list[int] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(int(request.query["limit"]))
        begin = int(request.query.get("continue", "0"))
        end = begin + asked[-1]
        items = [
            {"metadata": {"namespace": "a", "name": str(n), "resourceVersion": "1", "labels": "x" * sizes[n]}}
            for n in range(begin, min(end, len(sizes)))
        ]
        more = {"continue": str(end)} if end < len(sizes) else {}
        return web.json_response({"metadata": {"resourceVersion": "1", **more}, "items": items})

    app = web.Application()
    app.router.add_get("/list", answer)
    async with TestServer(app) as server:
        (tmp_path / "config").write_text(_CONFIG % str(server.make_url("")).rstrip("/"))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        async with KubernetesApi(await Account.open(), 1) as api:
            pages = [page async for page in api.pages("/list", metadata_only=metadata_only)]
    found = [item["metadata"]["name"] for page in pages for item in cast("list[Any]", page["items"])]
    assert found == [str(n) for n in range(len(sizes))], why
    assert asked == limits, why


async def test_behind_a_closed_fence_reads_pass_and_writes_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.method)
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    fence = Fence()
    async with TestServer(app) as server:
        (tmp_path / "config").write_text(_CONFIG % str(server.make_url("")).rstrip("/"))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        async with KubernetesApi(await Account.open(), 2, fence=fence) as api:
            with pytest.raises(NotLeading):
                await api.merge_patch("/status", {}, manager="me")
            with pytest.raises(NotLeading):
                await api.create("/events", {})
            await api.get("/version")
            fence.open()
            await api.merge_patch("/status", {}, manager="me")
    assert seen == ["GET", "PATCH"]


@pytest.mark.parametrize(
    ("lines", "status", "why"),
    [
        (['{"type": "ADDED", "object": {}}', '{"type": "ERROR", "object": {"code": 410}}'], 410, "its version is gone"),
        (['{"type": "ADDED", "object": {}}', "<html>"], 0, "something between us and the API server answers"),
        (['{"type": "ADDED", "object": {}}', None], 0, "the connection has died without a word"),
    ],
)
async def test_a_watch_tells_what_came_and_why_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str | None], status: int, why: str
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.query["watch"] == "1"
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            if line is None:
                await asyncio.sleep(1)
            else:
                await response.write(f"{line}\n".encode())
        return response

    app = web.Application()
    app.router.add_get("/things", answer)
    got: list[str] = []
    async with TestServer(app) as server:
        (tmp_path / "config").write_text(_CONFIG % str(server.make_url("")).rstrip("/"))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        async with KubernetesApi(await Account.open(), 1) as api:

            async def follow() -> None:
                async for kind, _ in api.watch("/things", {}, silence=0.2):
                    got.append(kind)

            with pytest.raises(KubernetesError) as caught:
                await follow()
    assert got == ["ADDED"]
    assert caught.value.status == status, why
