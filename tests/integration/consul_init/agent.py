"""A Consul agent of a test's own, which it may stop, wipe, freeze and configure as it likes."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from devstack.handles.consul import ConsulApi
from devstack.ports import pick_ports
from devstack.processes import ProcessGroup

_READY_SECONDS = 30.0


class ConsulAgent:
    """One server that is also the agent. `extra` is merged into its configuration."""

    def __init__(
        self,
        binary: Path,
        directory: Path,
        group: ProcessGroup,
        extra: Mapping[str, object],
        *,
        address: str = "127.0.0.1",
        http_port: int | None = None,
    ) -> None:
        self._binary = binary
        self._directory = directory
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None
        free_port, self.https_port, server, serf = pick_ports(4)
        self.http_port = http_port or free_port
        ports = {"http": self.http_port, "server": server, "serf_lan": serf, "serf_wan": -1, "dns": -1}
        config = {
            "node_name": "node1",
            "server": True,
            "bootstrap": True,
            "bind_addr": "127.0.0.1",
            "client_addr": address,
            "ports": {**ports, "grpc": -1, "grpc_tls": -1},
            "performance": {"raft_multiplier": 1},
            "connect": {"enabled": False},
            "disable_update_check": True,
            "data_dir": str(directory / "data"),
        }
        if "tls" in extra:
            config["ports"] = {**ports, "grpc": -1, "grpc_tls": -1, "https": self.https_port}
        (directory / "consul.json").write_text(json.dumps({**config, **extra}))
        self.address = f"{address}:{self.http_port}"
        acl = extra.get("acl")
        token = acl["tokens"]["initial_management"] if isinstance(acl, dict) else ""
        headers = {"X-Consul-Token": token}
        self.http = httpx.Client(base_url=f"http://{self.address}", headers=headers, trust_env=False, timeout=10)
        self.api = ConsulApi(f"http://{self.address}", self.http)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it is up."""
        command = [str(self._binary), "agent", f"-config-file={self._directory / 'consul.json'}"]
        log = self._directory / "consul.log"
        self._process = self._group.spawn(command, log, dict(os.environ))
        end = time.monotonic() + _READY_SECONDS
        while not self._is_up():
            assert self._process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < end, "Consul does not come up"
            time.sleep(0.05)

    def _is_up(self) -> bool:
        """The agent has put itself into the catalog. Before that its first tries to do so may fail for want of a
        leader, and the next one comes 15 s later (anti-entropy), with all that was registered meanwhile.
        """
        try:
            answer = self.http.get("/v1/catalog/service/consul")
            return answer.is_success and answer.json() != []
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """As with kill -9: nothing is handed over."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def move(self, address: str) -> None:
        """To another address of this host, with its data, as a pod that is restarted. It must be down."""
        file = self._directory / "consul.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "client_addr": address}))
        self.address = f"{address}:{self.http_port}"
        self.http.close()
        self.http = httpx.Client(
            base_url=f"http://{self.address}", headers=self.http.headers, trust_env=False, timeout=10
        )
        self.api = ConsulApi(f"http://{self.address}", self.http)

    def lose_data(self) -> None:
        """It must be down."""
        shutil.rmtree(self._directory / "data")

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End it, and our connections to it."""
        self.http.close()
        self.stop()
