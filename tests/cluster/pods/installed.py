"""The development overlay in the cluster, and the ways to everything in it."""

import base64
import json
import os
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
from cluster.node import READY
from cluster.paths import NODE
from devstack.handles.answers import JsonObject, at
from devstack.handles.consul import ConsulApi
from devstack.handles.gateway import GatewayApi
from devstack.handles.kube import Kube
from devstack.paths import REPOSITORY
from devstack.waiting import until

SYSTEM, ECHO = "echoroute-system", "echo"
OVERLAY = REPOSITORY / "tests" / "cluster" / "overlay"
SAMPLES = REPOSITORY / "manifests" / "samples"
MAKE_SECRETS = REPOSITORY / "manifests" / "overlays" / "dev" / "make-secrets"
OPERATOR = "app.kubernetes.io/name=echoroute-operator"
_READY_SECONDS = 120


def cluster() -> Kube:
    """The cluster in whose node we run, as its administrator. Raises RuntimeError elsewhere."""
    if not (NODE / READY).exists():
        msg = "these tests run in a node: `make cluster-test`, or `cluster exec -- pytest tests/cluster/pods`"
        raise RuntimeError(msg)
    path = Path(os.environ["KUBECONFIG"])
    config = json.loads(path.read_text())
    server = config["clusters"][0]["cluster"]["server"]
    authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    http = httpx.Client(
        base_url=server,
        headers={"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
        verify=ssl.create_default_context(cadata=authority),
        trust_env=False,
    )
    return Kube(Path(os.environ["KUBECTL"]), path, server, path.with_name("ca.crt"), http)


@dataclass(frozen=True, slots=True)
class Installed:
    """The overlay, ready."""

    kube: Kube
    consul: ConsulApi
    gateway: GatewayApi

    @property
    def hello(self) -> str:
        """The address that the sample EchoRoute routes to the echo service."""
        return f"{self.gateway.url}/testecho/hello"

    def close(self) -> None:
        """Close connections of ours; the handle on the cluster is the caller's."""
        self.consul.http.close()
        self.gateway.http.close()

    def pods(self, namespace: str, selector: str) -> list[str]:
        """Names of the pods that are there and not about to go."""
        found = self.kube.list_all("pods", namespace, selector)
        return [str(at(pod, "metadata", "name")) for pod in found if not at(pod, "metadata", "deletionTimestamp")]

    def wait_for_versions(self, timeout: float = 30) -> None:
        """Until both versions of echo answer, in turn."""
        seen: set[object] = set()

        def both() -> bool:
            try:
                answer = self.gateway.request("/testecho/hello")
            except httpx.TransportError:
                return False  # the gateway's pod was replaced, and the new one does not listen yet
            seen.add(answer.json()["version"] if answer.is_success else answer.status_code)
            return {1, 2} <= seen

        until(both, timeout=timeout)


def install(kube: Kube, directory: Path) -> Installed:
    """As in the documents: secrets, `kubectl apply -k`, and the sample route; waits until all is ready."""
    subprocess.run([MAKE_SECRETS], check=True)
    kube.apply(OVERLAY)
    kube.wait_established("crd/echoroutes.echoroute.dev")
    kube.apply(SAMPLES / "echo.yaml")
    for namespace in (SYSTEM, ECHO):
        wait_for_rollouts(kube, namespace)
    kube.run("wait", "--for=condition=Ready", "echoroute/echo", "--timeout=60s", timeout=70)
    key = directory / "admin-key"
    key.write_text(secret(kube, SYSTEM, "apisix-admin-key", "admin-key"))
    http = httpx.Client(timeout=30, trust_env=False)
    gateway = GatewayApi(
        admin_url=f"http://{service_address(kube, 'apisix-admin')}:9180",
        url=f"http://{service_address(kube, 'apisix')}",
        control_url=f"http://{pod_address(kube, SYSTEM, 'app.kubernetes.io/name=apisix')}:7085",
        admin_key_file=key,
        http=http,
    )
    consul = f"http://{service_address(kube, 'consul')}:8500"
    shown = {"X-Consul-Token": secret(kube, SYSTEM, "consul-tokens", "management")}
    asking = httpx.Client(base_url=consul, headers=shown, timeout=30, trust_env=False)
    return Installed(kube, ConsulApi(consul, asking), gateway)


def wait_for_rollouts(kube: Kube, namespace: str) -> None:
    """Until all Deployments and StatefulSets have the pods that they want. Raises UnexpectedAnswer."""
    timeout = f"--timeout={_READY_SECONDS}s"
    kinds = ("deployments", "statefulsets")
    names = [f"{kind}/{at(one, 'metadata', 'name')}" for kind in kinds for one in kube.list_all(kind, namespace)]
    for name in names:
        kube.run("rollout", "status", name, f"--namespace={namespace}", timeout, timeout=_READY_SECONDS + 10)


def service_address(kube: Kube, name: str) -> str:
    return str(at(kube.get("service", name, SYSTEM), "spec", "clusterIP"))


def pod_address(kube: Kube, namespace: str, selector: str) -> str:
    [pod] = kube.list_all("pods", namespace, selector)
    return str(at(pod, "status", "podIP"))


def secret(kube: Kube, namespace: str, name: str, key: str) -> str:
    """A value that pods get by reference."""
    return base64.b64decode(str(at(kube.get("secret", name, namespace), "data", key))).decode()


def containers_of(pod: JsonObject) -> list[str]:
    """Names of a pod's containers, its sidecars too."""
    found = []
    for kind in ("initContainers", "containers"):
        containers = at(pod, "spec", kind)
        found += [str(at(one, "name")) for one in containers] if isinstance(containers, list) else []
    return found
