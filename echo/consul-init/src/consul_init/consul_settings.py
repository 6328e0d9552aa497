"""Where Consul is and how to speak to it, under the names Consul's own command line uses."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from consul_init.environment import Environment, is_unicode
from consul_init.errors import SettingsError
from consul_init.hosts import is_host, is_ipv6

_DEFAULT_PORT, _DEFAULT_TLS_PORT = 8500, 443
_TOKEN = re.compile(r"[!-~]+")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_AUTH = re.compile(r"[^:\x00-\x1f]+:[^\x00-\x1f]*")
_FORMS = (
    "write HOST:PORT (for IPv6 [ADDRESS]:PORT or ADDRESS:PORT), http(s)://HOST:PORT or unix:///PATH, with a port from"
    " 1 to 65535"
)


def is_token(text: str) -> bool:
    """Whether it can be sent. Python's HTTP client shows the value of a header that it refuses in its exception."""
    return _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class ConsulAddress:
    """`scheme` is http, https or unix; for unix, `host` is the socket's path and `port` 0. `path` stands before the
    API's own, where something in front of Consul wants that.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    def __post_init__(self) -> None:
        """Raises SettingsError."""
        is_socket = self.scheme == "unix" and self.host.startswith("/")
        is_url = self.scheme in ("http", "https") and is_host(self.host) and 1 <= self.port <= 65535
        if not (is_socket or is_url) or not _PATH.fullmatch(self.path):
            raise SettingsError("CONSUL_HTTP_ADDR", f"is {str(self)!r}: {_FORMS}")

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(frozen=True, kw_only=True)
class ConsulSettings:
    """The agent's address, the token, and TLS. The token is kept out of `repr`."""

    address: ConsulAddress = ConsulAddress(scheme="http", host="127.0.0.1", port=_DEFAULT_PORT)
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
    auth: str | None = field(default=None, repr=False)
    """User and password with a colon between, for something in front of Consul."""
    ca_file: str | None = None
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    tls_server_name: str | None = None
    namespace: str | None = None
    partition: str | None = None

    def __post_init__(self) -> None:
        """Raises SettingsError, which shows no secret, for what could not be sent."""
        if self.token is not None and not is_token(self.token):
            raise SettingsError("CONSUL_HTTP_TOKEN", "(not shown) has characters in it that no token has")
        if self.auth is not None and not (_AUTH.fullmatch(self.auth) and is_unicode(self.auth)):
            raise SettingsError("CONSUL_HTTP_AUTH", "(not shown) must be a user and a password, with a colon between")
        if self.tls_server_name is not None and not is_host(self.tls_server_name):
            raise SettingsError("CONSUL_TLS_SERVER_NAME", f"is {self.tls_server_name!r}: it must be a host name")
        if (self.client_cert is None) != (self.client_key is None):
            missing = "CONSUL_CLIENT_KEY" if self.client_key is None else "CONSUL_CLIENT_CERT"
            raise SettingsError(missing, "is not set: a client certificate and its key go together")

    @classmethod
    def from_env(cls, env: Environment) -> "ConsulSettings":
        """Raises SettingsError for a variable that is wrong, or that would weaken TLS."""
        if not env.flag("CONSUL_HTTP_SSL_VERIFY", default=True):
            raise SettingsError(
                "CONSUL_HTTP_SSL_VERIFY",
                "is false: certificates are always verified here. Set CONSUL_CACERT to the file of Consul's CA,"
                " and CONSUL_TLS_SERVER_NAME if its certificate has another name",
            )
        return cls(
            address=_address(env),
            token=env.get("CONSUL_HTTP_TOKEN"),
            token_file=env.file("CONSUL_HTTP_TOKEN_FILE"),
            auth=env.get("CONSUL_HTTP_AUTH"),
            ca_file=env.file("CONSUL_CACERT"),
            ca_path=env.file("CONSUL_CAPATH"),
            client_cert=env.file("CONSUL_CLIENT_CERT"),
            client_key=env.file("CONSUL_CLIENT_KEY"),
            tls_server_name=env.get("CONSUL_TLS_SERVER_NAME"),
            namespace=env.get("CONSUL_NAMESPACE"),
            partition=env.get("CONSUL_PARTITION"),
        )


def _address(env: Environment) -> ConsulAddress:
    text = env.get("CONSUL_HTTP_ADDR") or f"127.0.0.1:{_DEFAULT_PORT}"
    try:
        return _read(text, tls=env.flag("CONSUL_HTTP_SSL", default=False))
    except ValueError as error:
        raise SettingsError("CONSUL_HTTP_ADDR", f"cannot be read: {error}") from error


def _read(text: str, *, tls: bool) -> ConsulAddress:
    if text.startswith("unix://"):
        return ConsulAddress(scheme="unix", host=text.removeprefix("unix://"), port=0)
    if "@" in text:
        # The value is not shown: it holds a password.
        raise SettingsError(
            "CONSUL_HTTP_ADDR", "has a user name in it: Consul takes a token, in CONSUL_HTTP_TOKEN_FILE"
        )
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    if scheme == "http" and tls:
        scheme = "https"  # as Consul's client does: never back to http where TLS was asked for
    default_port = _DEFAULT_TLS_PORT if scheme == "https" else _DEFAULT_PORT
    bare = _bare_ipv6(rest)
    if bare is not None:
        return ConsulAddress(scheme=scheme, host=bare[0], port=default_port if bare[1] is None else bare[1])
    parts = urlsplit(f"//{rest}")
    port = default_port if parts.port is None else parts.port
    path = parts.path.rstrip("/") + rest.removeprefix(parts.netloc + parts.path)  # a query is part of no path
    try:
        return ConsulAddress(scheme=scheme, host=parts.hostname or "", port=port, path=path)
    except SettingsError:
        raise SettingsError("CONSUL_HTTP_ADDR", f"is {text!r}: {_FORMS}") from None


def _bare_ipv6(text: str) -> tuple[str, int | None] | None:
    """IPv6 without brackets, as `$(HOST_IP):8500` becomes in a pod: what stands after the last colon is the port."""
    if text.count(":") < 2 or "[" in text:
        return None
    host, _, port = text.rpartition(":")
    for address, number in ((host, port), (text, "")):
        if is_ipv6(address) and (not number or (number.isascii() and number.isdigit() and int(number) < 65536)):
            return address, int(number) if number else None
    return None
