"""The echo service's own socket."""

import socket

from echo_service.server import _listen
from echo_service.settings import EchoSettings


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """The body of an answer follows its head at once, also on a connection that is used again."""
    settings = EchoSettings.from_env({"SERVICE_NAME": "echo", "SERVICE_PORT": "0"})
    with _listen(settings) as listener, socket.create_connection(listener.getsockname()[:2]):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
