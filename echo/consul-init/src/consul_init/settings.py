"""Settings as values, read from the environment once and handed down.

Consul's own names (`CONSUL_HTTP_ADDR`, `CONSUL_CACERT`, ...) mean what they mean to Consul's command line
(https://developer.hashicorp.com/consul/commands#environment-variables), but for two: `CONSUL_HTTP_SSL_VERIFY=false` is
refused, and an http address without a port has 8500. An empty variable counts as not set.
"""

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consul_init import validation
from consul_init.consul_settings import ConsulSettings
from consul_init.environment import Environment
from consul_init.errors import SettingsError
from consul_init.health_check import CheckType

# What one request to Consul may take, in seconds. Twice this is the most that leaving waits for Consul: for the
# request that is under way when the signal comes, and for the deregistration.
REQUEST_TIMEOUT = 3.0
LEAVE_BUDGET = 2 * REQUEST_TIMEOUT
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

# The longest path of a unix socket, without its closing zero byte, is 103 bytes on macOS and 107 on Linux.
_LONGEST_SOCKET_PATH = 103
_PORT = re.compile(r"[0-9]{1,5}")
# Where a pod tells who it is (downward API), and the service meta it becomes.
_POD_META = {"POD_NAME": "pod", "POD_UID": "pod-uid", "POD_NAMESPACE": "namespace", "NODE_NAME": "node"}
# What need not be set where nothing is registered, as in an application's own unit tests. POD_IP stands last among the
# addresses: a pod that its sidecar registers has to know itself by the address under which it is checked.
_UNREGISTERED = {"SERVICE_NAME": "unregistered", "SERVICE_PORT": "65535", "POD_IP": "127.0.0.1"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One service instance and the Consul agent that is to hold it. Made from code, it is checked as variables are.

    Durations are seconds. `address` is what `SERVICE_ADDRESS` or `POD_IP` says, None when it must be found out. An
    empty `check_path` is the one that is usual for the check's type. `port` is 0 for a service that has none, and whose
    check is of the type ttl.
    """

    name: str
    port: int
    address: str | None = None
    address_variable: str = "SERVICE_ADDRESS"
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    weight: int | None = None
    warning_weight: int | None = None
    check_type: CheckType = CheckType.HTTP
    check_port: int | None = None
    check_path: str = ""
    check_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    check_tls_server_name: str | None = None
    check_tls_skip_verify: bool = False
    check_failures: int = 1
    check_successes: int = 1
    check_interval: float = 1.0
    check_timeout: float = 10.0
    deregister_after: float = validation.MIN_DEREGISTER_AFTER
    drain: float = 2.0
    stop_timeout: float = 25.0
    stop_signals: tuple[int, ...] = STOP_SIGNALS
    enabled: bool = True
    control_socket: str | None = None
    consul: ConsulSettings = field(default_factory=ConsulSettings)

    def __post_init__(self) -> None:
        """Raises SettingsError, whose message names the variable, for the first value that is wrong."""
        validation.name(self.name)
        validation.port("SERVICE_PORT", self.port, at_least=0 if self.check_type is CheckType.TTL else 1)
        if self.address is not None:
            validation.address(self.address_variable, self.address)
        validation.tags(self.tags)
        validation.meta(self.meta)
        validation.weights(self.weight, self.warning_weight)
        if self.check_port is not None:
            validation.port("SERVICE_CHECK_PORT", self.check_port)
        validation.check_path(self.check_type, self.check_path)
        validation.check_headers(self.check_type, self.check_headers)
        validation.check_tls(self.check_type, self.check_tls_server_name, skip_verify=self.check_tls_skip_verify)
        validation.check_counts(self.check_type, self.check_failures, self.check_successes)
        validation.check_times(self.check_type, self.check_interval, self.check_timeout)
        validation.deregister_after(self.deregister_after)
        validation.stop_timeout(self.stop_timeout, self.drain, LEAVE_BUDGET)
        validation.stop_signals(self.stop_signals)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read `environ` (default: the process's own).

        Raises SettingsError, whose message names the variable, for the first one that is missing or wrong.
        """
        env = Environment(os.environ if environ is None else environ)
        enabled = env.flag("SERVICE_REGISTER", default=True)
        if not enabled:
            env = env.with_defaults(_UNREGISTERED)
        check_type = env.choice("SERVICE_CHECK_TYPE", CheckType, CheckType.HTTP)
        address_variable, address = _address(env)
        return cls(
            name=env.require("SERVICE_NAME", "the name of the service in Consul"),
            port=_port(env, check_type),
            address=address,
            address_variable=address_variable,
            tags=_tags(env),
            meta=_meta(env),
            weight=env.number("SERVICE_WEIGHT"),
            warning_weight=env.number("SERVICE_WARNING_WEIGHT"),
            check_type=check_type,
            check_port=env.number("SERVICE_CHECK_PORT"),
            check_path=env.get("SERVICE_CHECK_PATH") or ("/health" if check_type.is_http else ""),
            check_headers=env.mapping("SERVICE_CHECK_HEADERS"),
            check_tls_server_name=env.get("SERVICE_CHECK_TLS_SERVER_NAME"),
            check_tls_skip_verify=env.flag("SERVICE_CHECK_TLS_SKIP_VERIFY", default=False),
            check_failures=_count(env, "SERVICE_CHECK_FAILURES"),
            check_successes=_count(env, "SERVICE_CHECK_SUCCESSES"),
            check_interval=env.duration("SERVICE_CHECK_INTERVAL", 1.0),
            check_timeout=env.duration("SERVICE_CHECK_TIMEOUT", 10.0),
            deregister_after=env.duration("SERVICE_DEREGISTER_AFTER", validation.MIN_DEREGISTER_AFTER),
            drain=env.duration("SERVICE_DRAIN", 2.0),
            stop_timeout=env.duration("SERVICE_STOP_TIMEOUT", 25.0),
            stop_signals=_stop_signals(env),
            enabled=enabled,
            control_socket=_control_socket(env),
            consul=ConsulSettings.from_env(env),
        )


def _port(env: Environment, check_type: CheckType) -> int:
    if check_type is CheckType.TTL and env.get("SERVICE_PORT") is None:
        return 0
    text = env.require("SERVICE_PORT", "the port on which the service listens")
    if not _PORT.fullmatch(text) or not 1 <= int(text) <= 65535:
        raise SettingsError("SERVICE_PORT", f"is {text!r}: it must be a port number from 1 to 65535")
    return int(text)


def _count(env: Environment, variable: str) -> int:
    number = env.number(variable)
    return 1 if number is None else number


def _address(env: Environment) -> tuple[str, str | None]:
    for variable in ("SERVICE_ADDRESS", "POD_IP"):
        text = env.get(variable)
        if text is not None:
            return variable, text.removeprefix("[").removesuffix("]")
    return "SERVICE_ADDRESS", None


def _tags(env: Environment) -> tuple[str, ...]:
    tags = env.items("SERVICE_TAGS")
    version = env.get("SERVICE_VERSION")
    if version is None:
        return tags
    tag = f"version:{version}"
    other = [each for each in tags if each.startswith("version:") and each != tag]
    if other:
        raise SettingsError("SERVICE_VERSION", f"is {version!r}, and SERVICE_TAGS has {other[0]!r}: set only one")
    return tags if tag in tags else (*tags, tag)


def _meta(env: Environment) -> dict[str, str]:
    meta = {key: value for variable, key in _POD_META.items() if (value := env.get(variable)) is not None}
    for key, value in env.pairs("SERVICE_META"):
        if key in meta:
            raise SettingsError("SERVICE_META", f"has the key {key!r}, which is set twice or comes from the pod")
        meta[key] = value
    return meta


def _stop_signals(env: Environment) -> tuple[int, ...]:
    names = [name.upper().removeprefix("SIG") for name in env.items("SERVICE_STOP_SIGNALS")]
    known = {each.name.removeprefix("SIG"): each for each in signal.Signals}
    for name in names:
        if name not in known:
            raise SettingsError("SERVICE_STOP_SIGNALS", f"has {name!r}: write names such as TERM,INT,QUIT")
    return tuple(known[name] for name in names) or STOP_SIGNALS


def _control_socket(env: Environment) -> str | None:
    text = env.get("CONSUL_INIT_SOCKET")
    if text is None:
        return None
    if len(os.fsencode(text)) > _LONGEST_SOCKET_PATH:
        raise SettingsError(
            "CONSUL_INIT_SOCKET", f"is {text!r}: it must not be longer than {_LONGEST_SOCKET_PATH} bytes"
        )
    path = Path(text)
    if not text.startswith("@") and not (path.is_socket() or (not path.exists() and path.parent.is_dir())):
        raise SettingsError("CONSUL_INIT_SOCKET", f"is {text!r}: it must be a new file in a directory that is there")
    return text
