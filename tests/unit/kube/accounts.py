"""An API server that takes one token, and the kubeconfig that leads to it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer


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
async def serving() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server


def write(directory: Path, server: Server, user: object, *, ca: str | None = None) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": server.url, "certificate-authority": ca}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": user}],
    }
    (directory / "config").write_text(json.dumps(config))
