"""Requests of a client to the gateway, sent as they are written: nothing is added but Host and a body's length."""

import http.client
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from .target import Target


class Answer(NamedTuple):
    """An answer; names of headers are in lower case, and several of one name are joined by commas."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


Headers = Mapping[str, str] | Sequence[tuple[str, str]]
"""As pairs a name may be repeated."""


def ask(target: Target, method: str, path: str, headers: Headers = (), body: str | None = None) -> Answer:
    """Sends one request on a connection of its own."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    names = {name for name, _ in pairs}
    connection = http.client.HTTPConnection(urlsplit(target.gateway_url).netloc, timeout=15)
    try:
        connection.putrequest(method, path, skip_host="Host" in names, skip_accept_encoding=True)
        if body is not None and "Content-Length" not in names:
            connection.putheader("Content-Length", str(len(body.encode())))
        for name, value in pairs:
            connection.putheader(name, value)
        connection.endheaders(body.encode() if body is not None else None)
        answer = connection.getresponse()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            lower = name.lower()
            found[lower] = f"{found[lower]}, {value}" if lower in found else value
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()
