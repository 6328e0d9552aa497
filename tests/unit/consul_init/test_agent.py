"""What Consul's answers mean. Statuses and texts are those of Consul 1.19."""

import json

import pytest
from consul_init.agent import Agent
from consul_init.errors import DeniedError, RejectedError
from consul_init.registration import Registration
from consul_init.settings import Settings

VARIABLES = {"SERVICE_NAME": "echo", "SERVICE_PORT": "8000", "POD_IP": "10.0.0.7", "POD_UID": "new"}
DENIED = "Permission denied: anonymous token lacks permission 'service:write' on \"echo\""


@pytest.fixture
def ours() -> Registration:
    return Registration.from_settings(Settings.from_env(VARIABLES))


@pytest.fixture
def agent(scripted):
    """A factory: an agent behind which a server gives scripted answers."""

    def connect(reply, **variables: str):
        server = scripted(reply)
        address = {"CONSUL_HTTP_ADDR": f"127.0.0.1:{server.port}"}
        return Agent(Settings.from_env({**VARIABLES, **address, **variables}).consul), server

    return connect


@pytest.mark.parametrize(
    ("status", "body", "message", "why"),
    [
        (403, DENIED, "needs service:write on 'echo'", "the permission is named"),
        (403, "ACL not found", "ACL not found", "what Consul said stays"),
        (401, "", "needs service:write", "a proxy in front that wants a token"),
        (400, "Invalid check", "400 (Invalid check)", "Consul's reason is told"),
        (500, "a\n b" + "x" * 999, "500 (a b", "one line, and not a page"),
    ],
)
def test_refused_registration(agent, ours, status, body, message, why):  # noqa: PLR0917
    refusing, _ = agent(lambda _seen: (status, body))
    with pytest.raises(RejectedError) as caught:
        refusing.register(ours)
    assert message in str(caught.value), why
    assert len(str(caught.value)) < 600
    assert isinstance(caught.value, DeniedError) == (status in (401, 403))


def test_register_replaces_foreign_checks_and_names_the_namespace(agent, ours):
    accepting, server = agent(lambda _seen: (200, ""), CONSUL_NAMESPACE="team", CONSUL_PARTITION="part")
    accepting.register(ours)
    path = "/v1/agent/service/register?ns=team&partition=part&replace-existing-checks=true"
    assert (server.seen[0].method, server.seen[0].path) == ("PUT", path)
    assert json.loads(server.seen[0].body) == ours.payload()


@pytest.mark.parametrize("code", [200, 429, 503])
def test_found_whatever_its_health(agent, ours, code):
    """The code of this answer is the health of the service, not a failure of Consul."""
    service = {"Service": "echo", "Address": "10.0.0.7", "Port": 8000, "Tags": None, "Meta": None}
    checks = [{"Node": "node1", "CheckID": "service:x", "Name": "n"}]
    body = json.dumps({"AggregatedStatus": "any", "Service": service, "Checks": checks})
    found = agent(lambda _seen: (code, body))[0].find(ours)
    assert found is not None
    assert (found.name, found.port, found.tags, found.node, found.checks) == (
        "echo", 8000, (), "node1", {"service:x": "n"},
    )  # fmt: skip


def test_not_there(agent, ours):
    body = json.dumps({"AggregatedStatus": "critical", "Service": None, "Checks": None})
    assert agent(lambda _seen: (404, body))[0].find(ours) is None


@pytest.mark.parametrize(
    ("status", "body", "_why"),
    [
        (503, "no healthy upstream", "a load balancer's 503 does not mean that the service is critical"),
        (429, "rate limit exceeded", "Consul's own limit does not mean that the service is in warning"),
        (200, "<html>", "not Consul at all"),
        (200, "[]", "not Consul at all"),
        (404, "default backend - 404", "an ingress that has no such route"),
        (404, '{"error": "no such route"}', "the same, as JSON"),
        (503, '{"error": "overloaded"}', "a gateway's own 503"),
        (200, '{"AggregatedStatus": "passing", "Service": null}', "Consul says 404 for that"),
        (200, '{"AggregatedStatus": "passing", "Service": "echo"}', "a name in place of an object"),
        (200, '{"AggregatedStatus": "passing", "Service": {}}', "an object of another kind"),
        (200, '{"AggregatedStatus": "passing", "Service": {"Service": "a"}, "Checks": ["b"]}', "half of it"),
        (200, "[" * 999, "JSON that ends too early"),
        (204, "", "a gateway that swallows it"),
        (302, "", "a page to log in"),
    ],
)
def test_an_answer_that_says_nothing_about_the_registration(agent, ours, status, body, _why):
    with pytest.raises(RejectedError):
        agent(lambda _seen: (status, body))[0].find(ours)


UNKNOWN = 'Unknown service ID "echo-10.0.0.7-8000". Ensure that the service ID is passed, not the service name.'


@pytest.mark.parametrize(("status", "body", "was_there"), [(200, "", True), (404, UNKNOWN, False)])
def test_deregister(agent, ours, status, body, was_there):
    leaving, server = agent(lambda _seen: (status, body))
    assert leaving.deregister(ours) is was_there
    assert server.seen[0].path == "/v1/agent/service/deregister/echo-10.0.0.7-8000"


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (404, "default backend - 404", "an ingress that has lost its backend"),
        (200, "<html>log in</html>", "a page for everything; Consul says nothing here"),
        (204, "", "a gateway that swallows it"),
        (500, "No cluster leader", "Consul, and it may be there"),
    ],
)
def test_what_is_no_confirmation_of_a_deregistration(agent, ours, status, body, why):
    with pytest.raises(RejectedError) as caught:
        agent(lambda _seen: (status, body))[0].deregister(ours)
    assert caught.value.status == status, why


@pytest.mark.parametrize("body", ["<html>", "[]", '{"dead": "a name"}', '{"dead": {"Meta": {"pod-uid": "old"}}}'])
def test_a_list_that_is_not_consuls_removes_nothing(agent, ours, body):
    asked, server = agent(lambda _seen: (200, body))
    with pytest.raises(RejectedError, match="no answer of Consul's agent"):
        asked.remove_dead_pods(ours)
    assert len(server.seen) == 1


def test_a_token_that_is_a_piece_of_an_answer_changes_nothing(agent, ours):
    """In development it is often `root`, or the name of the service."""
    service = {**ours.payload(), "Service": "echo"}
    checks = [{"Node": "node1", "CheckID": ours.check_id, "Name": ours.check_name}]
    body = json.dumps({"AggregatedStatus": "passing", "Service": service, "Checks": checks})
    found = agent(lambda _seen: (200, body), CONSUL_HTTP_TOKEN="echo")[0].find(ours)
    assert ours.differences(found) == []


def test_only_what_another_pod_left_at_this_very_address_is_removed(agent, ours):
    def instance(name: str, uid: str | None) -> dict[str, object]:
        meta = None if uid is None else {"pod-uid": uid}
        return {"Service": name, "Address": "10.0.0.7", "Port": 8000, "Tags": None, "Meta": meta}

    here = {"dead": instance("other", "old"), "echo-10.0.0.7-8000": instance("echo", "new"), "vm": instance("vm", None)}

    def reply(seen):
        return (200, json.dumps(here)) if seen.method == "GET" else (200, "")

    cleaning, server = agent(reply)
    assert cleaning.remove_dead_pods(ours) == ["dead"]
    assert "Address+%3D%3D+%2210.0.0.7%22+and+Port+%3D%3D+8000" in server.seen[0].path
    assert [seen.path for seen in server.seen[1:]] == ["/v1/agent/service/deregister/dead"]
