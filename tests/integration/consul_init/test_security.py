"""ACLs and TLS with a Consul that insists on both."""

import time
import uuid
from pathlib import Path

import httpx
import trustme
from devstack.waiting import until

from .agent import ConsulAgent
from .conftest import Figure, OpenHost, StartAgent

MANAGEMENT = str(uuid.uuid4())
ACL = {
    "enabled": True,
    "default_policy": "deny",
    "tokens": {"initial_management": MANAGEMENT, "agent": MANAGEMENT},
}


def token(agent: ConsulAgent, rules: str) -> str:
    """A new token with these rules; returns its secret."""
    name = f"policy-{uuid.uuid4()}"
    agent.http.put("/v1/acl/policy", json={"Name": name, "Rules": rules}).raise_for_status()
    answer = agent.http.put("/v1/acl/token", json={"Policies": [{"Name": name}]}).raise_for_status()
    secret: str = answer.json()["SecretID"]
    return secret


def test_tokens(start_agent: StartAgent, open_host: OpenHost, tmp_path: Path) -> None:
    """Denied is told with the permission that is missing; a better token in the file is used without a restart."""
    agent = start_agent(acl=ACL)
    host = open_host(agent.address)
    reading, writing, successor = (
        token(agent, f'service "{service}" {{ policy = "{policy}" }} node_prefix "" {{ policy = "read" }}')
        for service, policy in (("secured", "read"), ("secured", "write"), ("secured", "write"))
    )
    file = tmp_path / "token"
    file.write_text(reading)
    instance = host.start("echo", "secured", CONSUL_HTTP_TOKEN_FILE=str(file))
    until(lambda: "the token needs service:write on 'secured'" in instance.main.log)
    assert "ERROR consul_init" in instance.main.log
    assert instance.answers()

    replace(file, writing)
    agent.api.wait_for_passing("secured", 1, timeout=60)

    anonymous = host.consul_init("check", name="secured", port=instance.port)
    assert anonymous.wait() == 2
    assert "cannot be known: Consul refused to read 'secured' with 403" in anonymous.log

    # The token is taken back before its successor is there: the registration stays, and the trouble is told.
    agent.http.delete(f"/v1/acl/token/{accessor(agent, writing)}").raise_for_status()
    until(lambda: "ACL not found" in instance.main.log)
    replace(file, successor)
    until(lambda: "Consul answers again" in instance.main.log, timeout=60)
    instance.stop()
    assert instance.wait() == 0
    assert agent.api.instances("secured") == []

    logs = instance.main.log + anonymous.log
    assert not [secret for secret in (reading, writing, successor, MANAGEMENT) if secret in logs]


# Seconds from the new token in the file to the registration that has it: a look at it comes every 2 to 3.
GIVEN_WITHIN = 3.0
# From a change of an instance's health to the passing list: the check's interval, and a second.
NOTICED_WITHIN = 2.0


def test_a_rotated_token_reaches_the_registration(
    start_agent: StartAgent, open_host: OpenHost, tmp_path: Path, figure: Figure
) -> None:
    """The agent reports the check's changes with the token of the register call. With a revoked one it cannot: an
    instance that has died would stay in the passing list until Consul removes it, more than a minute later.
    """
    agent = start_agent(acl=ACL)
    host, service = open_host(agent.address), "rotated"
    rules = f'service "{service}" {{ policy = "write" }} node_prefix "" {{ policy = "read" }}'
    first, second = token(agent, rules), token(agent, rules)
    file = tmp_path / "token"
    file.write_text(first)
    instance = host.start("echo", service, CONSUL_HTTP_TOKEN_FILE=str(file), ECHO_ALLOW_FAIL="true")
    agent.api.wait_for_passing(service, 1, timeout=60)

    def statuses() -> list[str]:
        return [each.status for each in agent.api.instances(service)]

    def given() -> bool:
        assert statuses() == ["passing"], "to register again is no flap"
        return "registering again: the token is a new one" in instance.main.log

    replace(file, second)
    took = until(given, timeout=5 * GIVEN_WITHIN, what="registering with the new token")
    time.sleep(0.5)  # the line comes before the request
    assert statuses() == ["passing"]
    agent.http.delete(f"/v1/acl/token/{accessor(agent, first)}").raise_for_status()

    for path, status in (("fail", "critical"), ("recover", "passing")):
        httpx.post(f"http://127.0.0.1:{instance.port}/health/{path}", trust_env=False).raise_for_status()
        until(lambda status=status: statuses() == [status], timeout=5 * NOTICED_WITHIN, what=status)
    instance.main.process.kill()
    gone = until(lambda: statuses() != ["passing"], timeout=5 * NOTICED_WITHIN, what="the end of the dead instance")
    figure(
        f"token rotated: with the registration after {took:.1f} s; the former one revoked, and kill -9: out of the"
        f" passing list after {gone:.1f} s"
    )
    log = instance.main.log
    assert log.count("registering again") == 1
    assert not [secret for secret in (first, second) if secret in log]


def replace(file: Path, secret: str) -> None:
    """As Kubernetes does with a mounted Secret: in one step."""
    new = file.with_suffix(".new")
    new.write_text(secret)
    new.replace(file)


def accessor(agent: ConsulAgent, secret: str) -> str:
    answer = agent.http.get("/v1/acl/token/self", headers={"X-Consul-Token": secret}).raise_for_status()
    found: str = answer.json()["AccessorID"]
    return found


def test_tls_with_client_certificates_and_unix_socket(
    start_agent: StartAgent, open_host: OpenHost, tmp_path: Path
) -> None:
    """Verified on both sides; and the agent's unix socket needs none of it."""
    ca = trustme.CA()
    files = {name: str(tmp_path / name) for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")}
    ca.cert_pem.write_to_path(files["ca.pem"])
    for side, names in (("server", ("server.dc1.consul", "127.0.0.1")), ("client", ("client.dc1.consul",))):
        issued = ca.issue_cert(*names)
        issued.cert_chain_pems[0].write_to_path(files[f"{side}.pem"])
        issued.private_key_pem.write_to_path(files[f"{side}.key"])
    consul_socket = tmp_path / "consul.sock"
    agent = start_agent(
        tls={
            "defaults": {"ca_file": files["ca.pem"], "cert_file": files["server.pem"], "key_file": files["server.key"]},
            "https": {"verify_incoming": True},
        },
        addresses={"http": f"127.0.0.1 unix://{consul_socket}"},
    )
    host = open_host(f"https://127.0.0.1:{agent.https_port}")
    variables = {
        "CONSUL_CACERT": files["ca.pem"],
        "CONSUL_CLIENT_CERT": files["client.pem"],
        "CONSUL_CLIENT_KEY": files["client.key"],
    }
    instance = host.start("wrapper", "encrypted", **variables)
    agent.api.wait_for_passing("encrypted", 1)

    def check(**changed: str) -> tuple[int, str]:
        checked = host.consul_init("check", name="encrypted", port=instance.port, **{**variables, **changed})
        return checked.wait(), checked.log.splitlines()[-1]

    agrees = "agrees: registered with the agent of node node1, health passing"
    assert check() == (0, agrees)
    assert check(CONSUL_HTTP_ADDR=f"unix://{consul_socket}") == (0, agrees)
    exit_code, told = check(CONSUL_CACERT="")
    assert (exit_code, "CERTIFICATE_VERIFY_FAILED" in told) == (2, True)
    exit_code, told = check(CONSUL_CLIENT_CERT="", CONSUL_CLIENT_KEY="")
    assert exit_code == 2
    instance.stop()
    instance.wait()
    assert agent.api.instances("encrypted") == []
