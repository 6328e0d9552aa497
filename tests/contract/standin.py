"""A stand-in gateway, and a Consul for it, as processes of a test's own."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from devstack.find import require
from devstack.ports import pick_ports
from pydantic import BaseModel, JsonValue, TypeAdapter

from .recorded import ADMIN_KEY, VIEWER_KEY
from .running import ready_line, running, wait_until
from .target import Target

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class _Ready(BaseModel):
    """The line with which the stand-in says that it listens."""

    ready: bool
    admin: str
    proxy: str
    control: str


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running gateway."""

    target: Target
    control_url: str
    process: subprocess.Popen[str]

    def control(self, method: str, path: str, body: JsonValue = None) -> JsonValue:
        """A request to the control API; raises httpx.HTTPStatusError when it is refused."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            answer = client.request(method, f"{self.control_url}{path}", json=body)
        return _JSON.validate_json(answer.raise_for_status().content)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class ConsulAddress:
    """Ports that a Consul keeps over its starts."""

    def __init__(self) -> None:
        self.http, self.server, self.serf = pick_ports(3)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"


def _has_leader(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/v1/catalog/service/consul", trust_env=False, timeout=2)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK and answer.json() != []


@contextmanager
def running_consul(directory: Path, address: ConsulAddress | None = None) -> Iterator[str]:
    """A Consul without a memory; its URL."""
    at = address or ConsulAddress()
    command = [
        str(require(("consul",))["consul"].path), "agent", "-dev", "-bind=127.0.0.1", f"-http-port={at.http}",
        f"-server-port={at.server}", f"-serf-lan-port={at.serf}", "-serf-wan-port=-1", "-dns-port=-1", "-grpc-port=-1",
        "-grpc-tls-port=-1", "-hcl=disable_update_check = true",
    ]  # fmt: skip
    log = directory / "consul.log"
    with running(command, log):
        wait_until(lambda: _has_leader(at.url), f"Consul at {at.url}", log)
        yield at.url


@contextmanager
def running_standin(directory: Path, consul_url: str, *options: str) -> Iterator[StandIn]:
    """A stand-in gateway on free ports."""
    key_file = directory / "admin-key"
    key_file.write_text(f"{ADMIN_KEY}\n{VIEWER_KEY}\n")
    binary = require(("gateway",))["gateway"].path
    command = [str(binary), f"--admin-key-file={key_file}", f"--consul={consul_url}", *options]
    log = directory / "gateway.log"
    with running(command, log, announces=True) as process:
        ready = _Ready.model_validate_json(ready_line(process, log))
        target = Target(
            admin_url=f"http://{ready.admin}",
            admin_key=ADMIN_KEY,
            viewer_key=VIEWER_KEY,
            gateway_url=f"http://{ready.proxy}",
            consul_url=consul_url,
            is_standin=True,
            settle=0,
        )
        yield StandIn(target, f"http://{ready.control}", process)
