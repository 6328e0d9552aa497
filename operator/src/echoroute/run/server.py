"""The operator's own pages: /metrics, /healthz, /readyz, and in file mode the statuses."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from echoroute.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `/readyz?verbose`. Only a `gating` one decides whether the operator is ready."""

    name: str
    ok: bool
    detail: str = ""
    gating: bool = False


class Address(NamedTuple):
    """Where the server listens; an empty host means all interfaces."""

    host: str
    port: int

    @classmethod
    def parse(cls, bind: str) -> "Address":
        host, _, port = bind.rpartition(":")
        return cls(host.strip("[]"), int(port))


async def serve(
    address: Address, checks: Callable[[], list[Check]], pages: Mapping[str, Callable[[], str | None]]
) -> web.AppRunner:
    """Listen; the caller cleans the runner up. Raises `SettingsError` where the address cannot be had.

    `pages` gives JSON by path; where that is None, the answer is 404.
    """
    app = web.Application()
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/healthz", _healthz)

    async def readyz(request: web.Request) -> web.Response:
        return _readyz(checks(), verbose="verbose" in request.query)

    app.router.add_get("/readyz", readyz)
    for path, page in pages.items():
        app.router.add_get(path, _json(page))
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host or None, address.port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(f"ECHOROUTE_BIND: {address.host}:{address.port}: {error.strerror}") from error
    return runner


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _json(page: Callable[[], str | None]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        text = page()
        if text is None:
            raise web.HTTPNotFound
        return web.Response(text=text, content_type="application/json")

    return answer


async def _healthz(_: web.Request) -> web.Response:
    # Answering at all is the proof: the event loop turns.
    return web.Response(text="ok\n")


def _readyz(checks: list[Check], *, verbose: bool) -> web.Response:
    ready = all(check.ok for check in checks if check.gating)
    lines = [
        f"[{'+' if check.ok else '-'}]{check.name}{': ' if check.detail else ''}{check.detail}" for check in checks
    ]
    text = "\n".join([*lines, "ready" if ready else "not ready"]) if verbose else "ok" if ready else "not ready"
    return web.Response(text=f"{text}\n", status=200 if ready else 503)
