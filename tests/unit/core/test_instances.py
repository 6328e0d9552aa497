"""How the gateway's own discovery sees a service: tests/contract/test_odd_instances.py shows each on a gateway."""

from dataclasses import replace

import pytest
from echoroute.core.addresses import networks
from echoroute.core.instances import Instance, State, discovered, needs_ipv6

GOOD = Instance("good", "echo", "10.0.0.1", "10.9.9.9", 8080, State.PASSING)
CRITICAL, WARNING = replace(GOOD, state=State.CRITICAL), replace(GOOD, state=State.WARNING)


def other(**changes) -> Instance:
    return replace(GOOD, id="other", address="10.0.0.2", **changes)


@pytest.mark.parametrize(
    ("instances", "healthy", "total", "why"),
    [
        ((), 0, 0, "an unknown service, or one whose last instance left"),
        ((GOOD,), 1, 1, "the plain case"),
        ((WARNING,), 0, 1, "the gateway drops warning instances"),
        ((CRITICAL,), 0, 1, "and critical ones"),
        ((GOOD, GOOD), 1, 1, "one address and port registered twice"),
        ((GOOD, replace(GOOD, id="again")), 1, 1, "the same under two ids"),
        ((GOOD, replace(CRITICAL, id="old")), 1, 1, "an old registration of the same address beside the new one"),
        ((GOOD, replace(GOOD, port=81)), 2, 2, "two ports"),
        ((GOOD, other(state=State.CRITICAL)), 1, 2, "one of two"),
        (
            (GOOD, replace(GOOD, service="")),
            1,
            1,
            "Consul always tells the name: where it does not, it is the one asked for",
        ),
    ],
)
def test_counting(instances, healthy, total, why):
    seen = discovered("echo", instances)
    assert (seen.healthy, seen.total, seen.unusable, seen.missed) == (healthy, total, (), ""), why


@pytest.mark.parametrize(
    ("odd", "told", "why"),
    [
        ({"address": ""}, "has no address", "the node's address does not count"),
        ({"address": "localhost"}, "no IP address", "a name is not looked up"),
        ({"address": "echo.example"}, "no IP address", "nor this one"),
        ({"address": "10.0.0.1.example"}, "no IP address", "it looks like an address"),
        ({"address": " 10.0.0.1"}, "no IP address", "a blank before it"),
        ({"address": "10.0.0.1 "}, "no IP address", "a blank behind it"),
        ({"address": "10.0.1"}, "no IP address", "three numbers"),
        ({"address": "10.0.0.256"}, "no IP address", "a number above 255"),
        ({"address": "255.255.255.255"}, "no IP address", "nginx takes it for an error"),
        ({"address": "10.0.0.1/24"}, "no IP address", "a network"),
        ({"address": "http://10.0.0.1"}, "no IP address", "a scheme"),
        ({"address": "fe80::1%eth0"}, "no IP address", "a zone"),
        ({"address": "[fe80::1%eth0]"}, "no IP address", "a zone in brackets"),
        ({"address": "[10.0.0.1]"}, "no IP address", "brackets are for IPv6"),
        ({"address": "[::1"}, "no IP address", "half of the brackets"),
        ({"address": "unix:/run/x"}, "no IP address", "a socket is nobody's address"),
        ({"address": "10.0.0.1:9090"}, "asks in place of 8080", "its port counts, and not Consul's"),
        ({"address": "[::1]:9090"}, "asks in place of 8080", "behind brackets, too"),
        ({"address": "echo.example:8080"}, "no IP address", "a name stays one"),
        ({"address": "0.0.0.0"}, "gateway's own machine", "Consul refuses it today"),  # noqa: S104 - as registered
        ({"address": "::"}, "gateway's own machine", "the same of IPv6"),
        ({"port": 0}, "asks port 80 of '10.0.0.1'", "a stranger may answer there"),
        ({"address": "", "port": 0}, "has no address", "the worse of two"),
    ],
)
def test_what_the_gateway_cannot_use_is_named_and_not_counted(odd, told, why):
    bad = replace(GOOD, id="bad", **odd)
    alone, beside = discovered("echo", (bad,)), discovered("echo", (bad, other()))
    assert (alone.healthy, alone.total) == (0, 1), why
    assert (beside.healthy, beside.total) == (1, 2), why
    for seen in (alone, beside):
        assert len(seen.unusable) == 1
        assert seen.unusable[0].startswith("'bad' has ")
        assert told in seen.unusable[0], why


def test_one_without_an_address_is_not_where_its_node_is():
    """The good one beside it may be at just that address."""
    bare = replace(GOOD, id="bare", address="", node_address=GOOD.address)
    seen = discovered("echo", (GOOD, bare))
    assert (seen.healthy, seen.total, len(seen.unusable)) == (1, 2, 1)


def test_those_that_fail_their_checks_are_counted_apart():
    assert discovered("echo", (GOOD, other(port=0), replace(CRITICAL, address="10.0.0.3"))).failing == 1
    assert discovered("echo", (GOOD, other(port=-1))).failing == 0


def test_an_odd_one_that_does_not_pass_gets_no_requests_and_is_not_named():
    assert discovered("echo", (GOOD, other(port=0, state=State.CRITICAL))).unusable == ()


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "010.0.0.01", "::ffff:10.0.0.1", "2001:db8::1", "[2001:db8::1]", "10.0.0.1:8080", "[::1]:8080"],
)
def test_what_nginx_reads_as_an_address_counts(address):
    seen = discovered("echo", (replace(GOOD, address=address),))
    assert (seen.healthy, seen.unusable) == (1, ())


@pytest.mark.parametrize("port", [65_536, 70_000, -1])
def test_a_port_that_is_none_spoils_the_service(port):
    """Consul takes it, and APISIX then refuses all instances of the service."""
    seen = discovered("echo", (GOOD, other(port=port)))
    assert seen.healthy == 0
    assert seen.unusable == (f"'other' has the port {port}, and APISIX refuses all instances of the service for it",)
    assert discovered("echo", (GOOD, other(port=port, state=State.CRITICAL))).healthy == 1


@pytest.mark.parametrize(
    ("address", "before_3_18", "why"),
    [
        ("2001:db8::1", 0, "nginx wants brackets, and APISIX puts them from 3.18 on"),
        ("[2001:db8::1]", 1, "they are there"),
        ("10.0.0.1", 1, "IPv4"),
        ("::ffff:10.0.0.1", 0, "IPv4 as IPv6"),
    ],
)
def test_ipv6_counts_by_the_gateways_version(address, before_3_18, why):
    instances = (replace(GOOD, address=address),)
    assert discovered("echo", instances, ipv6=False).healthy == before_3_18, why
    assert needs_ipv6(instances) is not bool(before_3_18)


@pytest.mark.parametrize(
    ("asked", "registered", "healthy", "missed", "why"),
    [
        ("echo", ("echo",), 1, "", "its name"),
        ("Echo", ("echo",), 0, "Consul has 'echo'; write it so", "APISIX asks the catalog, which minds letter case"),
        ("ECHO", ("echo", "Echo"), 0, "Consul has 'Echo', 'echo'; write it so", "two others"),
        ("echo", ("echo", "Echo"), 2, "", "one has exactly this name: then the other spellings count as well"),
        (
            "consul",
            ("consul",),
            0,
            "APISIX never discovers a service called 'consul'; write resolve: Operator in this backend",
            "it skips that one",
        ),
        ("Consul", ("Consul",), 1, "", "and no other spelling"),
    ],
)
def test_names(asked, registered, healthy, missed, why):
    seen = discovered(asked, [replace(GOOD, service=name, port=n) for n, name in enumerate(registered, 1)])
    assert (seen.healthy, seen.missed) == (healthy, missed), why


def test_a_name_of_an_instance_that_fails_its_checks_counts_too():
    """It is in the catalog all the same."""
    assert discovered("Echo", (GOOD, other(service="Echo", state=State.CRITICAL))).healthy == 1


FORBIDDEN = networks(("127.0.0.0/8",))


@pytest.mark.parametrize(
    ("instances", "found", "why"),
    [
        ((), "", "no instance"),
        ((GOOD,), "", "another address"),
        ((GOOD, replace(GOOD, address="127.0.0.1")), "good (127.0.0.1)", "one of two"),
        ((replace(CRITICAL, address="127.0.0.1"),), "good (127.0.0.1)", "it may pass the next moment"),
        ((replace(GOOD, address="", node_address="127.0.0.1"),), "", "the gateway does not take the node's address"),
        ((replace(GOOD, address="127.0.0.1", port=0), GOOD), "good (127.0.0.1)", "an odd one counts"),
        ((replace(GOOD, address="127.0.0.1:80"),), "good (127.0.0.1:80)", "with a port in it, too"),
        (
            (replace(GOOD, address="127.0.0.2"), replace(GOOD, address="127.0.0.1")),
            "good (127.0.0.1)",
            "the same in any order",
        ),
    ],
)
def test_forbidden_addresses(instances, found, why):
    assert discovered("echo", instances, forbidden=FORBIDDEN).forbidden == found, why
