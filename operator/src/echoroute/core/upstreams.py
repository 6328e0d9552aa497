"""What a backend and `spec.upstream` become as an APISIX upstream. Defaults are written out, as everywhere."""

from typing import Final

from pydantic import JsonValue

from echoroute.api.durations import seconds
from echoroute.api.health_check import (
    DEFAULT_INTERVAL,
    ActiveCheck,
    ActiveHealthy,
    ActiveUnhealthy,
    HealthCheck,
    PassiveCheck,
    PassiveHealthy,
    PassiveUnhealthy,
)
from echoroute.api.load_balancer import LoadBalancer
from echoroute.api.selection import Resolver, Selection
from echoroute.api.upstream import Keepalive, Upstream, UpstreamTimeout
from echoroute.core.objects import JsonObject

UNSAID: Final = Upstream()
"""Where a spec says nothing of it. It is frozen, so one does for all; to make one costs as much as the rest here."""
_TIMEOUT_UNSAID: Final = UpstreamTimeout()
_KEEPALIVE_UNSAID: Final = Keepalive()

_DEFAULT_TIMEOUT: Final = "6s"
_DEFAULT_IDLE_TIMEOUT: Final = "60s"
_DEFAULT_POOL_SIZE: Final = 320
_DEFAULT_POOL_REQUESTS: Final = 1000

_POLICIES: Final = {
    "RoundRobin": "roundrobin",
    "LeastConnections": "least_conn",
    "EWMA": "ewma",
    "ConsistentHash": "chash",
}
_HASH_ON: Final = {"Header": "header", "Cookie": "cookie", "Variable": "vars"}

# As APISIX has them.
_ACTIVE_SUCCESS: Final = (200, 302)
_ACTIVE_FAILURE: Final = (429, 404, 500, 501, 502, 503, 504, 505)
_PASSIVE_SUCCESS: Final = (*range(200, 209), 226, *range(300, 309))
_PASSIVE_FAILURE: Final = (429, 500, 503)


def upstream_body(selection: Selection, upstream: Upstream) -> JsonObject:
    """The body of an upstream; without nodes where the operator resolves it."""
    body: JsonObject = _balancing(upstream.load_balancer)
    if selection.resolver is Resolver.GATEWAY:
        body |= {"discovery_type": "consul", "service_name": selection.service.name}
    body |= {"scheme": upstream.scheme or "http", "pass_host": (upstream.pass_host or "Pass").lower()}
    if upstream.host is not None:
        body["upstream_host"] = upstream.host
    body["timeout"] = _timeout(upstream.timeout or _TIMEOUT_UNSAID)
    body["keepalive_pool"] = _keepalive_pool(upstream.keepalive or _KEEPALIVE_UNSAID)
    if upstream.retries is not None:
        body["retries"] = upstream.retries
    if upstream.retry_timeout is not None:
        body["retry_timeout"] = seconds(upstream.retry_timeout)
    if upstream.health_check is not None:
        body["checks"] = _checks(upstream.health_check)
    return body


def _balancing(balancer: LoadBalancer | None) -> JsonObject:
    body: JsonObject = {"type": _POLICIES[balancer.policy if balancer else "RoundRobin"]}
    if balancer is not None and balancer.hash_on is not None:
        body |= {"hash_on": _HASH_ON[balancer.hash_on], "key": balancer.key}
    return body


def _timeout(timeout: UpstreamTimeout) -> JsonObject:
    return {
        "connect": seconds(timeout.connect or _DEFAULT_TIMEOUT),
        "send": seconds(timeout.send or _DEFAULT_TIMEOUT),
        "read": seconds(timeout.read or _DEFAULT_TIMEOUT),
    }


def _keepalive_pool(keepalive: Keepalive) -> JsonObject:
    return {
        "size": keepalive.size or _DEFAULT_POOL_SIZE,
        "idle_timeout": seconds(keepalive.idle_timeout or _DEFAULT_IDLE_TIMEOUT),
        "requests": keepalive.requests or _DEFAULT_POOL_REQUESTS,
    }


def _checks(check: HealthCheck) -> JsonObject:
    checks: JsonObject = {"active": _active(check.active or ActiveCheck())}
    if check.passive is not None:
        checks["passive"] = _passive(check.passive)
    return checks


def _active(check: ActiveCheck) -> JsonObject:
    healthy, unhealthy = check.healthy or ActiveHealthy(), check.unhealthy or ActiveUnhealthy()
    body: JsonObject = {
        "type": (check.type or "HTTP").lower(),
        "timeout": seconds(check.timeout or "1s"),
        "http_path": check.path or "/",
        "https_verify_certificate": False,  # nor does APISIX verify it for requests
        "healthy": {
            "interval": seconds(healthy.interval or DEFAULT_INTERVAL),
            "http_statuses": _statuses(healthy.statuses, _ACTIVE_SUCCESS),
            "successes": _number(healthy.successes, 2),
        },
        "unhealthy": {
            "interval": seconds(unhealthy.interval or DEFAULT_INTERVAL),
            "http_statuses": _statuses(unhealthy.statuses, _ACTIVE_FAILURE),
            "http_failures": _number(unhealthy.http_failures, 5),
            "tcp_failures": _number(unhealthy.tcp_failures, 2),
            "timeouts": _number(unhealthy.timeouts, 3),
        },
    }
    if check.host is not None:
        body["host"] = check.host
    return body


def _passive(check: PassiveCheck) -> JsonObject:
    healthy, unhealthy = check.healthy or PassiveHealthy(), check.unhealthy or PassiveUnhealthy()
    return {
        "type": "http",
        "healthy": {
            "http_statuses": _statuses(healthy.statuses, _PASSIVE_SUCCESS),
            "successes": _number(healthy.successes, 5),
        },
        "unhealthy": {
            "http_statuses": _statuses(unhealthy.statuses, _PASSIVE_FAILURE),
            "http_failures": _number(unhealthy.http_failures, 5),
            "tcp_failures": _number(unhealthy.tcp_failures, 2),
            "timeouts": _number(unhealthy.timeouts, 7),
        },
    }


def _statuses(given: tuple[int, ...] | None, default: tuple[int, ...]) -> list[JsonValue]:
    return list(given or default)


def _number(given: int | None, default: int) -> int:
    return default if given is None else given
