"""Requests to the Kubernetes API: what is no configuration, and what is no answer."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from echoroute.errors import KubernetesError, SettingsError
from echoroute.kube.api import KubernetesApi

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
        await KubernetesApi(1).__aenter__()
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
        async with KubernetesApi(1) as api:
            with pytest.raises(KubernetesError, match="is this the Kubernetes API") as caught:
                await api.get("/version")
    assert caught.value.status == 0, why
