"""How the gateway talks to the backend: fields, bounds, and what must hold between them."""

from typing import Annotated, Literal

from pydantic import Field

from echoroute.api.health_check import HealthCheck
from echoroute.api.load_balancer import LoadBalancer
from echoroute.api.rules import Rule, SpecModel
from echoroute.api.scalars import HostAndPort, IdleTimeout, Timeout, TimeoutOrZero

Scheme = Literal["http", "https", "grpc", "grpcs"]
PassHost = Literal["Pass", "Node", "Rewrite"]


class UpstreamTimeout(SpecModel):
    """How long the gateway waits for the backend."""

    connect: Timeout | None = Field(
        default=None, description="Time to establish the connection, as a duration (`6s`, `500ms`). Default: 6s."
    )
    send: Timeout | None = Field(
        default=None, description="Time between two writes of the request, as a duration. Default: 6s."
    )
    read: Timeout | None = Field(
        default=None, description="Time between two reads of the response, as a duration. Default: 6s."
    )


class Keepalive(SpecModel):
    """The gateway's pool of idle connections to the backend, in each of its workers."""

    size: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        default=None, description="Idle connections kept at most. Default: 320."
    )
    idle_timeout: IdleTimeout | None = Field(
        default=None, description="Time after which an idle connection is closed, as a duration. Default: 60s."
    )
    requests: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="Requests after which a connection is closed. Default: 1000."
    )


def passes(upstream: "Upstream", host: PassHost) -> bool:
    """Whether the backend sees this Host header."""
    return upstream.pass_host == host


class Upstream(SpecModel):
    """How the gateway talks to the backend."""

    rules = (
        Rule["Upstream"](
            "!has(self.passHost) || self.passHost != 'Rewrite' || has(self.host)",
            "must be set where passHost is Rewrite",
            "host",
            holds=lambda upstream: not passes(upstream, "Rewrite") or upstream.host is not None,
        ),
        Rule["Upstream"](
            "!has(self.host) || (has(self.passHost) && self.passHost == 'Rewrite')",
            "has an effect only with passHost: Rewrite; write passHost: Rewrite beside it",
            "host",
            holds=lambda upstream: upstream.host is None or passes(upstream, "Rewrite"),
        ),
    )

    scheme: Scheme | None = Field(default=None, description="Protocol of the backend. Default: http.")
    pass_host: PassHost | None = Field(
        default=None,
        description="Host header that the backend sees: the client's (`Pass`), the instance's own address (`Node`), or "
        "`upstream.host` (`Rewrite`). Default: Pass.",
    )
    host: HostAndPort | None = Field(
        default=None, description="Host header that the backend sees with `passHost: Rewrite`, and only then."
    )
    timeout: UpstreamTimeout | None = Field(default=None, description="How long the gateway waits for the backend.")
    retries: Annotated[int, Field(ge=0, le=100)] | None = Field(
        default=None,
        description="How often a failed request is tried with another instance; 0 for never. "
        "Default: once for each further instance.",
    )
    retry_timeout: TimeoutOrZero | None = Field(
        default=None, description="Time after which no retry is begun, as a duration; `0s` for no limit. Default: 0s."
    )
    keepalive: Keepalive | None = Field(
        default=None, description="The gateway's pool of idle connections to the backend, in each of its workers."
    )
    load_balancer: LoadBalancer | None = Field(
        default=None, description="How the gateway picks an instance of a backend. Default: in turn (RoundRobin)."
    )
    health_check: HealthCheck | None = Field(
        default=None,
        description="Health checks that the gateway makes itself, beside those of Consul. Their verdicts are known to "
        "the gateway alone, not to the status. Default: none.",
    )
