"""`python serve_as.py https|grpcs|tcp CERTIFICATE KEY`: a service that speaks no plain HTTP, with the context manager.

Prints each state of the registration, and whether it was passing when that was waited for.
"""

import os
import socketserver
import ssl
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc
from consul_init import Registered, State
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

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


def serve_grpcs(certificate: str, key: str) -> grpc.Server:
    """`orders.Orders` is healthy, and `orders.Broken` is not. Whoever forgets the server ends it."""
    server = grpc.server(futures.ThreadPoolExecutor(2))
    servicer = health.HealthServicer()
    for name, status in (("", "SERVING"), ("orders.Orders", "SERVING"), ("orders.Broken", "NOT_SERVING")):
        servicer.set(name, health_pb2.HealthCheckResponse.ServingStatus.Value(status))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    pair = Path(key).read_bytes(), Path(certificate).read_bytes()
    server.add_secure_port(f"127.0.0.1:{PORT}", grpc.ssl_server_credentials([pair]))
    server.start()
    return server


def serve(kind: str, certificate: str, key: str) -> object:
    if kind == "grpcs":
        return serve_grpcs(certificate, key)
    server = Server(("127.0.0.1", PORT), Https if kind == "https" else Tcp)
    if kind == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


with Registered(on_change=on_change) as registered:
    serving = serve(*sys.argv[1:])
    say("registered", registered.wait_registered(30))
    say("passing", registered.wait_passing(30), registered.state)
    threading.Event().wait()
