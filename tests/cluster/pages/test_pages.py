"""docs/install.md, troubleshooting.md and upgrade.md as their reader types them, with APISIX and Consul there by TLS.

So overlays/production and overlays/namespaced run as pods. Gateway and Consul are those of the dev overlay, in the
operator's own namespace. So that namespace is there before, and stays.
"""

import base64
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
import yaml
from devstack.echoroutes import path_of, route
from devstack.handles.answers import accepted, at
from devstack.handles.kube import Kube
from devstack.waiting import until

from ...docs.reader import Instead, Reader, left_out
from ..pods.installed import OPERATOR, REPOSITORY, SAMPLES, SYSTEM, Installed, install, secret, wait_for_rollouts
from .documented import once_it_answers, reader

_TLS = REPOSITORY / "tests/cluster/pages/tls"
_FRONT = f"tls-front.{SYSTEM}.svc"
_ADDRESSES = {
    "registry.example.com/echoroute-operator": "localhost/echoroute-operator",
    "apisix-admin.example.com:9180": f"{_FRONT}:9180",
    "consul.example.com:8501": f"{_FRONT}:8501",
    "ECHOROUTE_OWNER_ID=CHANGE-ME": "ECHOROUTE_OWNER_ID=0a1b2c3d",
}
_SECRETS = {
    "apisix-admin-key": ("admin-key", "--from-file=admin-key=FILE", "--from-file=admin-key=admin-key"),
    "echoroute-consul-token": ("token", "--from-file=token=FILE", "--from-file=token=token"),
}
_INSTALL = {
    **{placeholder: value for _, placeholder, value in _SECRETS.values()},
    "apisix.crt=FILE": "apisix.crt=ca.crt",
    "consul.crt=FILE": "consul.crt=ca.crt",
}
_ALL_BUT_THE_NAMESPACE = """
import sys, yaml
print(yaml.safe_dump_all(one for one in yaml.safe_load_all(sys.stdin) if one["kind"] != "Namespace"))
"""


@pytest.fixture
def person(settled: Installed, tmp_path: Path) -> Iterator[Reader]:
    """In a cluster without an operator. Afterwards the dev overlay's is there again, as the other tests want it."""
    kube = settled.kube
    with reader(kube, tmp_path) as person:
        _put_tls_before(kube, tmp_path)
        for name, (key, *_) in _SECRETS.items():
            (tmp_path / key).write_text(secret(kube, SYSTEM, name, key))
        _uninstall(person, "manifests/base")
        for name in _SECRETS:  # pods that have them mounted keep what they have read
            kube.delete("secret", name, SYSTEM)
        yield person
    kube.run("delete", "namespace", "team-a", "team-b", "--ignore-not-found", timeout=90)
    kube.delete("configmap", "echoroute-ca", SYSTEM)
    kube.run("delete", "-k", str(_TLS), timeout=60)
    again = install(kube, tmp_path)
    again.wait_for_versions()
    again.close()


def _put_tls_before(kube: Kube, folder: Path) -> None:
    """Admin API and Consul by https, and `ca.crt` of the authority that vouches for them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.crt")
    certificate = authority.issue_cert(_FRONT)
    data = {
        "tls.crt": certificate.cert_chain_pems[0].bytes(),
        "tls.key": certificate.private_key_pem.bytes(),
    }
    encoded = {name: base64.b64encode(content).decode() for name, content in data.items()}
    metadata = {"name": "tls-front", "namespace": SYSTEM}
    kube.apply(
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": encoded}
    )
    kube.apply(_TLS)
    wait_for_rollouts(kube, SYSTEM)


def _uninstall(person: Reader, overlay: str) -> None:
    """docs/upgrade.md, so that the routes stay."""
    person.follow("upgrade.md", "Uninstall, and the routes stay", {}, _without_the_namespace(overlay))


def _without_the_namespace(overlay: str) -> dict[str, Instead]:
    objects = f"kubectl kustomize {overlay} | {sys.executable} -c {shlex.quote(_ALL_BUT_THE_NAMESPACE)}"
    return {"kubectl delete -k": lambda _: f"{objects} | kubectl delete --ignore-not-found -f -"}


def _adapt(overlay: Path) -> None:
    """What the page tells its reader to do by hand."""
    path = overlay / "kustomization.yaml"
    text = path.read_text()
    for example, ours in _ADDRESSES.items():
        text = text.replace(example, ours)
    assert "example.com" not in text
    assert "CHANGE-ME" not in text
    path.write_text(text)


def _install(person: Reader) -> None:
    namespace = {"kubectl create namespace": left_out}
    person.follow("install.md", "3. Create the secrets", _INSTALL, namespace)
    shutil.rmtree(person.folder / "manifests/overlays/ours", ignore_errors=True)
    _adapt(person.folder / "manifests/overlays/production")
    person.follow("install.md", "4. Install the operator", {}, {"helm": left_out})


def _pods(installed: Installed) -> list[object]:
    pods = installed.kube.list_all("pods", SYSTEM, OPERATOR)
    return [at(pod, "status", "containerStatuses", 0, "restartCount") for pod in pods]


@pytest.mark.timeout(600)
def test_production_installed_looked_after_upgraded_and_removed_by_the_pages(
    settled: Installed, person: Reader
) -> None:
    kube = settled.kube
    before = settled.gateway.list_all("routes")
    assert before, "routes stay when an operator is uninstalled"

    _install(person)
    *_, look = person.follow("install.md", "5. Look", {}, {"curl": once_it_answers})
    for check in ("gateway\n", "consul\n", "echoroutes-listed"):
        assert f"[+]{check}" in look.output
    kube.apply(SAMPLES / "echo.yaml")
    kube.run("wait", "--for=condition=Ready", "echoroute/echo", "--timeout=60s", timeout=70)
    settled.wait_for_versions()
    assert settled.gateway.list_all("routes") == before, "they are its own, and as they should be: nothing is written"
    assert _pods(settled) == [0, 0]

    _follow_troubleshooting(settled, person)

    person.follow("upgrade.md", "Upgrade", {}, {"helm": left_out})
    person.follow("upgrade.md", "Before you uninstall", {})
    [saved] = yaml.safe_load((person.folder / "echoroutes.yaml").read_text())["items"]
    assert saved["metadata"]["name"] == "echo"
    _uninstall(person, "manifests/overlays/ours")
    assert kube.attempt("get", "echoroutes").returncode != 0
    assert settled.gateway.list_all("routes") == before
    assert settled.gateway.request("/testecho/hello").status_code == httpx.codes.OK


def _follow_troubleshooting(settled: Installed, person: Reader) -> None:
    echo = {"TEAM": "default", "NAME": "echo"}
    listed, described, *_ = person.follow("troubleshooting.md", "First look", echo, {"curl": once_it_answers})
    assert listed.output.split()[:3] == ["NAMESPACE", "NAME", "PATHS"]
    assert "Programmed" in described.output

    token = secret(settled.kube, SYSTEM, "consul-tokens", "management")
    consul = {"$CONSUL_HTTP_TOKEN": token, "$CONSUL_HTTP_ADDR": settled.consul.url, "SERVICE": "echo"}
    registered, passing = person.follow("troubleshooting.md", "Ask Consul", consul)
    assert registered.output.count('"ServiceID":"echo') == passing.output.count('"ServiceID":"echo') > 0

    [check] = person.follow("troubleshooting.md", "Registered but not passing", {"TEAM": "echo", "NAME": "echo-v1"})
    assert "passing" in check.output

    no_trouble = {"kubectl -n echoroute-system logs": left_out}  # grep finds nothing
    [setting] = person.follow("troubleshooting.md", "Held deletions", {"TOKEN": "00000000"}, no_trouble)
    assert "env updated" in setting.output
    wait_for_rollouts(settled.kube, SYSTEM)
    pods, _, log = person.follow("troubleshooting.md", "The operator does not start", {})
    assert "echoroute-operator" in pods.output
    assert "[pod/echoroute-operator" in log.output

    person.follow("troubleshooting.md", "Freeze the gateway", {})
    until(lambda: not settled.pods(SYSTEM, OPERATOR), "the operator is gone")
    assert settled.gateway.request("/testecho/hello").status_code == httpx.codes.OK


@pytest.mark.timeout(300)
def test_namespaced_serves_its_namespaces_with_roles_alone(settled: Installed, person: Reader) -> None:
    kube = settled.kube
    for team in ("team-a", "team-b"):
        kube.run("create", "namespace", team)
    _install(person)
    _uninstall(person, "manifests/overlays/ours")
    namespaced = person.folder / "manifests/overlays/namespaced"
    _adapt(namespaced)
    kube.apply(namespaced)
    kube.wait_established("crd/echoroutes.echoroute.dev")
    wait_for_rollouts(kube, SYSTEM)

    for namespace in ("team-a", "default"):
        one = route("ours", namespace, f"/{namespace}/ours")
        one["spec"] |= {"rewrite": {"path": "/hello"}, "backends": [{"service": "echo"}]}
        accepted(kube.http.post(path_of(namespace), json=one))
    kube.run("-n", "team-a", "wait", "--for=condition=Ready", "echoroute/ours", "--timeout=60s", timeout=70)
    settled.gateway.wait_for("/team-a/ours", httpx.codes.OK, timeout=20)
    assert settled.gateway.request("/default/ours").status_code == httpx.codes.NOT_FOUND
    ready = kube.run("get", "echoroute", "ours", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].reason}")
    assert ready == "Pending", "nobody serves this namespace"
    account = f"--as=system:serviceaccount:{SYSTEM}:echoroute-operator"
    may = [kube.attempt("auth", "can-i", "list", "echoroutes", account, "-n", where) for where in ("team-a", "default")]
    assert [answer.stdout.strip() for answer in may] == ["yes", "no"]
    assert _pods(settled) == [0, 0]

    # The reader asks for the metrics until the routes are gone.
    asks = f"for second in 1 2 3 4 5 6 7 8 9 10; do curl -sf {settled.gateway.url}/team-a/ours || break; sleep 1; done"
    instead = {
        "curl": lambda command: once_it_answers(f"{asks}; {command}"),
        **_without_the_namespace("manifests/overlays/namespaced"),
    }
    ran = person.follow("upgrade.md", "Uninstall, and the routes go", {}, instead)
    assert any("echoroute_gateway_up 1.0" in one.output for one in ran)
    settled.gateway.wait_for("/team-a/ours", httpx.codes.NOT_FOUND, timeout=5)
