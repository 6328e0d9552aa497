"""A running stack, part by part, through the handles that tests use."""

import ssl
import stat
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from devstack.errors import UnexpectedAnswer
from devstack.handles.answers import JsonObject, at
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import Fault, GatewayApi
from devstack.handles.kube import Kube
from devstack.stack import Stack
from devstack.waiting import until

_ROUTE: JsonObject = {
    "uri": "/hello",
    "upstream": {"type": "roundrobin", "discovery_type": "consul", "service_name": "hello"},
}


@pytest.fixture
def instance() -> Iterator[int]:
    """The port of a server that answers everything with 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as http.server has it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_kubectl_reaches_the_api(kube: Kube) -> None:
    names = {at(item, "metadata", "name") for item in kube.list_all("namespaces")}
    assert {"default", "kube-system"} <= names


def test_apply_get_delete(kube: Kube, namespace: str) -> None:
    kube.apply("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: b\n", namespace=namespace)
    metadata: JsonObject = {"name": "two", "labels": {"x": "y"}}
    kube.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, namespace=namespace)
    assert at(kube.get("configmap", "one", namespace), "data", "a") == "b"
    assert len(kube.list_all("configmaps", namespace, selector="x=y")) == 1
    kube.delete("configmap", "one", namespace)
    kube.delete("configmap", "one", namespace)
    with pytest.raises(UnexpectedAnswer, match='configmaps "one" not found'):
        kube.get("configmap", "one", namespace)


def test_tls_is_verified(stack: Stack, kube: Kube) -> None:
    with httpx.Client(trust_env=False) as stranger, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY"):
        stranger.get(f"{stack.apiserver.url}/readyz")
    strict = ssl.create_default_context(cafile=str(kube.ca))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    with httpx.Client(trust_env=False, verify=strict) as client:
        assert client.get(f"{stack.apiserver.url}/readyz").text == "ok"


def _account(kube: Kube, namespace: str, tmp_path: Path) -> Kube:
    kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "op"}}, namespace=namespace)
    return kube.service_account(namespace, "op", tmp_path / "op.kubeconfig")


def test_a_service_account_has_its_own_rights_and_no_more(kube: Kube, namespace: str, tmp_path: Path) -> None:
    account = _account(kube, namespace, tmp_path)
    assert stat.S_IMODE(account.kubeconfig.stat().st_mode) == 0o600
    assert f"system:serviceaccount:{namespace}:op" in account.run("auth", "whoami")
    assert "forbidden" in account.attempt("get", "configmaps", "-n", namespace).stderr

    grant = ["create", "rolebinding", "view", "--clusterrole=view", f"--serviceaccount={namespace}:op", "-n", namespace]
    kube.run(*grant)
    account.run("get", "configmaps", "-n", namespace)
    assert account.attempt("get", "configmaps", "-n", "kube-system").returncode == 1
    assert account.attempt("delete", "configmaps", "--all", "-n", namespace).returncode == 1


def test_a_service_account_that_is_not_there(kube: Kube, tmp_path: Path) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"answered 404: .*nobody.* not found"):
        kube.service_account("default", "nobody", tmp_path / "kubeconfig")


def test_the_controller_manager_ends_namespaces_and_makes_accounts(kube: Kube, stack: Stack) -> None:
    kube.run("create", "namespace", "to-go")
    stack.controller_manager.wait_until(
        lambda: kube.attempt("get", "serviceaccount", "default", "-n", "to-go").returncode == 0, 10, "done"
    )
    kube.delete("namespace", "to-go")
    assert kube.attempt("get", "namespace", "to-go").returncode == 1


def test_pod_security_admission_is_on(kube: Kube, namespace: str) -> None:
    kube.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    pod: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"serviceAccountName": "default", "hostNetwork": True, "containers": [{"name": "c", "image": "i"}]},
    }
    with pytest.raises(UnexpectedAnswer, match="violates PodSecurity"):
        kube.apply(pod, namespace=namespace)


def test_consul_checks_what_is_registered(consul: ConsulApi, instance: int) -> None:
    said = consul.register("said", 1, tags=["a"], meta={"version": "1"})
    assert said == "said-127.0.0.1-1"
    (found,) = consul.wait_for_passing("said", 1)
    assert (found.port, found.tags, found.meta) == (1, ["a"], {"version": "1"})
    consul.set_status(said, "warning")
    assert [one.status for one in consul.instances("said")] == ["warning"]

    consul.register("asked", instance, health_path="/")
    consul.wait_for_passing("asked", 1)
    consul.register("dead", 1, health_path="/")
    with pytest.raises(UnexpectedAnswer, match=r"1 passing instances in 1 s; there are: dead-127\.0\.0\.1-1 critical"):
        consul.wait_for_passing("dead", 1, timeout=1)
    consul.deregister(said)
    consul.deregister(said)
    assert consul.instances("said") == []


def test_consuls_web_page(stack: Stack) -> None:
    assert "Consul" in httpx.get(f"{stack.consul.url}/ui/", trust_env=False).text


def test_from_registration_to_an_answered_request(gateway: GatewayApi, consul: ConsulApi, instance: int) -> None:
    gateway.wipe()
    gateway.put("routes", "r1", _ROUTE)
    assert gateway.wait_for("/hello", 503).status_code == 503
    consul.register("hello", instance)
    assert gateway.wait_for("/hello", 200).text == "hello"
    assert [at(route, "id") for route in gateway.list_all("routes")] == ["r1"]
    gateway.delete("routes", "r1")
    gateway.delete("routes", "r1")
    assert gateway.get("routes", "r1") is None
    assert gateway.wait_for("/hello", 404).json() == {"error_msg": "404 Route Not Found"}


def test_writes_are_counted_and_faults_are_met(gateway: GatewayApi) -> None:
    gateway.wipe()
    gateway.reset_stats()
    seq = gateway.stats().seq
    gateway.put("routes", "r1", _ROUTE)
    gateway.get("routes", "r1")
    gateway.add_fault(Fault(action="status", status=503, count=1))
    with pytest.raises(UnexpectedAnswer, match="answered 503"):
        gateway.put("routes", "r2", _ROUTE)
    stats = gateway.stats()
    assert (stats.writes, stats.reads, stats.objects["routes"]) == (2, 1, 1)
    assert [(write.method, write.id, write.status) for write in gateway.writes(since=seq)] == [
        ("PUT", "r1", 201),
        ("PUT", "r2", 503),
    ]
    gateway.wipe()


def test_the_admin_key_is_the_stacks_own(gateway: GatewayApi, stack: Stack) -> None:
    assert stat.S_IMODE(stack.gateway.admin_key_file.stat().st_mode) == 0o600
    assert gateway.admin("GET", "/routes").status_code == 200
    assert gateway.admin("GET", "/routes", key="edd1c9f034335f136f87ad84b625c8f1").status_code == 401


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    """By the kernel's own list of what listens: local addresses of the parts' sockets."""
    inodes = {
        link.readlink().name
        for part in stack.parts
        for link in Path(f"/proc/{part.pid}/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    listening = "0A"
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening and f"socket:[{fields[9]}]" in inodes:
                assert fields[1].startswith("0100007F:"), line


def test_the_folder_is_ours_alone(stack: Stack) -> None:
    assert stat.S_IMODE(stack.directory.stat().st_mode) == 0o700


def test_a_second_datacenter_answers_through_the_first(stack_without_kubernetes: Stack) -> None:
    own = stack_without_kubernetes.consul
    other = stack_without_kubernetes.start_datacenter("dc2")
    other.api.register("far-away", 1)
    until(lambda: other.api.instances("far-away"), "it is in its own catalog")
    seen = {name: own.answers(f"/v1/catalog/service/far-away?dc={name}") for name in ("dc1", "dc2")}
    assert {name: answer and len(answer.json()) for name, answer in seen.items()} == {"dc1": 0, "dc2": 1}
    other.stop()
    refused = own.api.http.get("/v1/catalog/service/far-away", params={"dc": "dc3"})
    assert (refused.status_code, refused.text) == (500, "No path to datacenter")
