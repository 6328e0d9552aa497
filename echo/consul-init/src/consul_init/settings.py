"""Settings as values, read from the environment once and handed down.

Consul's own names (`CONSUL_HTTP_ADDR`, `CONSUL_CACERT`, ...) mean what they mean to Consul's command line
(https://developer.hashicorp.com/consul/commands#environment-variables). An empty variable counts as not set.
"""

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consul_init.consul_settings import ConsulSettings
from consul_init.environment import Environment
from consul_init.errors import SettingsError
from consul_init.hosts import is_host

# What one request to Consul may take, in seconds. Twice this is the most that leaving waits for Consul: for the
# request that is under way when the signal comes, and for the deregistration.
REQUEST_TIMEOUT = 3.0
LEAVE_BUDGET = 2 * REQUEST_TIMEOUT
MIN_DEREGISTER_AFTER = 60.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
# The longest path of a unix socket, without its closing zero byte, is 103 bytes on macOS and 107 on Linux.
_LONGEST_SOCKET_PATH = 103
# Where a pod tells who it is (downward API), and the service meta it becomes.
_POD_META = {"POD_NAME": "pod", "POD_UID": "pod-uid", "POD_NAMESPACE": "namespace", "NODE_NAME": "node"}
# What need not be set where nothing is registered, as in an application's own unit tests. POD_IP stands last among the
# addresses: a pod that its sidecar registers has to know itself by the address under which it is checked.
_UNREGISTERED = {"SERVICE_NAME": "unregistered", "SERVICE_PORT": "65535", "POD_IP": "127.0.0.1"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One service instance and the Consul agent that is to hold it.

    Durations are seconds. `address` is what `SERVICE_ADDRESS` or `POD_IP` says, None when it must be found out.
    """

    name: str
    port: int
    address: str | None = None
    address_variable: str = "SERVICE_ADDRESS"
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    check_path: str = "/health"
    check_interval: float = 1.0
    check_timeout: float = 10.0
    deregister_after: float = MIN_DEREGISTER_AFTER
    drain: float = 2.0
    stop_timeout: float = 25.0
    stop_signals: tuple[int, ...] = STOP_SIGNALS
    enabled: bool = True
    control_socket: str | None = None
    consul: ConsulSettings = field(default_factory=ConsulSettings)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read `environ` (default: the process's own).

        Raises SettingsError, whose message names the variable, for the first one that is missing or wrong.
        """
        env = Environment(os.environ if environ is None else environ)
        enabled = env.flag("SERVICE_REGISTER", default=True)
        if not enabled:
            env = env.with_defaults(_UNREGISTERED)
        address_variable, address = _address(env)
        drain = env.duration("SERVICE_DRAIN", 2.0)
        return cls(
            name=_name(env),
            port=_port(env),
            address=address,
            address_variable=address_variable,
            tags=_tags(env),
            meta=_meta(env),
            check_path=_check_path(env),
            check_interval=env.duration("SERVICE_CHECK_INTERVAL", 1.0, at_least=0.1),
            check_timeout=env.duration("SERVICE_CHECK_TIMEOUT", 10.0, at_least=0.1),
            deregister_after=_deregister_after(env),
            drain=drain,
            stop_timeout=_stop_timeout(env, drain),
            stop_signals=_stop_signals(env),
            enabled=enabled,
            control_socket=_control_socket(env),
            consul=ConsulSettings.from_env(env),
        )


def _name(env: Environment) -> str:
    name = env.require("SERVICE_NAME", "the name of the service in Consul")
    if not _NAME.fullmatch(name):
        raise SettingsError("SERVICE_NAME", f"is {name!r}: use letters, digits, '-', '_' and '.'")
    return name


def _port(env: Environment) -> int:
    text = env.require("SERVICE_PORT", "the port on which the service listens")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise SettingsError("SERVICE_PORT", f"is {text!r}: it must be a port number from 1 to 65535")
    return int(text)


def _address(env: Environment) -> tuple[str, str | None]:
    for variable in ("SERVICE_ADDRESS", "POD_IP"):
        text = env.get(variable)
        if text is None:
            continue
        address = text.removeprefix("[").removesuffix("]")
        if address in ("0.0.0.0", "::"):  # noqa: S104 - refused here
            raise SettingsError(variable, f"is {text!r}: an address others can connect to is needed")
        if not is_host(address):
            raise SettingsError(variable, f"is {text!r}: it must be an IP address or a host name")
        return variable, address
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
    for item in env.items("SERVICE_META"):
        key, equals, value = item.partition("=")
        if not equals:
            raise SettingsError("SERVICE_META", f"has {item!r}: write key=value,key=value")
        if not _META_KEY.fullmatch(key):
            raise SettingsError("SERVICE_META", f"has the key {key!r}: Consul takes letters, digits, '-' and '_'")
        if len(value) > 512:
            raise SettingsError("SERVICE_META", f"has {len(value)} characters in {key!r}: Consul takes 512")
        if key in meta:
            raise SettingsError("SERVICE_META", f"has the key {key!r}, which is set twice or comes from the pod")
        meta[key] = value
    if len(meta) > 64:
        raise SettingsError("SERVICE_META", f"has {len(meta)} keys: Consul takes 64")
    return meta


def _check_path(env: Environment) -> str:
    path = env.get("SERVICE_CHECK_PATH") or "/health"
    if not re.fullmatch(r"/[!-~]*", path):
        raise SettingsError("SERVICE_CHECK_PATH", f"is {path!r}: it must be a path such as /health, quoted as in a URL")
    return path


def _deregister_after(env: Environment) -> float:
    seconds = env.duration("SERVICE_DEREGISTER_AFTER", MIN_DEREGISTER_AFTER)
    if seconds < MIN_DEREGISTER_AFTER:
        raise SettingsError("SERVICE_DEREGISTER_AFTER", f"is {seconds:g}s: Consul takes no less than one minute (1m)")
    return seconds


def _stop_timeout(env: Environment, drain: float) -> float:
    seconds = env.duration("SERVICE_STOP_TIMEOUT", 25.0)
    needed = drain + LEAVE_BUDGET
    if seconds <= needed:
        raise SettingsError(
            "SERVICE_STOP_TIMEOUT",
            f"is {seconds:g}s: it must be more than {needed:g}s (SERVICE_DRAIN of {drain:g}s"
            f" and up to {LEAVE_BUDGET:g}s for a Consul that hangs)",
        )
    return seconds


def _stop_signals(env: Environment) -> tuple[int, ...]:
    names = [name.upper().removeprefix("SIG") for name in env.items("SERVICE_STOP_SIGNALS")]
    known = {each.name.removeprefix("SIG"): each for each in signal.Signals}
    for name in names:
        if name not in known or name in ("KILL", "STOP", "CHLD"):
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
