"""Requests of a client to the gateway, sent as they are written: nothing is added but Host and a body's length."""

import http.client
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


def ask(
    target: Target, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> Answer:
    """Sends one request on a connection of its own."""
    headers = headers or {}
    connection = http.client.HTTPConnection(urlsplit(target.gateway_url).netloc, timeout=15)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        if body is not None and "Content-Length" not in headers:
            connection.putheader("Content-Length", str(len(body.encode())))
        for name, value in headers.items():
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
