"""Where Consul is and how to speak to it, under the names Consul's own command line uses."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from consul_init.environment import Environment
from consul_init.errors import SettingsError
from consul_init.hosts import is_host, is_ipv6

_DEFAULT_PORT, _DEFAULT_TLS_PORT = 8500, 443
_TOKEN = re.compile(r"[!-~]+")


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

    @classmethod
    def from_env(cls, env: Environment) -> "ConsulSettings":
        """Raises SettingsError for a variable that is wrong, or that would weaken TLS."""
        if not env.flag("CONSUL_HTTP_SSL_VERIFY", default=True):
            raise SettingsError(
                "CONSUL_HTTP_SSL_VERIFY",
                "is false: certificates are always verified here. Set CONSUL_CACERT to the file of Consul's CA,"
                " and CONSUL_TLS_SERVER_NAME if its certificate has another name",
            )
        token, token_file = env.get("CONSUL_HTTP_TOKEN"), env.file("CONSUL_HTTP_TOKEN_FILE")
        if token is not None and not is_token(token):
            raise SettingsError("CONSUL_HTTP_TOKEN", "(not shown) has characters in it that no token has")
        certificate, key = env.file("CONSUL_CLIENT_CERT"), env.file("CONSUL_CLIENT_KEY")
        if (certificate is None) != (key is None):
            missing = "CONSUL_CLIENT_KEY" if key is None else "CONSUL_CLIENT_CERT"
            raise SettingsError(missing, "is not set: a client certificate and its key go together")
        return cls(
            address=_address(env),
            token=token,
            token_file=token_file,
            auth=_auth(env),
            ca_file=env.file("CONSUL_CACERT"),
            ca_path=env.file("CONSUL_CAPATH"),
            client_cert=certificate,
            client_key=key,
            tls_server_name=_tls_server_name(env),
            namespace=env.get("CONSUL_NAMESPACE"),
            partition=env.get("CONSUL_PARTITION"),
        )


def _address(env: Environment) -> ConsulAddress:
    text = env.get("CONSUL_HTTP_ADDR") or f"127.0.0.1:{_DEFAULT_PORT}"
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
    if scheme == "http" and env.flag("CONSUL_HTTP_SSL", default=False):
        scheme = "https"  # as Consul's client does: never back to http where TLS was asked for
    default_port = _DEFAULT_TLS_PORT if scheme == "https" else _DEFAULT_PORT
    bare = _bare_ipv6(rest)
    if bare is not None:
        return ConsulAddress(scheme=scheme, host=bare[0], port=bare[1] or default_port)
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port or default_port
    except ValueError as error:
        raise SettingsError("CONSUL_HTTP_ADDR", f"cannot be read: {error}") from error
    extra = parts.query or parts.fragment or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", parts.path)
    if scheme not in ("http", "https") or not host or not is_host(host) or extra:
        raise SettingsError(
            "CONSUL_HTTP_ADDR",
            f"is {text!r}: write HOST:PORT (for IPv6 [ADDRESS]:PORT or ADDRESS:PORT), http(s)://HOST:PORT or"
            " unix:///PATH",
        )
    return ConsulAddress(scheme=scheme, host=host, port=port, path=parts.path.rstrip("/"))


def _bare_ipv6(text: str) -> tuple[str, int | None] | None:
    """IPv6 without brackets, as `$(HOST_IP):8500` becomes in a pod: what stands after the last colon is the port."""
    if text.count(":") < 2 or "[" in text:
        return None
    host, _, port = text.rpartition(":")
    for address, number in ((host, port), (text, "")):
        if is_ipv6(address) and (not number or (number.isascii() and number.isdigit() and int(number) < 65536)):
            return address, int(number) if number else None
    return None


def _auth(env: Environment) -> str | None:
    auth = env.get("CONSUL_HTTP_AUTH")
    if auth is not None and (":" not in auth or "\n" in auth):
        raise SettingsError("CONSUL_HTTP_AUTH", "(not shown) must be a user and a password, with a colon between")
    return auth


def _tls_server_name(env: Environment) -> str | None:
    name = env.get("CONSUL_TLS_SERVER_NAME")
    if name is not None and not is_host(name):
        raise SettingsError("CONSUL_TLS_SERVER_NAME", f"is {name!r}: it must be a host name")
    return name
