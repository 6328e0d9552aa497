"""Telling a dead pod's check from one's own.

A pod that dies without leaving stays registered until Consul removes it, a minute later at the earliest, and its
address may be given to another pod meanwhile. That pod answers the dead one's health check, and gets the dead
one's traffic. So each check says whom it means, in a header, and this middleware refuses what is not meant for us.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from consul_init.registration import INSTANCE_HEADER, Registration
from consul_init.settings import Settings

# The types of ASGI's specification, which says `dict[str, Any]` (https://asgi.readthedocs.io/en/latest/specs/main.html).
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADER = INSTANCE_HEADER.lower().encode()


class InstanceGuard:
    """ASGI middleware: answers 421 (Misdirected Request, RFC 9110 section 15.5.20) to a check of another instance.

    `instance` is the registration's; if not given it is read from the environment at the first such request.
    Requests without the header pass untouched.
    """

    def __init__(self, app: ASGIApp, instance: str | None = None) -> None:
        self._app = app
        self._instance = instance.encode() if instance is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        meant = next((value for name, value in scope.get("headers", ()) if name == _HEADER), None)
        if scope["type"] != "http" or meant is None or meant == self._own():
            await self._app(scope, receive, send)
            return
        body = b"this is another instance: " + self._own() + b"\n"
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 421, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _own(self) -> bytes:
        if self._instance is None:
            self._instance = Registration.from_settings(Settings.from_env()).instance.encode()
        return self._instance
