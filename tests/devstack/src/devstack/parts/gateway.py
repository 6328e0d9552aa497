"""The stand-in for Apache APISIX (tests/devstack/gateway)."""

from collections.abc import Sequence

from devstack.handles.gateway import GatewayApi
from devstack.parts.base import Part, Site, loopback_client


class Gateway(Part):
    """Its objects outlive a restart, as APISIX's do in etcd."""

    def __init__(self, site: Site) -> None:
        ports = site.layout.ports
        super().__init__("gateway", site, loopback_client(ports.gateway_control))
        self.admin_url = f"http://127.0.0.1:{ports.gateway_admin}"
        self.url = f"http://127.0.0.1:{ports.gateway_proxy}"
        self.control_url = f"http://127.0.0.1:{ports.gateway_control}"
        self.admin_key_file = site.layout.admin_key

    @property
    def api(self) -> GatewayApi:
        return GatewayApi(self.admin_url, self.url, self.control_url, self.admin_key_file, self._http)

    def command(self) -> Sequence[str]:
        ports = self._layout.ports
        self.data.mkdir(exist_ok=True)
        return [
            str(self.binary),
            f"--admin=127.0.0.1:{ports.gateway_admin}",
            f"--proxy=127.0.0.1:{ports.gateway_proxy}",
            f"--control=127.0.0.1:{ports.gateway_control}",
            f"--admin-key-file={self.admin_key_file}",
            f"--consul=http://127.0.0.1:{ports.consul}",
            f"--data={self.data / 'objects.json'}",
        ]

    def is_ready(self) -> bool:
        return self.answers("/stats") is not None
