"""A load balancer's one address in front of several agents: each connection goes to the next of a list."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle


@contextmanager
def balanced(ports: Sequence[int]) -> Iterator[int]:
    """Listens on a free port, which it yields; the turns of `ports` are repeated."""
    turns = cycle(ports)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_forward, args=(client, next(turns)), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _forward(client: socket.socket, port: int) -> None:
    """One request and its answer, after which Consul closes."""
    with client, socket.create_connection(("127.0.0.1", port)) as agent:
        answering = threading.Thread(target=_copy, args=(agent, client), daemon=True)
        answering.start()
        _copy(client, agent)
        answering.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
