"""The spec of an EchoRoute: its fields, their bounds, and what must hold between them.

A field's description is what `kubectl explain` and the reference show. Defaults are applied in translation and told in
the descriptions: they are not in the CRD, so that an object reads back as it was written.
"""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from echoroute.api.backends import Backend, Backends
from echoroute.api.canary import EACH_CONDITION, Canary, written_out
from echoroute.api.match import Match
from echoroute.api.rewrite import Rewrite
from echoroute.api.rewritten import (
    CANARY_CEL,
    CANARY_MESSAGE,
    HASH_CEL,
    HASH_MESSAGE,
    changed_headers,
    spares_canary,
    spares_hash,
)
from echoroute.api.rules import NULLABLE, CelRule, Rule, Rules, SpecModel
from echoroute.api.scalars import GatewayClass, RouteName
from echoroute.api.upstream import Upstream, passes

DEFAULT_GATEWAY_CLASS = "apisix"
_CLASS_CEL = (
    f"(has({{0}}.gatewayClass) && dyn({{0}}.gatewayClass) != null ? {{0}}.gatewayClass : '{DEFAULT_GATEWAY_CLASS}')"
)

_MOST_BACKENDS = 32
_MOST_CONDITIONS = 64 * 1024
_MOST_CHECKS = 4
"""In a second, of one instance, if all backends have it."""


def _too_many(found: int) -> str:
    return (
        f"must have at most {_MOST_BACKENDS} different backends, those of spec.backends included, and has {found}: "
        "each is an Upstream in the gateway"
    )


def _too_long(found: int) -> str:
    return (
        f"must have at most {_MOST_CONDITIONS // 1024} KiB of conditions, each counted with {EACH_CONDITION} bytes "
        f"more and once for each backend of its rule, and has {-(-found // 1024)} KiB: the gateway holds a copy for "
        "each, and compares them with each request"
    )


def _too_often(backends: int) -> str:
    return (
        f"must check an instance at most {_MOST_CHECKS} times a second, each backend by itself: with {backends} "
        "backends, write a healthy.interval and an unhealthy.interval of at least "
        f"{-(-backends // _MOST_CHECKS)}s"
    )


PluginConfig = Annotated[dict[str, JsonValue], Field(json_schema_extra=NULLABLE)]


def class_of(spec: Mapping[str, JsonValue]) -> JsonValue:
    """Which operator a raw spec is for; a null is the default's, who refuses it."""
    named = spec.get("gatewayClass")
    return DEFAULT_GATEWAY_CLASS if named is None else named


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
        Rule["EchoRouteSpec"](
            "!(has(self.plugins) && dyn(self.plugins) != null && 'traffic-split' in self.plugins"
            " && (has(self.canary) || self.backends.size() > 1))",
            "must not have traffic-split beside spec.canary or several spec.backends, which become that plugin; write "
            "one of them",
            "plugins",
            holds=lambda spec: (
                not (spec.plugins and "traffic-split" in spec.plugins and (spec.canary or len(spec.backends) > 1))
            ),
        ),
        Rule["EchoRouteSpec"](
            CANARY_CEL,
            CANARY_MESSAGE,
            "canary",
            holds=lambda spec: spares_canary(changed_headers(spec.rewrite, spec.plugins), spec.canary or ()),
        ),
        Rule["EchoRouteSpec"](
            HASH_CEL,
            HASH_MESSAGE,
            "upstream.loadBalancer.key",
            holds=lambda spec: spares_hash(
                changed_headers(spec.rewrite, spec.plugins), spec.upstream.load_balancer if spec.upstream else None
            ),
        ),
    )
    cel_rules = (
        CelRule(
            f"{_CLASS_CEL.format('self')} == {_CLASS_CEL.format('oldSelf')}",
            f"is immutable (and '{DEFAULT_GATEWAY_CLASS}' where it is not set): delete the EchoRoute, create it anew",
            "gatewayClass",
        ),
    )

    name: RouteName | None = Field(
        default=None,
        description="Name of the route in the gateway, for people, without `/`. Default: `<namespace>/<name>`, cut and "
        "ended with a hash above 256 characters.",
    )
    match: Match = Field(description="Which requests the route takes.")
    rewrite: Rewrite | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="What is changed in a request before it goes to the backend. At least one of its fields.",
    )
    backends: Backends = Field(
        description="The services that answer the requests, at most 16. Several share them by weight, each request on "
        "its own: there is no fail-over from one to another, and no stickiness."
    )
    canary: Canary | None = Field(
        default=None,
        description="Requests of a kind that go to other backends: at most 8 rules, of which the first whose match "
        "holds decides. Where none holds, `backends` answer.",
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
        "`limit-count: {count: 100, time_window: 60}`. docs/plugins.md says which plugins and fields are open.",
    )
    gateway_class: GatewayClass | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description=f"Which operator serves the route, as ingressClassName does. Immutable. "
        f"Default: {DEFAULT_GATEWAY_CLASS}.",
    )

    @model_validator(mode="after")
    def _refuse_what_costs_too_much(self) -> Self:
        """The API server cannot count it: it sees lists, and not what is equal in several of them."""
        if self.canary is None and (self.upstream is None or self.upstream.health_check is None):
            return self  # nearly all of them, and each bound is about one of the two
        backends = len({backend.selection for backend in self.all_backends})
        conditions = written_out(self.canary or ())
        check = self.upstream and self.upstream.health_check and self.upstream.health_check.active
        if backends > _MOST_BACKENDS:
            field, broken = "canary", _too_many(backends)
        elif conditions > _MOST_CONDITIONS:
            field, broken = "canary", _too_long(conditions)
        elif check and backends * 1_000 > _MOST_CHECKS * check.shortest_interval:
            field, broken = "upstream.healthCheck.active", _too_often(backends)
        else:
            return self
        raise PydanticCustomError("rules", "{message}", {"message": broken, "broken": ((field, broken),)})

    @property
    def all_backends(self) -> tuple[Backend, ...]:
        """Those of `backends`, then those of each canary rule, as they are written."""
        return (*self.backends, *(backend for rule in self.canary or () for backend in rule.backends))
