"""The registration as a value: id, payload, and comparison with what Consul has."""

from dataclasses import replace

import pytest
from consul_init.registration import FoundInstance, Registration
from consul_init.settings import Settings

VARIABLES = {
    "SERVICE_NAME": "echo",
    "SERVICE_PORT": "8000",
    "SERVICE_ADDRESS": "10.0.0.7",
    "SERVICE_VERSION": "2",
    "POD_UID": "uid-1",
}


def registration(**variables: str) -> Registration:
    return Registration.from_settings(Settings.from_env({**VARIABLES, **variables}))


def in_consul(of: Registration) -> FoundInstance:
    return FoundInstance(
        name=of.name,
        address=of.address,
        port=of.port,
        tags=of.tags,
        meta=of.meta,
        status="passing",
        node="node1",
        checks={of.check_id: of.check_name},
    )


def test_payload() -> None:
    assert registration().payload() == {
        "ID": "echo-10.0.0.7-8000",
        "Name": "echo",
        "Address": "10.0.0.7",
        "Port": 8000,
        "Tags": ["version:2"],
        "Meta": {"pod-uid": "uid-1"},
        "Check": {
            "CheckID": "service:echo-10.0.0.7-8000",
            "Name": "GET http://10.0.0.7:8000/health every 1s, timeout 10s, as echo-10.0.0.7-8000/uid-1",
            "HTTP": "http://10.0.0.7:8000/health",
            "Header": {"X-Consul-Instance": ["echo-10.0.0.7-8000/uid-1"]},
            "Interval": "1s",
            "Timeout": "10s",
            "DeregisterCriticalServiceAfter": "60s",
        },
    }


def test_ipv6_is_bare_in_the_id_and_in_brackets_in_the_url() -> None:
    found = registration(SERVICE_ADDRESS="fd00::7")
    assert found.id == "echo-fd00::7-8000"
    assert found.check_url == "http://[fd00::7]:8000/health"


def test_agrees_with_itself() -> None:
    ours = registration()
    assert ours.differences(in_consul(ours)) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "other"}, "name"),
        ({"address": "10.0.0.8"}, "address"),
        ({"port": 1}, "port"),
        ({"tags": ()}, "tags"),
        ({"meta": {}}, "meta"),
        ({"checks": {}}, "check"),
        ({"checks": {"service:echo-10.0.0.7-8000": "GET http://elsewhere"}}, "check"),
    ],
)
def test_each_changed_field_is_noticed_and_named(change: dict[str, object], field: str) -> None:
    ours = registration()
    differences = ours.differences(replace(in_consul(ours), **change))  # type: ignore[arg-type]
    assert [each.split()[0] for each in differences] == [field]


@pytest.mark.parametrize(
    ("ours", "theirs", "other", "why"),
    [
        ("uid-1", {"pod-uid": "uid-2"}, True, "two pods, one after the other"),
        ("uid-1", {"pod-uid": "uid-1"}, False, "our own, from before a restart of the container"),
        ("uid-1", {}, False, "not of a pod: nobody knows whose it is"),
        ("", {"pod-uid": "uid-2"}, False, "we do not know who we are"),
    ],
)
def test_another_pod(ours: str, theirs: dict[str, str], other: bool, why: str) -> None:
    assert registration(POD_UID=ours).is_of_another_pod(theirs) is other, why


@pytest.mark.parametrize(
    ("variables", "owned", "why"),
    [
        ({"SERVICE_ADDRESS": "", "POD_IP": "10.0.0.7"}, True, "the pod's own address"),
        ({"POD_IP": "10.0.0.7"}, False, "SERVICE_ADDRESS may be a load balancer's, shared by many"),
    ],
)
def test_whether_the_address_is_the_pods_alone(variables: dict[str, str], owned: bool, why: str) -> None:
    assert registration(**variables).address_is_the_pods is owned, why


ADDRESSED = "10.0.0.7:8000"
CHECKS = [
    (
        {"SERVICE_CHECK_TYPE": "https", "SERVICE_CHECK_TLS_SERVER_NAME": "orders.example"},
        {"HTTP": f"https://{ADDRESSED}/health", "TLSServerName": "orders.example"},
        "TLS, verified by Consul's agent",
    ),
    (
        {"SERVICE_CHECK_TYPE": "https", "SERVICE_CHECK_TLS_SKIP_VERIFY": "true", "SERVICE_CHECK_PORT": "9000"},
        {"HTTP": "https://10.0.0.7:9000/health", "TLSSkipVerify": True},
        "a management port with a certificate of its own making",
    ),
    ({"SERVICE_CHECK_TYPE": "grpc"}, {"GRPC": ADDRESSED, "GRPCUseTLS": False}, "the whole server"),
    (
        {"SERVICE_CHECK_TYPE": "grpcs", "SERVICE_CHECK_PATH": "/orders.Orders"},
        {"GRPC": f"{ADDRESSED}/orders.Orders", "GRPCUseTLS": True},
        "one of its services",
    ),
    ({"SERVICE_CHECK_TYPE": "tcp"}, {"TCP": ADDRESSED}, "whatever listens"),
    (
        {"SERVICE_CHECK_FAILURES": "3", "SERVICE_CHECK_SUCCESSES": "2"},
        {"FailuresBeforeCritical": 3, "SuccessBeforePassing": 2},
        "one lost packet is not the end",
    ),
    (
        {"SERVICE_CHECK_HEADERS": '{"Host": "orders.example"}'},
        {"Header": {"Host": ["orders.example"], "X-Consul-Instance": ["echo-10.0.0.7-8000/uid-1"]}},
        "Django's ALLOWED_HOSTS",
    ),
]


@pytest.mark.parametrize(("variables", "expected", "why"), CHECKS)
def test_checks(variables: dict[str, str], expected: dict[str, object], why: str) -> None:
    check = registration(**variables).payload()["Check"]
    assert isinstance(check, dict)
    assert {key: check.get(key) for key in expected} == expected, why


def test_a_ttl_check_asks_nothing() -> None:
    ours = registration(SERVICE_CHECK_TYPE="ttl", SERVICE_PORT="", SERVICE_CHECK_TIMEOUT="15s")
    assert ours.id == "echo-10.0.0.7-0"
    assert ours.payload()["Check"] == {
        "CheckID": "service:echo-10.0.0.7-0",
        "Name": "TTL 15s, as echo-10.0.0.7-0/uid-1",
        "TTL": "15s",
        "DeregisterCriticalServiceAfter": "60s",
    }


def test_each_part_of_a_check_is_in_its_name_and_no_secret() -> None:
    """Consul gives back its name alone: a change of anything must show there."""
    headers = [{"SERVICE_CHECK_HEADERS": f'{{"Authorization": "{value}"}}'} for value in ("secret-1", "secret-2")]
    names = [registration(**variables).check_name for variables in [{}, *headers, *(each for each, _, _ in CHECKS)]]
    assert len(set(names)) == len(names)
    assert not [name for name in names if "secret" in name]


def test_weights_are_registered_and_compared() -> None:
    ours = registration(SERVICE_WEIGHT="10", SERVICE_WARNING_WEIGHT="0")
    assert ours.payload()["Weights"] == {"Passing": 10, "Warning": 0}
    assert ours.differences(in_consul(ours)) == ["weights is [1, 1], not [10, 0]"]
    assert ours.differences(replace(in_consul(ours), weights=(10, 0))) == []
