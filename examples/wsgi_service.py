"""Any WSGI application (Flask, Bottle, Pyramid, ...) with several workers, registered once:

consul-init run -- gunicorn --workers 3 --bind 0.0.0.0:8000 wsgi_service:app
"""

from collections.abc import Callable, Iterable

Environ = dict[str, str]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answers /health and /hello."""
    known = {"/health": b"ok", "/hello": b"hello world"}
    body = known.get(environ["PATH_INFO"])
    start_response("404 Not Found" if body is None else "200 OK", [("Content-Type", "text/plain")])
    return [body or b"not found"]
