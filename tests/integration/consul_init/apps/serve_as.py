"""`python serve_as.py https|tcp CERTIFICATE KEY`: a service that does not speak plain HTTP, with the context manager.

Prints each state of the registration, and whether it was passing when that was waited for.
"""

import os
import socketserver
import ssl
import sys
import threading

from consul_init import Registered, State

PORT = int(os.environ["SERVICE_PORT"])


class Https(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


class Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"hello\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def on_change(state: State, _output: str) -> None:
    say("state", state)


with Server(("127.0.0.1", PORT), Https if sys.argv[1] == "https" else Tcp) as server:
    if sys.argv[1] == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with Registered(on_change=on_change) as registered:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        say("registered", registered.wait_registered(30))
        say("passing", registered.wait_passing(30), registered.state)
        threading.Event().wait()
