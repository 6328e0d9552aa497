"""A server of the standard library with the synchronous context manager: signals do what they always did, later."""

import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from consul_init import Registered


class Handler(BaseHTTPRequestHandler):
    """Answers everything with ok."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        pass


logging.basicConfig(level=logging.INFO)
with ThreadingHTTPServer(("127.0.0.1", int(os.environ["SERVICE_PORT"])), Handler) as server, Registered():
    server.serve_forever()
