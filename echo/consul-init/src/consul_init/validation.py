"""What settings must be like, wherever they come from: the environment, or code.

Each function raises SettingsError, which names the variable.
"""

import re
import signal
from collections.abc import Iterable, Mapping

from consul_init.durations import LONGEST
from consul_init.environment import is_unicode
from consul_init.errors import SettingsError
from consul_init.health_check import INSTANCE_HEADER, CheckType
from consul_init.hosts import is_host, is_reachable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
# No fragment, which Go's client leaves out, and no percent sign that quotes nothing, which it refuses at each check.
_PATH = re.compile(r"/([!-\"$&-~]|%[0-9A-Fa-f]{2})*")
_GRPC_SERVICE = re.compile(r"/[A-Za-z0-9._/-]+")
_MOST_META, _LONGEST_META = 64, 512
MIN_DEREGISTER_AFTER = 60.0
# What the kernel keeps to itself, what says that the process is broken, and what stops a job: no wish to end it.
NO_STOP_SIGNALS = {"SIGKILL", "SIGSTOP", "SIGCHLD", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP"}
NO_STOP_SIGNALS |= {"SIGSYS", "SIGPIPE", "SIGXFSZ", "SIGTSTP", "SIGTTIN", "SIGTTOU"}
# Three beats of a keeper that looks every second must fit.
_MIN_TTL = 3.0


def name(value: str) -> None:
    """A name of a service."""
    if not _NAME.fullmatch(value):
        raise SettingsError("SERVICE_NAME", f"is {value!r}: use letters, digits, '-', '_' and '.'")


def port(variable: str, value: int, *, at_least: int = 1) -> None:
    """A port that others connect to."""
    if not at_least <= value <= 65535:
        raise SettingsError(variable, f"is {value}: it must be a port number from 1 to 65535")


def address(variable: str, value: str) -> None:
    """An address that others connect to, without brackets."""
    if not is_reachable(value):
        raise SettingsError(variable, f"is {value!r}: an address others can connect to is needed")
    if not is_host(value):
        raise SettingsError(variable, f"is {value!r}: it must be an IP address or a host name")


def tags(value: Iterable[str]) -> None:
    """What comes back from Consul as it was sent."""
    for each in value:
        if not is_unicode(each):
            raise SettingsError("SERVICE_TAGS", f"has {each!r}, in which half a character stands by itself")


def meta(value: Mapping[str, str]) -> None:
    """What Consul takes as a service's meta, and gives back as it was sent."""
    for key, text in value.items():
        if not _META_KEY.fullmatch(key):
            raise SettingsError("SERVICE_META", f"has the key {key!r}: Consul takes letters, digits, '-' and '_'")
        if key.startswith("consul-"):
            raise SettingsError("SERVICE_META", f"has the key {key!r}: Consul keeps those with 'consul-' to itself")
        if not is_unicode(text):
            raise SettingsError("SERVICE_META", f"has half a character by itself in {key!r}")
        if (length := len(text.encode())) > _LONGEST_META:
            raise SettingsError("SERVICE_META", f"has {length} bytes in {key!r}: Consul takes {_LONGEST_META}")
    if len(value) > _MOST_META:
        raise SettingsError("SERVICE_META", f"has {len(value)} keys: Consul takes {_MOST_META}")


def check_path(check_type: CheckType, value: str) -> None:
    """A path of HTTP, or a service of gRPC."""
    if not value:
        return
    if check_type.is_http:
        if not _PATH.fullmatch(value):
            problem = f"is {value!r}: it must be a path such as /health, quoted as in a URL, without a fragment (#)"
            raise SettingsError("SERVICE_CHECK_PATH", problem)
    elif not check_type.is_grpc:
        raise SettingsError("SERVICE_CHECK_PATH", f"is set, and a check of the type {check_type} has none")
    elif not _GRPC_SERVICE.fullmatch(value):
        raise SettingsError("SERVICE_CHECK_PATH", f"is {value!r}: for gRPC it is a service such as /orders.Orders")


def check_headers(check_type: CheckType, value: Mapping[str, str]) -> None:
    """What Consul can send. Values are not shown."""
    if value and not check_type.is_http:
        raise SettingsError("SERVICE_CHECK_HEADERS", f"is set, and a check of the type {check_type} has none")
    for header, text in value.items():
        if not _HEADER_NAME.fullmatch(header) or not _HEADER_VALUE.fullmatch(text):
            raise SettingsError("SERVICE_CHECK_HEADERS", f"has {header!r}, which is no header, or whose value is none")
        if header.lower() == INSTANCE_HEADER.lower():
            raise SettingsError("SERVICE_CHECK_HEADERS", f"has {header!r}, which this library sets")
        if sum(header.lower() == other.lower() for other in value) > 1:
            raise SettingsError("SERVICE_CHECK_HEADERS", f"has {header!r} twice: headers are the same in any case")


def check_tls(check_type: CheckType, server_name: str | None, *, skip_verify: bool) -> None:
    """What concerns certificates."""
    for variable, is_set in (
        ("SERVICE_CHECK_TLS_SERVER_NAME", server_name is not None),
        ("SERVICE_CHECK_TLS_SKIP_VERIFY", skip_verify),
    ):
        if is_set and not check_type.is_tls:
            raise SettingsError(variable, f"is set, and a check of the type {check_type} has no certificate")
    if server_name is not None and not is_host(server_name):
        raise SettingsError("SERVICE_CHECK_TLS_SERVER_NAME", f"is {server_name!r}: it must be a host name")


def check_counts(check_type: CheckType, failures: int, successes: int) -> None:
    """How many answers of a kind change the status."""
    for variable, value in (("SERVICE_CHECK_FAILURES", failures), ("SERVICE_CHECK_SUCCESSES", successes)):
        if value < 1:
            raise SettingsError(variable, f"is {value}: it must be at least 1")
        if value > 1 and check_type is CheckType.TTL:
            raise SettingsError(variable, "is set, and a check of the type ttl counts nothing")


def check_times(check_type: CheckType, interval: float, timeout: float) -> None:
    """How often, and how long."""
    for variable, value in (("SERVICE_CHECK_INTERVAL", interval), ("SERVICE_CHECK_TIMEOUT", timeout)):
        _duration(variable, value, at_least=0.1)
    if check_type is CheckType.TTL and timeout < _MIN_TTL:
        raise SettingsError("SERVICE_CHECK_TIMEOUT", f"is {timeout:g}s: for ttl it must be at least {_MIN_TTL:g}s")


def weights(passing: int | None, warning: int | None) -> None:
    """What Consul takes."""
    if passing is not None and not 1 <= passing <= 65535:
        raise SettingsError("SERVICE_WEIGHT", f"is {passing}: Consul takes 1 to 65535")
    if warning is not None and not 0 <= warning <= 65535:
        raise SettingsError("SERVICE_WARNING_WEIGHT", f"is {warning}: Consul takes 0 to 65535")


def deregister_after(value: float) -> None:
    """What Consul keeps to."""
    _duration("SERVICE_DEREGISTER_AFTER", value, at_least=MIN_DEREGISTER_AFTER)


def stop_timeout(value: float, drain: float, leave_budget: float) -> None:
    """The whole must have room for its parts."""
    _duration("SERVICE_DRAIN", drain)
    _duration("SERVICE_STOP_TIMEOUT", value)
    if value <= drain + leave_budget:
        raise SettingsError(
            "SERVICE_STOP_TIMEOUT",
            f"is {value:g}s: it must be more than {drain + leave_budget:g}s (SERVICE_DRAIN of {drain:g}s"
            f" and up to {leave_budget:g}s for a Consul that hangs)",
        )


def stop_signals(value: Iterable[int]) -> None:
    """What a person or a supervisor sends to end a process."""
    known = {each.value: each.name for each in signal.Signals}
    for each in value:
        if known.get(each, "SIGKILL") in NO_STOP_SIGNALS:
            raise SettingsError(
                "SERVICE_STOP_SIGNALS", f"has {known.get(each, str(each))!r}: write names such as TERM,INT,QUIT"
            )


def _duration(variable: str, value: float, *, at_least: float = 0.0) -> None:
    if not value >= at_least:  # so that it refuses what is no number (nan), too
        raise SettingsError(variable, f"is {value:g}s: it must be at least {at_least:g}s")
    if value > LONGEST:
        raise SettingsError(variable, f"is {value:g}s: it must not be more than 292 years")
