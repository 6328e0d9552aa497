"""The folder of one stack: names of what lies in it, and the addresses that its parts have been given."""

import secrets
import shutil
from dataclasses import dataclass, field, fields
from pathlib import Path

from devstack.pki import write_private
from devstack.ports import pick_ports


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on 127.0.0.1."""

    etcd: int
    etcd_peer: int
    apiserver: int
    controller_manager: int
    consul: int
    consul_server: int
    consul_serf: int
    consul_wan: int
    gateway_admin: int
    gateway_proxy: int
    gateway_control: int

    @classmethod
    def pick(cls) -> "Ports":
        return cls(*pick_ports(len(fields(cls))))


@dataclass(frozen=True, slots=True)
class Layout:
    """Files of one stack. The folder is ours alone (0700): keys and tokens lie in it."""

    root: Path
    ports: Ports
    admin_token: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def tokens(self) -> Path:
        """`token,user,uid,"groups"`, the API server's --token-auth-file."""
        return self.root / "tokens.csv"

    @property
    def admin_key(self) -> Path:
        return self.root / "apisix-admin-key"

    def clear(self) -> None:
        """Make the folder, without what an earlier stack left there; the lock file stays."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.data, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        write_private(self.tokens, f'{self.admin_token},admin,admin,"system:masters"\n'.encode())
        write_private(self.admin_key, secrets.token_hex(16).encode())
