"""What settings must be like, wherever they come from: the environment, or code.

Each function raises SettingsError, which names the variable.
"""

import re
from collections.abc import Mapping

from consul_init.durations import format_duration
from consul_init.errors import SettingsError
from consul_init.health_check import INSTANCE_HEADER, CheckType
from consul_init.hosts import is_host

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_META_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[ -~]*")
_PATH = re.compile(r"/[!-~]*")
_GRPC_SERVICE = re.compile(r"/[A-Za-z0-9._/-]+")
MIN_DEREGISTER_AFTER = 60.0
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
    if value in ("0.0.0.0", "::"):  # noqa: S104 - refused here
        raise SettingsError(variable, f"is {value!r}: an address others can connect to is needed")
    if not is_host(value):
        raise SettingsError(variable, f"is {value!r}: it must be an IP address or a host name")


def meta(value: Mapping[str, str]) -> None:
    """What Consul takes as a service's meta."""
    for key, text in value.items():
        if not _META_KEY.fullmatch(key):
            raise SettingsError("SERVICE_META", f"has the key {key!r}: Consul takes letters, digits, '-' and '_'")
        if len(text) > 512:
            raise SettingsError("SERVICE_META", f"has {len(text)} characters in {key!r}: Consul takes 512")
    if len(value) > 64:
        raise SettingsError("SERVICE_META", f"has {len(value)} keys: Consul takes 64")


def check_path(check_type: CheckType, value: str) -> None:
    """A path of HTTP, or a service of gRPC."""
    if not value:
        return
    if check_type.is_http:
        if not _PATH.fullmatch(value):
            problem = f"is {value!r}: it must be a path such as /health, quoted as in a URL"
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
        if value < 0.1:
            raise SettingsError(variable, f"is {value:g}s: it must be at least 0.1s")
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
    if value < MIN_DEREGISTER_AFTER:
        raise SettingsError("SERVICE_DEREGISTER_AFTER", f"is {value:g}s: Consul takes no less than one minute (1m)")


def stop_timeout(value: float, drain: float, leave_budget: float) -> None:
    """The whole must have room for its parts."""
    if drain < 0:
        raise SettingsError("SERVICE_DRAIN", f"is {format_duration(drain)}: it must be at least 0s")
    if value <= drain + leave_budget:
        raise SettingsError(
            "SERVICE_STOP_TIMEOUT",
            f"is {value:g}s: it must be more than {drain + leave_budget:g}s (SERVICE_DRAIN of {drain:g}s"
            f" and up to {leave_budget:g}s for a Consul that hangs)",
        )
