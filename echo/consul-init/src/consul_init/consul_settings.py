"""Where Consul is and how to speak to it, under the names Consul's own command line uses."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from consul_init.environment import Environment
from consul_init.errors import SettingsError
from consul_init.hosts import is_host

_DEFAULT_PORT = 8500
_TOKEN = re.compile(r"[!-~]+")


def is_token(text: str) -> bool:
    """Whether it can be sent. Python's HTTP client shows the value of a header that it refuses in its exception."""
    return _TOKEN.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class ConsulAddress:
    """`scheme` is http, https or unix; for unix, `host` is the socket's path and `port` 0."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class ConsulSettings:
    """The agent's address, the token, and TLS. The token is kept out of `repr`."""

    address: ConsulAddress = ConsulAddress(scheme="http", host="127.0.0.1", port=_DEFAULT_PORT)
    token: str | None = field(default=None, repr=False)
    token_file: str | None = None
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
            ca_file=env.file("CONSUL_CACERT"),
            ca_path=env.file("CONSUL_CAPATH"),
            client_cert=certificate,
            client_key=key,
            tls_server_name=env.get("CONSUL_TLS_SERVER_NAME"),
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
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port or _DEFAULT_PORT
    except ValueError as error:
        raise SettingsError("CONSUL_HTTP_ADDR", f"cannot be read: {error}") from error
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if scheme not in ("http", "https") or not host or not is_host(host) or extra:
        raise SettingsError("CONSUL_HTTP_ADDR", f"is {text!r}: write HOST:PORT, http(s)://HOST:PORT or unix:///PATH")
    return ConsulAddress(scheme=scheme, host=host, port=port)
