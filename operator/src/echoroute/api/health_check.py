"""Health checks that the gateway makes itself: fields, bounds, and what must hold between them.

They are beside those of Consul: an instance takes requests where both find it healthy. They go to the port of the
instance alone: a chosen one would tell whoever chooses it which ports of another's machine answer.
"""

import re
from typing import Annotated, Final, Literal

from pydantic import Field

from echoroute.api import durations
from echoroute.api.rules import Rule, SpecModel, Unique
from echoroute.api.scalars import CheckInterval, CheckPath, CheckTimeout, HostAndPort

CheckType = Literal["HTTP", "HTTPS", "TCP"]

Statuses = Annotated[
    tuple[Annotated[int, Field(ge=200, le=599)], ...],
    Field(strict=False, min_length=1, max_length=64),
    Unique(),
]
DEFAULT_INTERVAL: Final = "1s"

_is_duration = re.compile(durations.PATTERN).fullmatch


def _is_duration_cel(field: str) -> str:
    return f"{field}.matches(r'^({durations.PATTERN})$')"


def _interval_cel(field: str) -> str:
    interval = f"{field}.interval"
    is_written = f"has({field}) && has({interval}) && {_is_duration_cel(interval)}"
    return f"({is_written} ? duration({interval}) : duration('{DEFAULT_INTERVAL}'))"


_Times = Annotated[int, Field(ge=1, le=254)]
_TimesOrNever = Annotated[int, Field(ge=0, le=254)]


class ActiveHealthy(SpecModel):
    """When an instance takes requests again."""

    interval: CheckInterval | None = Field(
        default=None, description="Time between two checks of a healthy instance, in whole seconds. Default: 1s."
    )
    statuses: Statuses | None = Field(default=None, description="Statuses that count as success. Default: 200, 302.")
    successes: _Times | None = Field(default=None, description="Successes after which it is healthy. Default: 2.")


class ActiveUnhealthy(SpecModel):
    """When an instance stops taking requests."""

    interval: CheckInterval | None = Field(
        default=None, description="Time between two checks of an unhealthy instance, in whole seconds. Default: 1s."
    )
    statuses: Statuses | None = Field(
        default=None, description="Statuses that count as failure. Default: 404, 429, 500 to 505."
    )
    http_failures: _Times | None = Field(
        default=None, description="Failures by status after which it is unhealthy. Default: 5."
    )
    tcp_failures: _Times | None = Field(
        default=None, description="Failed connections after which it is unhealthy. Default: 2."
    )
    timeouts: _Times | None = Field(default=None, description="Timeouts after which it is unhealthy. Default: 3.")


class ActiveCheck(SpecModel):
    """Requests that the gateway sends to each instance by itself."""

    rules = (
        Rule["ActiveCheck"](
            "!(has(self.type) && self.type == 'TCP') || !(has(self.path) || has(self.host))",
            "must not have path or host with the type TCP, which only connects",
            holds=lambda check: check.type != "TCP" or (check.path is None and check.host is None),
        ),
        # Each run of checks takes one of the timers that all routes of a worker share.
        Rule["ActiveCheck"](
            f"!has(self.timeout) || !{_is_duration_cel('self.timeout')}"
            f" || (duration(self.timeout) <= {_interval_cel('self.healthy')}"
            f" && duration(self.timeout) <= {_interval_cel('self.unhealthy')})",
            "must not be longer than healthy.interval and unhealthy.interval "
            f"({DEFAULT_INTERVAL} where not written): a check would begin before the last one has ended",
            "timeout",
            holds=lambda check: (
                check.timeout is None
                or _is_duration(check.timeout) is None
                or durations.milliseconds(check.timeout) <= check.shortest_interval
            ),
        ),
    )

    type: CheckType | None = Field(
        default=None,
        description="HTTP, HTTPS (the certificate is not verified, as with requests), or TCP, which only connects. "
        "Default: HTTP.",
    )
    path: CheckPath | None = Field(default=None, description="Path of the checks. Default: /.")
    host: HostAndPort | None = Field(
        default=None, description="Host header of the checks. Default: the instance's address."
    )
    timeout: CheckTimeout | None = Field(
        default=None,
        description="Time after which a check has failed, as a duration, not longer than the intervals. Default: 1s.",
    )
    healthy: ActiveHealthy | None = Field(default=None, description="When an instance takes requests again.")
    unhealthy: ActiveUnhealthy | None = Field(default=None, description="When an instance stops taking requests.")

    @property
    def shortest_interval(self) -> int:
        """Milliseconds between two checks of an instance, healthy or not."""
        written = (self.healthy and self.healthy.interval, self.unhealthy and self.unhealthy.interval)
        return min(durations.milliseconds(one if one and _is_duration(one) else DEFAULT_INTERVAL) for one in written)


class PassiveHealthy(SpecModel):
    """Which answers to requests count as success."""

    statuses: Statuses | None = Field(
        default=None, description="Statuses that count as success. Default: 200 to 208, 226, 300 to 308."
    )
    successes: _TimesOrNever | None = Field(
        default=None, description="Successes after which an instance is healthy; 0 for never. Default: 5."
    )


class PassiveUnhealthy(SpecModel):
    """Which answers to requests count as failure."""

    statuses: Statuses | None = Field(
        default=None, description="Statuses that count as failure. Default: 429, 500, 503."
    )
    http_failures: _TimesOrNever | None = Field(
        default=None, description="Failures by status after which an instance is unhealthy; 0 for never. Default: 5."
    )
    tcp_failures: _TimesOrNever | None = Field(
        default=None, description="Failed connections after which an instance is unhealthy; 0 for never. Default: 2."
    )
    timeouts: _TimesOrNever | None = Field(
        default=None, description="Timeouts after which an instance is unhealthy; 0 for never. Default: 7."
    )


class PassiveCheck(SpecModel):
    """What the gateway learns from the answers to requests."""

    healthy: PassiveHealthy | None = Field(default=None, description="Which answers count as success.")
    unhealthy: PassiveUnhealthy | None = Field(default=None, description="Which answers count as failure.")


class HealthCheck(SpecModel):
    """Health checks that the gateway makes itself, beside those of Consul."""

    rules = (
        Rule["HealthCheck"](
            "has(self.active)",
            "must be set: without active checks the gateway makes none, and passive ones alone never let an instance "
            "in again",
            "active",
            holds=lambda check: check.active is not None,
        ),
    )

    active: ActiveCheck | None = Field(
        default=None, description="Requests that the gateway sends to each instance by itself. Required."
    )
    passive: PassiveCheck | None = Field(
        default=None, description="What the gateway learns from the answers to requests, beside active checks."
    )
