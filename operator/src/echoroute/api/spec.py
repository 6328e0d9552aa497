"""The spec of an EchoRoute: its fields, their bounds, and what must hold between them.

A field's description is what `kubectl explain` and the reference show. Defaults are applied in translation and told in
the descriptions: they are not in the CRD, so that an object reads back as it was written.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from echoroute.api.rewrite import Rewrite
from echoroute.api.rules import NULLABLE, CelRule, Rule, Rules, SpecModel, Unique
from echoroute.api.scalars import (
    GatewayClass,
    MatchHost,
    MatchPath,
    RouteName,
    ServiceName,
)
from echoroute.api.upstream import Upstream, passes

DEFAULT_GATEWAY_CLASS = "apisix"

Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]


_MOST_PAIRS = 256
"""Pairs of a host and a path. With each Route write APISIX builds those of all routes into its router anew."""


def _has_few_pairs(match: "Match") -> bool:
    return len(match.hosts or ()) * len(match.paths) <= _MOST_PAIRS


class Match(SpecModel):
    """Which requests the route takes."""

    rules = (
        Rule["Match"](
            f"!has(self.hosts) || dyn(self.hosts) == null || self.hosts.size() * self.paths.size() <= {_MOST_PAIRS}",
            f"must have at most {_MOST_PAIRS} pairs of a host and a path (hosts times paths); "
            "write several EchoRoutes, a wildcard host, or a shorter prefix",
            holds=_has_few_pairs,
        ),
    )

    paths: Annotated[tuple[MatchPath, ...], Field(strict=False, min_length=1, max_length=64), Unique()] = Field(
        description="Paths, exact (`/health`) or, with `*` as the last character, prefixes (`/users/*`). They are "
        "compared with the decoded path, letter case counts, and the longest path wins. `/users/*` does not take "
        "`/users`."
    )
    hosts: Annotated[tuple[MatchHost, ...], Field(strict=False, min_length=1, max_length=64), Unique()] | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Host names, exact (`api.example.com`) or with a wildcard in front (`*.example.com`), in any "
        "letter case. A route with a matching host is preferred to one without hosts. Default: any host.",
    )
    methods: Annotated[tuple[Method, ...], Field(strict=False, min_length=1, max_length=10), Unique()] | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="HTTP methods. GET does not imply HEAD. Default: any method.",
    )
    priority: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None = Field(
        default=None,
        description="Decides among routes with an equal path: the higher one is tried first. Default: 0.",
    )


class Backend(SpecModel):
    """A service that answers the requests."""

    service: ServiceName = Field(
        description="Name of the service in Consul. The gateway discovers its passing instances there."
    )


PluginConfig = Annotated[dict[str, JsonValue], Field(json_schema_extra=NULLABLE)]


class EchoRouteSpec(SpecModel):
    """What an application team asks for: requests that match go to a service found in Consul."""

    rules = (
        Rule["EchoRouteSpec"](
            "!(has(self.rewrite) && has(self.rewrite.host) && has(self.upstream) && has(self.upstream.host))",
            "must not stand beside upstream.host: both set the Host header; write one of them",
            "rewrite.host",
            holds=lambda spec: (
                not (
                    spec.rewrite and spec.rewrite.host is not None and spec.upstream and spec.upstream.host is not None
                )
            ),
        ),
        Rule["EchoRouteSpec"](
            "!(has(self.rewrite) && has(self.rewrite.host) && has(self.upstream) && has(self.upstream.passHost)"
            " && self.upstream.passHost == 'Node')",
            "has no effect beside upstream.passHost: Node; write one of them",
            "rewrite.host",
            holds=lambda spec: (
                not (spec.rewrite and spec.rewrite.host is not None and spec.upstream and passes(spec.upstream, "Node"))
            ),
        ),
        Rule["EchoRouteSpec"](
            "!(has(self.rewrite) && has(self.rewrite.method) && has(self.match.methods)"
            " && dyn(self.match.methods) != null && 'HEAD' in self.match.methods)",
            "must not have HEAD beside rewrite.method: the answer would have a body, which whoever shares the client's "
            "connection takes for the next answer; leave HEAD out",
            "match.methods",
            holds=lambda spec: not (spec.rewrite and spec.rewrite.method and "HEAD" in (spec.match.methods or ())),
        ),
        Rule["EchoRouteSpec"](
            "!(has(self.rewrite) && has(self.plugins) && 'proxy-rewrite' in self.plugins)",
            "must not have proxy-rewrite beside spec.rewrite, which becomes that plugin; write one of them",
            "plugins",
            holds=lambda spec: not (spec.rewrite and spec.plugins and "proxy-rewrite" in spec.plugins),
        ),
    )
    cel_rules = (
        CelRule(
            f"(has(self.gatewayClass) ? self.gatewayClass : '{DEFAULT_GATEWAY_CLASS}')"
            f" == (has(oldSelf.gatewayClass) ? oldSelf.gatewayClass : '{DEFAULT_GATEWAY_CLASS}')",
            f"is immutable (and '{DEFAULT_GATEWAY_CLASS}' where it is not set): delete the EchoRoute, create it anew",
            "gatewayClass",
        ),
    )

    name: RouteName | None = Field(
        default=None,
        description="Name of the route in the gateway, for people. Default: `<namespace>/<name>`, cut and ended with a "
        "hash above 256 characters.",
    )
    match: Match = Field(description="Which requests the route takes.")
    rewrite: Rewrite | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="What is changed in a request before it goes to the backend. At least one of its fields.",
    )
    backends: Annotated[tuple[Backend, ...], Field(strict=False, min_length=1, max_length=1)] = Field(
        description="The service that answers the requests: exactly one."
    )
    upstream: Upstream | None = Field(default=None, description="How the gateway talks to the backend.")
    websocket: bool | None = Field(
        default=None, description="Whether the route also takes WebSocket connections. Default: false."
    )
    enabled: bool | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Whether the route serves; with false it stays in the gateway and answers 404. Default: true.",
    )
    plugins: (
        Annotated[
            dict[str, PluginConfig],
            Field(max_length=64),
            Rules[dict[str, dict[str, JsonValue]]](
                Rule(
                    "self.all(name, dyn(self[name]) != null)",
                    "must have a config for each plugin, not null; write {} for its defaults",
                    holds=lambda plugins: None not in plugins.values(),
                )
            ),
        ]
        | None
    ) = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="APISIX plugins of this route: name to config, such as "
        "`limit-count: {count: 100, time_window: 60}`. docs/plugins.md tells which plugins and fields are open.",
    )
    gateway_class: GatewayClass | None = Field(
        default=None,
        description=f"Which operator serves the route, as ingressClassName does. Immutable. "
        f"Default: {DEFAULT_GATEWAY_CLASS}.",
    )
