"""Consul: one agent that is server and client, with its web page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from devstack.handles.consul import ConsulApi
from devstack.parts.base import Part, Site, loopback_client
from devstack.pki import write_private


@dataclass(frozen=True, slots=True)
class ConsulPorts:
    """TCP ports on 127.0.0.1; those of serf are UDP ports, too."""

    http: int
    server: int
    serf_lan: int
    serf_wan: int


class Consul(Part):
    """As `consul agent -dev`, but with data that a restart keeps. Limits (connections, rates) are the defaults."""

    def __init__(self, site: Site, ports: ConsulPorts, datacenter: str = "dc1", joins: Sequence[int] = ()) -> None:
        """One that `joins` others, by their ports of serf_wan, is a datacenter of its own beside theirs."""
        name = f"consul-{datacenter}" if joins else "consul"
        super().__init__(name, site, loopback_client(ports.http), program="consul")
        self.url = f"http://127.0.0.1:{ports.http}"
        self.ports = ports
        self.datacenter = datacenter
        self._joins = joins
        self._config = site.layout.root / f"{name}.json"

    @property
    def api(self) -> ConsulApi:
        return ConsulApi(self.url, self._http)

    def command(self) -> Sequence[str]:
        """Options: https://developer.hashicorp.com/consul/docs/agent/config/config-files."""
        config = {
            "node_name": "devstack",
            "datacenter": self.datacenter,
            "server": True,
            "bootstrap": True,
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "ports": {
                "http": self.ports.http,
                "server": self.ports.server,
                "serf_lan": self.ports.serf_lan,
                "serf_wan": self.ports.serf_wan,
                "dns": -1,
                "grpc": -1,
                "grpc_tls": -1,
            },
            "retry_join_wan": [f"127.0.0.1:{port}" for port in self._joins],
            "retry_interval_wan": "1s",
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
