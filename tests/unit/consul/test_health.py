"""What counts as healthy: as APISIX's own Consul discovery sees it, since it is what traffic follows."""

import pytest
from echoroute.consul.health import ServiceHealth, service_health
from echoroute.core.addresses import networks
from echoroute.errors import ConsulError


def instance(*statuses: str, address: str = "10.0.0.1", port: int = 80, node: str = "10.9.9.9") -> dict[str, object]:
    return {
        "Node": {"Address": node},
        "Service": {"ID": "x", "Address": address, "Port": port},
        "Checks": [{"Status": status} for status in statuses],
    }


@pytest.mark.parametrize(
    ("answer", "healthy", "total", "why"),
    [
        ([], 0, 0, "an unknown service, or one whose last instance left"),
        ([instance("passing")], 1, 1, "the plain case"),
        ([instance()], 1, 1, "no checks at all"),
        ([instance("passing", "passing")], 1, 1, "its own check and its node's"),
        ([instance("passing", "critical")], 0, 1, "a critical node check removes all of the node"),
        ([instance("warning")], 0, 1, "the gateway drops warning instances"),
        ([instance("maintenance")], 0, 1, "whatever is not passing"),
        ([instance("passing"), instance("passing")], 1, 1, "registered twice with one address and port"),
        (
            [instance("passing"), instance("critical")],
            1,
            1,
            "an old registration of the same address beside the new one",
        ),
        ([instance("passing"), instance("passing", port=81)], 2, 2, "two ports"),
        ([instance("passing", address="", node="10.0.0.1"), instance("passing")], 1, 1, "the node's address is used"),
        ([instance("passing", address="", node="10.0.0.2"), instance("critical")], 1, 2, "the node's address is used"),
        ([{**instance("passing"), "Checks": None}], 1, 1, "Go writes an empty list as null"),
    ],
)
def test_counting(answer, healthy, total, why):
    assert service_health(answer) == ServiceHealth(healthy, total), why


@pytest.mark.parametrize(
    "answer",
    [
        {},
        None,
        "text",
        ["x"],
        [{}],
        [{"Service": {}}],
        [{}, "x"],
        [{**instance(), "Checks": {}}],
        [{**instance(), "Node": {}, "Service": {"Address": "", "Port": 1}}],
        [{**instance(), "Service": {"Address": "10.0.0.1", "Port": "80"}}],
    ],
)
def test_what_is_no_answer_of_the_health_api_is_an_error_and_not_zero_instances(answer):
    with pytest.raises(ConsulError):
        service_health(answer)


def test_an_odd_instance_does_not_spoil_the_others():
    assert service_health([{}, instance("passing"), "x", {"Service": None}]) == ServiceHealth(1, 1)


FORBIDDEN = networks(("127.0.0.0/8",))


@pytest.mark.parametrize(
    ("answer", "found", "why"),
    [
        ([], "", "no instance"),
        ([instance("passing")], "", "another address"),
        ([instance("passing"), instance("passing", address="127.0.0.1")], "x (127.0.0.1)", "one of two"),
        ([instance("critical", address="127.0.0.1")], "x (127.0.0.1)", "it may pass the next moment"),
        ([instance("passing", address="", node="127.0.0.1")], "", "the gateway does not take the node's address"),
        ([{"Service": {"ID": "x", "Address": "127.0.0.1"}}, instance("passing")], "x (127.0.0.1)", "an odd one counts"),
        ([instance(address="127.0.0.2"), instance(address="127.0.0.1")], "x (127.0.0.1)", "the same in any order"),
    ],
)
def test_forbidden_addresses(answer, found, why):
    assert service_health(answer, FORBIDDEN).forbidden == found, why
