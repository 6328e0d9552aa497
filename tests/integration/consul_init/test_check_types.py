"""Services that do not speak plain HTTP, and what else a registration may say. gRPC and TTL: test_examples.py."""

import sys

import pytest
import trustme
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import OpenHost, StartAgent
from .instances import APPS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files: of an authority, and of a service that it calls orders.example."""
    directory = tmp_path_factory.mktemp("certificate")
    ca = trustme.CA()
    issued = ca.issue_cert("orders.example")
    files = {name: str(directory / name) for name in ("ca", "certificate", "key")}
    ca.cert_pem.write_to_path(files["ca"])
    issued.cert_chain_pems[0].write_to_path(files["certificate"])
    issued.private_key_pem.write_to_path(files["key"])
    return files


CASES = [
    ("https", {"SERVICE_CHECK_TYPE": "https", "SERVICE_CHECK_TLS_SERVER_NAME": "orders.example"}, "verified"),
    ("https", {"SERVICE_CHECK_TYPE": "https", "SERVICE_CHECK_TLS_SKIP_VERIFY": "true"}, "not verified"),
    ("grpcs", {"SERVICE_CHECK_TYPE": "grpcs", "SERVICE_CHECK_TLS_SERVER_NAME": "orders.example"}, "verified"),
    ("grpcs", {"SERVICE_CHECK_TYPE": "grpcs", "SERVICE_CHECK_TLS_SKIP_VERIFY": "true"}, "not verified"),
    (
        "grpcs",
        {
            "SERVICE_CHECK_TYPE": "grpcs",
            "SERVICE_CHECK_TLS_SKIP_VERIFY": "true",
            "SERVICE_CHECK_PATH": "/orders.Orders",
        },
        "one of the server's services",
    ),
    ("tcp", {"SERVICE_CHECK_TYPE": "tcp"}, "whatever listens"),
]
# What is wrong, and what the log says beside Consul's own words.
REFUSED = [
    ("https", {}, "SERVICE_CHECK_TYPE", "plain HTTP to a port that speaks TLS"),
    ("https", {"SERVICE_CHECK_TYPE": "https"}, "SERVICE_CHECK_TLS_SERVER_NAME", "an authority that nobody trusts"),
    ("grpcs", {"SERVICE_CHECK_TYPE": "grpcs"}, "SERVICE_CHECK_TLS_SERVER_NAME", "the same"),
    ("tcp", {"SERVICE_CHECK_TYPE": "grpcs"}, "SERVICE_CHECK_TYPE", "gRPC with TLS to something without"),
    ("grpcs", {"SERVICE_CHECK_TYPE": "grpc"}, "SERVICE_CHECK_TYPE", "plain gRPC to a port that speaks TLS"),
    ("tcp", {"SERVICE_CHECK_TYPE": "grpc"}, "SERVICE_CHECK_TYPE", "gRPC to something else"),
    (
        "grpcs",
        {
            "SERVICE_CHECK_TYPE": "grpcs",
            "SERVICE_CHECK_TLS_SKIP_VERIFY": "true",
            "SERVICE_CHECK_PATH": "/orders.Broken",
        },
        "NOT_SERVING",
        "it says so itself",
    ),
    (
        "grpcs",
        {
            "SERVICE_CHECK_TYPE": "grpcs",
            "SERVICE_CHECK_TLS_SKIP_VERIFY": "true",
            "SERVICE_CHECK_PATH": "/orders.Unknown",
        },
        "SERVICE_CHECK_PATH",
        "no such service",
    ),
]


@pytest.mark.parametrize(("kind", "variables", "why"), CASES)
def test_passing_and_told_to_the_application(  # noqa: PLR0917 - fixtures
    kind: str,
    variables: dict[str, str],
    why: str,
    certificate: dict[str, str],
    start_agent: StartAgent,
    open_host: OpenHost,
) -> None:
    trusting = {"enable_agent_tls_for_checks": True, "tls": {"defaults": {"ca_file": certificate["ca"]}}}
    agent = start_agent(**trusting if why == "verified" else {})
    host = open_host(agent.address)
    port = host.free_port()
    command = [sys.executable, str(APPS / "serve_as.py"), kind, certificate["certificate"], certificate["key"]]
    running = host.run(command, host.environment("other", port, **variables))
    agent.api.wait_for_passing("other", 1)
    until(lambda: "passing True passing" in running.log)
    assert "registered True" in running.log
    running.send()
    until(lambda: "state left" in running.log)
    running.wait()
    states = [line.split()[1] for line in running.log.splitlines() if line.startswith("state ")]
    # Where Consul is quick, its first check is over before the keeper looks for the first time.
    assert states in (["critical", "passing", "left"], ["passing", "left"])
    assert agent.api.instances("other") == []


@pytest.mark.parametrize(("kind", "variables", "told", "why"), REFUSED)
def test_what_is_wrong_is_told(  # noqa: PLR0917 - fixtures
    kind: str,
    variables: dict[str, str],
    told: str,
    why: str,
    certificate: dict[str, str],
    shared_agent: ConsulAgent,
    open_host: OpenHost,
) -> None:
    host = open_host(shared_agent.address)
    command = [sys.executable, str(APPS / "serve_as.py"), kind, certificate["certificate"], certificate["key"]]
    running = host.run(command, host.environment("wrong", host.free_port(), **variables))
    until(lambda: "gets no traffic" in running.log, timeout=5 * 10)
    (line,) = [each for each in running.log.splitlines() if "gets no traffic" in each]
    assert told in line, why
    running.send()
    running.wait()


def test_weights_tags_and_meta(shared_agent: ConsulAgent, open_host: OpenHost) -> None:
    host = open_host(shared_agent.address)
    variables = {
        "SERVICE_WEIGHT": "7",
        "SERVICE_WARNING_WEIGHT": "0",
        "SERVICE_TAGS": '["traefik.middlewares=m1,m2"]',
        "SERVICE_META": '{"hosts": "a,b=c"}',
        "SERVICE_CHECK_FAILURES": "3",
    }
    instance = host.start("wrapper", "weighed", **variables)
    (found,) = shared_agent.api.wait_for_passing("weighed", 1)
    assert (found.tags, found.meta["hosts"]) == (["traefik.middlewares=m1,m2"], "a,b=c")
    (entry,) = shared_agent.http.get("/v1/health/service/weighed").json()
    assert entry["Service"]["Weights"] == {"Passing": 7, "Warning": 0}
    checked = host.consul_init("check", name="weighed", port=instance.port, **variables)
    assert checked.wait() == 0, checked.log
    without = {**variables, "SERVICE_WEIGHT": ""}
    differs = host.consul_init("check", name="weighed", port=instance.port, **without)
    assert differs.wait() == 1
    assert "differs: weights is [7, 0], not [1, 0]" in differs.log
