"""The gateway that the recordings are replayed against: the stand-in, or a real APISIX."""

import os
from dataclasses import dataclass
from functools import cache

import httpx

from .recorded import ADMIN_KEY, VIEWER_KEY


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
        return _client().request(method, url, content=body, headers={"X-API-KEY": self.admin_key})

    def request(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """A client's GET through the gateway."""
        return httpx.get(f"{self.gateway_url}{path}", headers=headers, trust_env=False, timeout=10)


@cache
def _client() -> httpx.Client:
    """One for all requests, since making one takes long; each request has a connection of its own."""
    return httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


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
