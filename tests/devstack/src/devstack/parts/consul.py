"""Consul: one agent that is server and client, with its web page."""

import json
from collections.abc import Sequence

from devstack.handles.consul import ConsulApi
from devstack.parts.base import Part, Site, loopback_client
from devstack.pki import write_private


class Consul(Part):
    """As `consul agent -dev`, but with data that a restart keeps. Limits (connections, rates) are the defaults."""

    def __init__(self, site: Site) -> None:
        port = site.layout.ports.consul
        super().__init__("consul", site, loopback_client(port))
        self.url = f"http://127.0.0.1:{port}"
        self._config = site.layout.root / "consul.json"

    @property
    def api(self) -> ConsulApi:
        return ConsulApi(self.url, self._http)

    def command(self) -> Sequence[str]:
        """Options: https://developer.hashicorp.com/consul/docs/agent/config/config-files."""
        ports = self._layout.ports
        config = {
            "node_name": "devstack",
            "server": True,
            "bootstrap": True,
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "ports": {
                "http": ports.consul,
                "server": ports.consul_server,
                "serf_lan": ports.consul_serf,
                "serf_wan": -1,
                "dns": -1,
                "grpc": -1,
                "grpc_tls": -1,
            },
            "data_dir": str(self.data),
            "performance": {"raft_multiplier": 1},  # a leader in 1.5 s instead of 8
            "connect": {"enabled": False},
            "ui_config": {"enabled": True},
            "disable_update_check": True,  # nothing is asked of the internet
        }
        write_private(self._config, json.dumps(config, indent=2).encode())
        return [str(self.binary), "agent", f"-config-file={self._config}"]

    def is_ready(self) -> bool:
        """A leader is elected and has put this node into the catalog."""
        answer = self.answers("/v1/catalog/service/consul")
        return answer is not None and answer.json() != []
