"""Which address is taken, and that the reason is told."""

import socket
import subprocess
import sys

import pytest
from consul_init import address
from consul_init.address import instance_address
from consul_init.errors import SettingsError
from consul_init.settings import Settings


def settings(**variables: str) -> Settings:
    return Settings.from_env({"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", **variables})


@pytest.mark.parametrize("variable", ["SERVICE_ADDRESS", "POD_IP"])
def test_what_is_said_is_taken(variable: str) -> None:
    found = instance_address(settings(**{variable: "10.0.0.7"}))
    assert (found.host, found.reason) == ("10.0.0.7", f"{variable} says so")


@pytest.fixture
def outbound() -> str:
    """This machine's own address on the way out, which the tests need."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no route to anywhere")
        address: str = probe.getsockname()[0]
    return address


@pytest.mark.parametrize("consul", ["127.0.0.1:8500", "unix:///run/consul.sock"])
def test_an_agent_on_this_host_says_nothing_about_our_address(consul: str, outbound: str) -> None:
    """Else every service beside a local agent would be registered as 127.0.0.1, where no gateway finds it."""
    found = instance_address(settings(CONSUL_HTTP_ADDR=consul))
    assert (found.host, found.reason) == (outbound, "it is this host's outbound address")


def test_an_agent_elsewhere_is_what_the_route_is_asked_for(outbound: str) -> None:
    found = instance_address(settings(CONSUL_HTTP_ADDR="192.0.2.1:8500"))
    assert (found.host, found.reason) == (outbound, "it is the outbound address towards Consul at 192.0.2.1")


def test_a_consul_that_cannot_be_resolved_does_not_stop_the_start(outbound: str) -> None:
    assert instance_address(settings(CONSUL_HTTP_ADDR="no-such-host.invalid:8500")).host == outbound


def test_without_any_route_the_variable_to_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_OUTSIDE", ())
    with pytest.raises(SettingsError, match="SERVICE_ADDRESS is not set, nor is POD_IP"):
        instance_address(settings())


# A network without any interface but loopback, which stands for one of which only IPv6 leads out.
ONLY_IPV6 = """
ip link set lo up
ip -6 address add 2001:db8:1::7/64 dev lo nodad
ip -6 route add default dev lo
exec "$@"
"""
TELL = """
import sys
from consul_init.address import instance_address
from consul_init.settings import Settings
variables = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "CONSUL_HTTP_ADDR": sys.argv[1]}
found = instance_address(Settings.from_env(variables))
print(found.host, found.reason)
"""


@pytest.mark.parametrize(
    ("consul", "reason"),
    [
        ("[::1]:8500", "it is this host's outbound address"),
        ("127.0.0.1:8500", "it is this host's outbound address"),
        ("[2001:db8:2::1]:8500", "it is the outbound address towards Consul at 2001:db8:2::1"),
    ],
)
def test_where_only_ipv6_leads_out(consul: str, reason: str) -> None:
    network = ["unshare", "--user", "--map-root-user", "--net", "sh", "-euc", ONLY_IPV6, "sh"]
    try:
        possible = subprocess.run([*network, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("no network namespaces, or no IPv6, here")
    told = subprocess.check_output([*network, sys.executable, "-c", TELL, consul], text=True)
    assert told == f"2001:db8:1::7 {reason}\n"
