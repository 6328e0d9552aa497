"""Forbidden addresses: in whatever form Consul has one that the gateway would connect to."""

import pytest
from echoroute.core.addresses import is_within, networks

PODS = networks((
    "127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8",
))  # fmt: skip


@pytest.mark.parametrize(
    ("address", "forbidden", "why"),
    [
        ("127.0.0.1", True, "loopback"),
        ("127.8.9.10", True, "all of it"),
        ("127.000.000.001", True, "nginx reads leading zeros as decimal digits"),
        ("0000000000127.0.0.1", True, "however many they are"),
        (f"{'0' * 5000}127.0.0.1", True, "more digits than Python makes a number of"),
        ("127...1", True, "nginx reads a part without digits as 0"),
        ("...", True, "all parts, which is the unspecified address"),
        ("127.0.0.1:9", True, "nginx takes a port in the address"),
        ("...:9", True, "both at once"),
        ("[::1]:9", True, "a port behind brackets"),
        ("[::ffff:127...1]", True, "a part without digits in an IPv6 address"),
        ("unix:/run/some.sock", True, "a socket on the gateway's disk, which nginx connects to"),
        ("UNIX:/run/some.sock", True, "in any letter case"),
        ("::1", True, "loopback of IPv6"),
        ("[::1]", True, "in brackets, as an address with a port has it"),
        ("0:0:0:0:0:0:0:1", True, "written out"),
        ("::ffff:127.0.0.1", True, "an IPv4 address in an IPv6 one"),
        ("::FFFF:7F00:1", True, "the same in hex"),
        ("fe80::1%eth0", True, "link-local, with its zone"),
        ("169.254.169.254", True, "the metadata of a cloud"),
        ("0.0.0.0", True, "unspecified: this machine"),  # noqa: S104 - nothing is bound to it
        ("::", True, "unspecified of IPv6"),
        ("239.1.2.3", True, "multicast"),
        (" 127.0.0.1 ", True, "with blanks around it"),
        ("10.0.0.1", False, "a pod"),
        ("2001:db8::7", False, "a pod with IPv6"),
        ("128.0.0.1", False, "beside loopback"),
        ("", False, "none: APISIX answers 502"),
        ("localhost", False, "a host name: APISIX does not look it up"),
        ("127.0.0.1.example.com", False, "a host name"),
        ("999.1.1.1", False, "no address"),
        ("10.0.0.1:9", False, "a pod, with a port"),
        ("10..1", False, "three parts are no address"),
        ("unix.example.com", False, "a host name"),
    ],
)
def test_is_within(address, forbidden, why):
    assert is_within(address, PODS) is forbidden, why


def test_nothing_is_forbidden_by_default():
    assert not is_within("127.0.0.1", ())
    assert not is_within("unix:/run/some.sock", ())


def test_what_is_no_network_is_named():
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        networks(("127.0.0.0/8", "10.0.0.0/99"))
