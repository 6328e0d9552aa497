"""Where Consul is and how to talk to it, in the terms of Consul's own clients."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from echoroute.errors import SettingsError
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls

_ADDRESS: Final = "CONSUL_HTTP_ADDR"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsulConfig:
    """`base_url` as `base_url()` gives it; `token` is from CONSUL_HTTP_TOKEN or its file, None without ACLs."""

    base_url: str
    token: Credential | None
    tls: Tls


def base_url(address: str, *, ssl: bool) -> str:
    """Read CONSUL_HTTP_ADDR as Consul's own clients do, with `ssl` as CONSUL_HTTP_SSL.

    `host:port`, `http://host:port` and `https://host:port` are taken, each with a path where a reverse proxy wants one.
    With `ssl` the scheme is https whatever the address says. Raises `SettingsError` for everything else.
    """
    scheme, separator, rest = address.strip().partition("://")
    if not separator:
        scheme, rest = "http", scheme
    if scheme == "unix":
        raise SettingsError(
            f"{_ADDRESS}: {address}: unix sockets are not supported; give host:port of an agent or server"
        )
    if scheme not in {"http", "https"}:
        raise SettingsError(
            f"{_ADDRESS}: {scheme}:// is not known; write host:port, http://host:port or https://host:port"
        )
    try:
        parts = urlsplit(f"//{rest}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.query or parts.fragment:
        raise SettingsError(f"{_ADDRESS} must look like consul-server:8500 or https://consul-server:8501")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{_ADDRESS} must not hold a user or password: addresses are logged")
    return f"{'https' if ssl else scheme}://{rest.rstrip('/')}"
