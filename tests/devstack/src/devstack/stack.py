"""One stack: the parts, started in order, and stopped in order whatever happens."""

from pathlib import Path

from devstack.errors import DevstackError, PortTaken
from devstack.find import Binaries
from devstack.handles.kube import Kube
from devstack.kubeconfig import write_kubeconfig
from devstack.layout import Layout, Ports
from devstack.parts.base import Part, Site
from devstack.parts.consul import Consul, ConsulPorts
from devstack.parts.etcd import Etcd
from devstack.parts.gateway import Gateway
from devstack.parts.kubernetes import ApiServer, ControllerManager
from devstack.pki import create_pki
from devstack.ports import pick_ports
from devstack.processes import ProcessGroup
from devstack.supervisor import Supervisor

_ATTEMPTS = 3


class Stack(Supervisor):
    """A stack in a folder of its own, as a context manager.

    `binaries` come from `builder.build` or `find.require`; the controller manager runs where they contain it, and
    Kubernetes with its etcd where they contain kube-apiserver: file mode needs neither.
    """

    etcd: Etcd
    apiserver: ApiServer
    consul: Consul
    gateway: Gateway

    def __init__(self, directory: Path, binaries: Binaries) -> None:
        super().__init__(directory)
        self.binaries = binaries

    @property
    def layout(self) -> Layout:
        return self._layout

    @property
    def kubeconfig(self) -> Path:
        """Of cluster-admin."""
        return self._layout.kubeconfig

    @property
    def kubectl(self) -> Path:
        return self.binaries["kubectl"].path

    @property
    def kube(self) -> Kube:
        """With the rights of cluster-admin; `kube.service_account(...)` gives one with less."""
        return Kube(self.kubectl, self.kubeconfig, self.apiserver.url, self._pki.ca, self.apiserver.http)

    @property
    def controller_manager(self) -> ControllerManager:
        for part in self.parts:
            if isinstance(part, ControllerManager):
                return part
        msg = f"the stack {self.name} has no kube-controller-manager: it is not among the binaries it was given"
        raise DevstackError(msg)

    @property
    def parts(self) -> list[Part]:
        """In the order of their start."""
        return [process for process in self._processes if isinstance(process, Part)]

    def environment(self) -> dict[str, str]:
        """For programs that use the stack as its administrator would."""
        kubernetes = {"KUBECONFIG": str(self.kubeconfig), "KUBECTL": str(self.kubectl)} if self._with_kubernetes else {}
        return {
            **kubernetes,
            "CONSUL_HTTP_ADDR": self.consul.url,
            "APISIX_ADMIN_URL": self.gateway.admin_url,
            "APISIX_ADMIN_KEY_FILE": str(self.gateway.admin_key_file),
            "APISIX_GATEWAY_URL": self.gateway.url,
            "APISIX_CONTROL_URL": self.gateway.control_url,
        }

    def _start_processes(self) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._start_parts()
            except PortTaken:
                if attempt == _ATTEMPTS:
                    raise
                self._end_processes()
            else:
                return

    def _start_parts(self) -> None:
        """All at once but for what needs etcd or the API server to answer first."""
        self._layout = Layout(self.directory, Ports.pick())
        self._layout.clear()
        self._pki = create_pki(self.directory)
        self._group = ProcessGroup()
        site = Site(self.binaries, self._layout, self._pki, self._group, self._record)
        self._site = site
        ports = self._layout.ports
        own = ConsulPorts(ports.consul, ports.consul_server, ports.consul_serf, ports.consul_wan)
        self.consul, self.gateway = Consul(site, own), Gateway(site)
        self._processes = [self.consul, self.gateway]
        if self._with_kubernetes:
            self._start_etcd(site)
        self.consul.spawn()
        self.gateway.spawn()
        if self._with_kubernetes:
            self.etcd.wait_ready()
            self.apiserver.spawn()
        self.gateway.wait_ready()
        self.consul.wait_ready()
        if self._with_kubernetes:
            self.apiserver.wait_ready()
        if "kube-controller-manager" in self.binaries:
            controller_manager = ControllerManager(site)
            self._processes.append(controller_manager)
            controller_manager.start()

    @property
    def _with_kubernetes(self) -> bool:
        return "kube-apiserver" in self.binaries

    def _start_etcd(self, site: Site) -> None:
        self.etcd, self.apiserver = Etcd(site), ApiServer(site)
        write_kubeconfig(
            self.kubeconfig, server=self.apiserver.url, ca=self._pki.ca, user="admin", token=self._layout.admin_token
        )
        self._processes = [self.etcd, *self._processes, self.apiserver]
        self.etcd.spawn()

    def start_datacenter(self, name: str) -> Consul:
        """Start one more Consul: another datacenter, which this stack's own knows."""
        other = Consul(self._site, ConsulPorts(*pick_ports(4)), name, [self.consul.ports.serf_wan])
        self._processes.append(other)
        other.start()
        other.wait_until(lambda: self.consul.answers(f"/v1/catalog/nodes?dc={name}") is not None, timeout=60)
        return other

    def check(self) -> None:
        """Raises PartFailed when a part has ended though nobody asked it to."""
        self._raise_if_crashed(self.parts)
