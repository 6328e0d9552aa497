"""manifests/overlays/dev in a real cluster: it comes up, answers, and runs with as little as it says."""

import httpx
import pytest
from devstack.handles.answers import at
from devstack.waiting import until

from .installed import ECHO, SYSTEM, Installed, containers_of, secret, service_address

_PRIVILEGED = """
apiVersion: v1
kind: Pod
metadata: {name: privileged}
spec:
  containers:
    - {name: any, image: localhost/echo-service, securityContext: {privileged: true}}
"""
_OURS = {SYSTEM: "app.kubernetes.io/name=echoroute-operator", ECHO: "app.kubernetes.io/name=echo"}


def test_the_route_answers_with_both_versions(settled: Installed) -> None:
    """The overlay was applied and became ready, and the sample EchoRoute is Ready: the fixture's work."""
    answers = [settled.gateway.request("/testecho/hello").json() for _ in range(20)]
    assert {answer["version"] for answer in answers} == {1, 2}
    assert {answer["message"] for answer in answers} == {"hello world"}


@pytest.mark.parametrize("namespace", [SYSTEM, ECHO])
def test_namespaces_refuse_a_privileged_pod(settled: Installed, namespace: str) -> None:
    """Were the label missing, everything else here would pass all the same."""
    refused = settled.kube.attempt("apply", "-f", "-", f"--namespace={namespace}", stdin=_PRIVILEGED)
    assert refused.returncode != 0
    assert "restricted" in refused.stderr
    assert "privileged" in refused.stderr


@pytest.mark.parametrize("namespace", [SYSTEM, ECHO])
def test_our_containers_are_nobody_and_cannot_write(settled: Installed, namespace: str) -> None:
    """Asked of the running containers themselves, not of their specification."""
    pods = settled.kube.list_all("pods", namespace, _OURS[namespace])
    assert pods
    script = "id -u; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; touch /tmp/x || touch /x"
    for pod in pods:
        name = str(at(pod, "metadata", "name"))
        for container in containers_of(pod):
            arguments = ["exec", name, f"--namespace={namespace}", f"--container={container}", "--", "sh", "-c", script]
            answer = settled.kube.attempt(*arguments)
            assert answer.stdout.split()[0] == "65532"
            assert answer.stdout.split()[1:] == ["CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]
            assert answer.stderr.count("Read-only file system") == 2
            assert answer.returncode != 0


def test_etcd_and_consul_refuse_whoever_shows_nothing(settled: Installed) -> None:
    """All else here shows that they take those who do."""
    etcd = f"http://{service_address(settled.kube, 'etcd')}:2379"
    consul = f"http://{service_address(settled.kube, 'consul')}:8500"
    with httpx.Client(timeout=10, trust_env=False) as stranger:
        refused = stranger.post(f"{etcd}/v3/kv/range", json={"key": "AA=="})
        assert (refused.status_code, refused.json()["message"]) == (400, "etcdserver: user name is empty")
        assert stranger.get(f"{consul}/v1/catalog/services").json() == {}
        body = {"Name": "echo", "Address": "127.0.0.1", "Port": 1}
        assert stranger.put(f"{consul}/v1/agent/service/register", json=body).status_code == 403
        stranger.headers["X-Consul-Token"] = secret(settled.kube, ECHO, "consul-token", "token")
        body["Name"] = "pay"
        assert stranger.put(f"{consul}/v1/agent/service/register", json=body).status_code == 403
    password = secret(settled.kube, SYSTEM, "etcd-root-password", "password")
    token = secret(settled.kube, SYSTEM, "consul-tokens", "management")
    for pod, container in (("etcd-0", "etcd"), ("etcd-0", "auth"), ("consul-0", "consul"), ("consul-0", "acl")):
        log = settled.kube.run("logs", pod, f"--container={container}", f"--namespace={SYSTEM}")
        assert log
        assert password not in log
        assert token not in log


def test_the_operator_has_only_the_rights_that_it_needs(settled: Installed) -> None:
    """The rights of its own token, asked of the API server; a positive one shows that the question is right."""
    account = f"--as=system:serviceaccount:{SYSTEM}:echoroute-operator"
    for expected, verb, resource in (
        ("yes", "list", "echoroutes.echoroute.dev"),
        ("no", "update", "echoroutes.echoroute.dev"),
        ("no", "get", "secrets"),
        ("no", "create", "pods"),
    ):
        answer = settled.kube.attempt("auth", "can-i", verb, resource, account, "--all-namespaces")
        assert answer.stdout.split()[0] == expected, f"{verb} {resource}"


def test_kubectl_shows_what_is_true(settled: Installed) -> None:
    """Counts of instances are told at most every 30 s."""
    columns = ["echo", '["/testecho/*"]', "echo", "True", "2"]
    until(lambda: settled.kube.run("get", "echoroute", "echo", "--no-headers").split()[:5] == columns, timeout=60)
