"""etcd, the API server's store."""

from collections.abc import Sequence

from devstack.parts.base import Part, Site, loopback_client


class Etcd(Part):
    """Single member, without fsync: its data need to outlive a killed process, not a machine."""

    grace = 2.0  # else it waits for its clients to leave; what it has acknowledged is in its log by then

    def __init__(self, site: Site) -> None:
        port = site.layout.ports.etcd
        super().__init__("etcd", site, loopback_client(port))
        self.url = f"http://127.0.0.1:{port}"

    def command(self) -> Sequence[str]:
        peer = f"http://127.0.0.1:{self._layout.ports.etcd_peer}"
        return [
            str(self.binary),
            "--name=devstack",
            f"--data-dir={self.data}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=devstack={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def is_ready(self) -> bool:
        return self.answers("/health") is not None
