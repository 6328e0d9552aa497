"""The echo service's own server: its socket, and how long it goes on at the end."""

import socket

import pytest
from consul_init import Settings
from echo_service.server import _listen, _seconds_for_open_requests
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


@pytest.mark.parametrize(
    ("stop_timeout", "seconds", "why"),
    [
        ("25s", 17, "the default: 2 s of drain and 6 s for Consul go before"),
        ("8100ms", 1, "the least that is accepted: with 0 uvicorn would cut off open requests at once"),
    ],
)
def test_open_requests_get_what_is_left(stop_timeout: str, seconds: int, why: str) -> None:
    variables = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "SERVICE_STOP_TIMEOUT": stop_timeout}
    assert _seconds_for_open_requests(Settings.from_env(variables)) == seconds, why
