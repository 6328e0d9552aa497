"""The echo service's own socket."""

import socket

import pytest
from echo_service.server import _listen
from echo_service.settings import EchoSettings


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """The body of an answer follows its head at once, also on a connection that is used again."""
    settings = EchoSettings.from_env({"SERVICE_NAME": "echo", "SERVICE_PORT": "0"})
    with _listen(settings) as listener, socket.create_connection(listener.getsockname()[:2]):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("bind", "reached"), [("0.0.0.0", {"4"}), ("::", {"4", "6"}), ("::1", {"6"})])  # noqa: S104
def test_both_families_where_all_addresses_are_meant(bind: str, reached: set[str]) -> None:
    """A pod with two families is probed at the one that is its first."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    settings = EchoSettings.from_env({"SERVICE_NAME": "echo", "SERVICE_PORT": "0", "ECHO_BIND": bind})
    with _listen(settings) as listener:
        port = listener.getsockname()[1]
        families = {"4": (socket.AF_INET, "127.0.0.1"), "6": (socket.AF_INET6, "::1")}
        found = set()
        for family, (kind, address) in families.items():
            with socket.socket(kind) as client:
                if client.connect_ex((address, port)) == 0:
                    found.add(family)
    assert found == reached
