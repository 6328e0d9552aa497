"""The check that Consul makes of the instance: what it asks, how often, and what counts as good."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consul_init.durations import format_duration

# Consul sends this header with each HTTP check of ours. A pod that got a dead pod's address sees an id that is not its
# own there, and can refuse (see identity.py).
INSTANCE_HEADER = "X-Consul-Instance"


class CheckType(StrEnum):
    """What Consul speaks; with `ttl` it is told, and asks nothing."""

    HTTP = "http"
    HTTPS = "https"
    GRPC = "grpc"
    GRPCS = "grpcs"
    TCP = "tcp"
    TTL = "ttl"

    @property
    def is_http(self) -> bool:
        """Whether it has a path and headers."""
        return self in (CheckType.HTTP, CheckType.HTTPS)

    @property
    def is_grpc(self) -> bool:
        """Whether it asks grpc.health.v1.Health, for all or for one of the server's services."""
        return self in (CheckType.GRPC, CheckType.GRPCS)

    @property
    def is_tls(self) -> bool:
        """Whether there is a certificate to verify."""
        return self in (CheckType.HTTPS, CheckType.GRPCS)


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """Durations are seconds. `path` is a path, or for gRPC the name of a service with a slash before it, or empty.

    For `ttl`, `timeout` is the time after which a service that has not been heard of is critical.
    """

    type: CheckType
    host: str
    port: int
    path: str
    interval: float
    timeout: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls_server_name: str | None = None
    tls_skip_verify: bool = False
    failures: int = 1
    successes: int = 1

    @property
    def target(self) -> str:
        """Where Consul's agent looks."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = f"{self.type}://" if self.type.is_http else ""
        return f"{scheme}{host}:{self.port}{self.path}"

    def name(self, instance: str) -> str:
        """Says the whole check: Consul gives back names of checks, not what they do, and a change must show."""
        if self.type is CheckType.TTL:
            return f"TTL {format_duration(self.timeout)}, as {instance}"
        what = "GET" if self.type.is_http else str(self.type)
        interval, timeout = format_duration(self.interval), format_duration(self.timeout)
        parts = [f"{what} {self.target} every {interval}", f"timeout {timeout}", f"as {instance}"]
        if self.headers:
            # Values may be secrets: of them, only whether they have changed shows.
            digest = hashlib.sha256(json.dumps(dict(self.headers), sort_keys=True).encode()).hexdigest()[:4]
            parts.append(f"headers {' '.join(sorted(self.headers))} ({digest})")
        if self.tls_server_name is not None:
            parts.append(f"certificate of {self.tls_server_name}")
        if self.tls_skip_verify:
            parts.append("certificate not verified")
        if self.failures > 1:
            parts.append(f"critical after {self.failures} failures")
        if self.successes > 1:
            parts.append(f"passing after {self.successes} successes")
        return ", ".join(parts)

    def payload(self, instance: str) -> dict[str, object]:
        """Its part of a registration (https://developer.hashicorp.com/consul/api-docs/agent/check#register-check)."""
        if self.type is CheckType.TTL:
            return {"TTL": format_duration(self.timeout)}
        payload: dict[str, object] = {
            "Interval": format_duration(self.interval),
            "Timeout": format_duration(self.timeout),
        }
        if self.type.is_http:
            headers = {**self.headers, INSTANCE_HEADER: instance}
            payload |= {"HTTP": self.target, "Header": {name: [value] for name, value in headers.items()}}
        elif self.type.is_grpc:
            payload |= {"GRPC": self.target, "GRPCUseTLS": self.type.is_tls}
        else:
            payload["TCP"] = self.target
        if self.tls_server_name is not None:
            payload["TLSServerName"] = self.tls_server_name
        if self.tls_skip_verify:
            payload["TLSSkipVerify"] = True
        if self.failures > 1:
            payload["FailuresBeforeCritical"] = self.failures
        if self.successes > 1:
            payload["SuccessBeforePassing"] = self.successes
        return payload
