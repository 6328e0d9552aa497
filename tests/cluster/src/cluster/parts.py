"""What makes the devstack's API server a cluster with a node: container runtime, kubelet, scheduler, Services, DNS."""

import subprocess
from collections.abc import Sequence

import httpx
from devstack.parts.base import Part, Site, loopback_client
from devstack.parts.kubernetes import ApiServer
from devstack.pki import write_private
from devstack.processes import Process

from cluster import configs
from cluster.sandbox import ADDRESS


class NodeApiServer(ApiServer):
    """The devstack's, reachable by pods as the Service kubernetes, and with a kubelet to talk to."""

    def command(self) -> Sequence[str]:
        """The last of two equal options counts."""
        return [
            *super().command(),
            "--bind-address=0.0.0.0",
            f"--advertise-address={ADDRESS}",
            "--endpoint-reconciler-type=lease",
            "--allow-privileged=true",
            "--kubelet-preferred-address-types=InternalIP",
        ]


class Containerd(Process):
    """Its images and containers lie in `data/containerd` and are gone with the cluster."""

    def __init__(self, site: Site, cni_programs: str) -> None:
        super().__init__("containerd", site.group, site.layout.logs / "containerd.log", site.on_change)
        root = site.layout.root
        networks = root / "cni"
        networks.mkdir(exist_ok=True)
        (networks / "pods.conflist").write_text(configs.cni())
        self._config = root / "containerd.toml"
        self._config.write_text(configs.containerd(site.layout.data / "containerd", cni_programs, networks))

    def command(self) -> Sequence[str]:
        return ["containerd", f"--config={self._config}"]

    def is_ready(self) -> bool:
        return subprocess.run(ctr("version"), capture_output=True, check=False).returncode == 0


def ctr(*arguments: str) -> list[str]:
    """A command line for containerd, inside, about the images that kubelet sees."""
    return ["ctr", f"--address={configs.CONTAINERD_SOCKET}", "--namespace=k8s.io", *arguments]


class _KubernetesPart(Part):
    """A part with a health page over plain HTTP."""

    port: int
    path = "/healthz"

    def __init__(self, name: str, site: Site) -> None:
        super().__init__(name, site, loopback_client(self.port))
        self._site = site

    def is_ready(self) -> bool:
        return self.answers(self.path) is not None


class Kubelet(_KubernetesPart):
    """Takes its rights from the cluster's administrator: nobody but us is on this node."""

    port = 10248

    def __init__(self, site: Site) -> None:
        super().__init__("kubelet", site)
        self._config = write_private(site.layout.root / "kubelet.json", configs.kubelet().encode())

    def command(self) -> Sequence[str]:
        return [
            str(self.binary),
            f"--config={self._config}",
            f"--kubeconfig={self._layout.kubeconfig}",
            f"--root-dir={self.data}",
            f"--cert-dir={self.data / 'pki'}",
            f"--node-ip={ADDRESS}",
            f"--hostname-override={configs.NODE_NAME}",
        ]


class KubeProxy(_KubernetesPart):
    """Programs the namespace's packet filter for Services. It wants the Node object to have an address."""

    port = 10256

    def __init__(self, site: Site) -> None:
        super().__init__("kube-proxy", site)
        config = configs.kube_proxy(site.layout.kubeconfig)
        self._config = write_private(site.layout.root / "kube-proxy.json", config.encode())

    def command(self) -> Sequence[str]:
        return [str(self.binary), f"--config={self._config}"]


class Scheduler(Part):
    """Assigns pods to the one node."""

    def __init__(self, site: Site) -> None:
        super().__init__("kube-scheduler", site, httpx.Client())
        self._pki = site.pki

    def command(self) -> Sequence[str]:
        return [
            str(self.binary),
            f"--kubeconfig={self._layout.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def is_ready(self) -> bool:
        return self.running


class CoreDns(Part):
    """Names of Services and pods, on the node's address."""

    def __init__(self, site: Site) -> None:
        http = httpx.Client(base_url=f"http://{ADDRESS}:8181", trust_env=False)
        super().__init__("coredns", site, http)
        self._config = write_private(site.layout.root / "Corefile", configs.corefile(site.layout.kubeconfig).encode())

    def command(self) -> Sequence[str]:
        return [str(self.binary), "-conf", str(self._config)]

    def is_ready(self) -> bool:
        return self.answers("/ready") is not None
