"""Telling a dead pod's check from one's own.

A pod that dies without leaving stays registered until Consul removes it, a minute later at the earliest, and its
address may be given to another pod meanwhile. That pod answers the dead one's health check, and gets the dead
one's traffic. So each check says whom it means, in a header, and this middleware refuses what is not meant for us.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from consul_init.health_check import INSTANCE_HEADER
from consul_init.log import LOGGER

# The types of ASGI's specification, which says `dict[str, Any]` (https://asgi.readthedocs.io/en/latest/specs/main.html).
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADER = INSTANCE_HEADER.lower().encode()


# What this process is registered as: by whichever presence registers it, and by none where a sidecar or wrapper does.
_published: list[str] = []


def publish(instance: str) -> None:
    """From now on checks that mean `instance` are ours."""
    _published.append(instance)


def withdraw(instance: str) -> None:
    """The other way round, once for each `publish`."""
    _published.remove(instance)


class InstanceGuard:
    """ASGI middleware: answers 421 (Misdirected Request, RFC 9110 section 15.5.20) to a check of another instance.

    It compares with what this process has registered, and lets everything through where that is nothing: then somebody
    else registers it, and only that one knows as what. `instance` is for an application that is told. Requests without
    the header pass untouched.
    """

    def __init__(self, app: ASGIApp, instance: str | None = None) -> None:
        self._app = app
        self._instance = instance
        self._refused = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        found = next((value for name, value in scope.get("headers", ()) if name == _HEADER), None)
        meant = None if found is None else found.decode(errors="replace")
        ours = _published if self._instance is None else [self._instance]
        if scope["type"] != "http" or meant is None or not ours or meant in ours:
            await self._app(scope, receive, send)
            return
        body = f"this is another instance: {', '.join(ours)}\n".encode()
        if not self._refused:
            self._refused = True
            LOGGER.warning("refused a health check that is meant for %r, and not for %s", meant, ", ".join(ours))
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 421, "headers": headers})
        await send({"type": "http.response.body", "body": body})
