"""The gateway that the recordings are replayed against: the stand-in, or a real APISIX."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from devstack.find import require
from devstack.ports import pick_ports
from pydantic import BaseModel

from .recorded import ADMIN_KEY, VIEWER_KEY
from .running import ready_line, running, wait_until


@dataclass(frozen=True, slots=True)
class Target:
    """`settle` is how long a change takes to reach the data plane, in seconds; the stand-in answers when it has."""

    admin_url: str
    admin_key: str
    viewer_key: str
    gateway_url: str
    consul_url: str
    is_standin: bool
    settle: float

    def with_keys(self, recorded: str) -> str:
        """A recorded text with this gateway's keys."""
        return recorded.replace(ADMIN_KEY, self.admin_key).replace(VIEWER_KEY, self.viewer_key)

    def admin(self, method: str, path: str, body: str | None = None) -> httpx.Response:
        """A request to the Admin API with the admin key; `path` begins below /apisix/admin."""
        url = f"{self.admin_url}/apisix/admin{path}"
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, url, content=body, headers={"X-API-KEY": self.admin_key})


def real_apisix() -> Target | None:
    """The APISIX that the environment names; None where it names none."""
    admin_url = os.environ.get("APISIX_ADMIN_URL")
    if not admin_url:
        return None
    return Target(
        admin_url=admin_url.rstrip("/").removesuffix("/apisix/admin"),
        admin_key=os.environ["APISIX_ADMIN_KEY"],
        viewer_key=os.environ.get("APISIX_VIEWER_KEY", VIEWER_KEY),
        gateway_url=os.environ["APISIX_GATEWAY_URL"].rstrip("/"),
        consul_url=os.environ.get("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500"),
        is_standin=False,
        settle=1.5,
    )


class _Ready(BaseModel):
    """The line with which the stand-in says that it listens."""

    ready: bool
    admin: str
    proxy: str
    control: str


def _has_leader(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/v1/catalog/service/consul", trust_env=False, timeout=2)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK and answer.json() != []


@contextmanager
def standin(directory: Path) -> Iterator[Target]:
    """A stand-in gateway of its own, with a Consul of its own."""
    binaries = require(("consul", "gateway"))
    http, server, serf = pick_ports(3)
    consul_url = f"http://127.0.0.1:{http}"
    consul = [
        str(binaries["consul"].path), "agent", "-dev", "-bind=127.0.0.1", f"-http-port={http}",
        f"-server-port={server}", f"-serf-lan-port={serf}", "-serf-wan-port=-1", "-dns-port=-1", "-grpc-port=-1",
        "-grpc-tls-port=-1", "-hcl=disable_update_check = true",
    ]  # fmt: skip
    key_file = directory / "admin-key"
    key_file.write_text(f"{ADMIN_KEY}\n{VIEWER_KEY}\n")
    gateway = [str(binaries["gateway"].path), f"--admin-key-file={key_file}", f"--consul={consul_url}"]
    with running(consul, directory / "consul.log"):
        wait_until(lambda: _has_leader(consul_url), f"Consul at {consul_url}", directory / "consul.log")
        with running(gateway, directory / "gateway.log", announces=True) as process:
            ready = _Ready.model_validate_json(ready_line(process, directory / "gateway.log"))
            yield Target(
                admin_url=f"http://{ready.admin}",
                admin_key=ADMIN_KEY,
                viewer_key=VIEWER_KEY,
                gateway_url=f"http://{ready.proxy}",
                consul_url=consul_url,
                is_standin=True,
                settle=0,
            )
