"""The spec of an EchoRoute: its fields, their bounds, and what must hold between them.

A field's description is what `kubectl explain` and the reference show. Defaults are applied in translation and told in
the descriptions: they are not in the CRD, so that an object reads back as it was written.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from echoroute.api.headers import HeaderRewrite
from echoroute.api.rules import NULLABLE, CelRule, Rule, Rules, SpecModel, Unique
from echoroute.api.scalars import (
    GatewayClass,
    HostAndPort,
    IdleTimeout,
    MatchHost,
    MatchPath,
    PathPrefix,
    RegexPattern,
    RegexReplacement,
    RewritePath,
    RouteName,
    ServiceName,
    Timeout,
    TimeoutOrZero,
)

DEFAULT_GATEWAY_CLASS = "apisix"

Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]
# Without HEAD: only its answer has no body, and nginx frames the answer by the method that the backend sees.
RewriteMethod = Literal[
    "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE",
    "COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "UNLOCK",
]  # fmt: skip
Scheme = Literal["http", "https", "grpc", "grpcs"]
PassHost = Literal["Pass", "Node", "Rewrite"]


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


# What results is the replacement alone where the pattern takes a path from its first slash to its end.
_TAKES_ALL = r"^\^/.*(\.[*+]\)?|\$)$"
_FIRST_GROUP_IS_A_PATH = r"^([^(\\]|\\.|\(\?)*\(/([^?*{]|$)"
_BEGINS_A_PATH = r"^(/|\$[02-9{])"
_takes_all = re.compile(_TAKES_ALL).search
_first_group_is_a_path = re.compile(_FIRST_GROUP_IS_A_PATH).search
_begins_a_path = re.compile(_BEGINS_A_PATH).search


def _results_in_a_path(regex: "RegexRewrite") -> bool:
    if _takes_all(regex.pattern) is None or _begins_a_path(regex.replacement) is not None:
        return True
    return regex.replacement.startswith("$1") and _first_group_is_a_path(regex.pattern) is not None


class RegexRewrite(SpecModel):
    """A path rewrite by regular expression."""

    rules = (
        Rule["RegexRewrite"](
            f"!self.pattern.matches(r'{_TAKES_ALL}') || self.replacement.matches(r'{_BEGINS_A_PATH}')"
            f" || (self.replacement.startsWith('$1') && self.pattern.matches(r'{_FIRST_GROUP_IS_A_PATH}'))",
            "must begin with '/', or with a group that does ('$1' of '^/api(/.*)'), since the pattern takes the whole "
            "path: APISIX answers 502 otherwise",
            "replacement",
            holds=_results_in_a_path,
        ),
    )

    pattern: RegexPattern = Field(
        description="Regular expression (PCRE, judged by the gateway) on the decoded path. A path that it does not "
        "match goes to the backend as it came."
    )
    replacement: RegexReplacement = Field(
        description="What the matched part becomes; `$1` and so on are the pattern's groups. The path that results "
        "must begin with `/`: the gateway answers 502 or 500 otherwise."
    )


def _path_forms(rewrite: "Rewrite") -> int:
    return sum(form is not None for form in (rewrite.regex, rewrite.path, rewrite.strip_prefix))


class Rewrite(SpecModel):
    """What is changed in a request before it goes to the backend (APISIX's proxy-rewrite)."""

    rules = (
        Rule["Rewrite"](
            "has(self.regex) || has(self.path) || has(self.stripPrefix) || has(self.host) || has(self.method)"
            " || has(self.headers)",
            "must have at least one of regex, path, stripPrefix, host, method and headers; or leave rewrite out",
            holds=lambda rewrite: (
                _path_forms(rewrite) > 0
                or rewrite.host is not None
                or rewrite.method is not None
                or rewrite.headers is not None
            ),
        ),
        Rule["Rewrite"](
            "[has(self.regex), has(self.path), has(self.stripPrefix)].filter(form, form).size() <= 1",
            "must have only one of regex, path and stripPrefix",
            holds=lambda rewrite: _path_forms(rewrite) <= 1,
        ),
    )

    regex: RegexRewrite | None = Field(
        default=None, description="New path by regular expression. At most one of regex, path and stripPrefix."
    )
    path: RewritePath | None = Field(
        default=None,
        description="New path, the same for each request. APISIX expands its variables in it: `/items/$arg_id`. "
        "At most one of regex, path and stripPrefix.",
    )
    strip_prefix: PathPrefix | None = Field(
        default=None,
        description="Leading part of the path to take away: `/api` makes `/` of `/api`, `/users` of `/api/users`, and "
        "leaves `/apix` alone. At most one of regex, path and stripPrefix.",
    )
    host: HostAndPort | None = Field(
        default=None,
        description="Host header that the backend sees. Needs `upstream.passHost: Pass`, which is the default.",
    )
    method: RewriteMethod | None = Field(
        default=None, description="Method that the backend sees. The route then takes all methods but HEAD by default."
    )
    headers: HeaderRewrite | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Request headers to set, add and remove, at least one of them.",
    )


class Backend(SpecModel):
    """A service that answers the requests."""

    service: ServiceName = Field(
        description="Name of the service in Consul. The gateway discovers its passing instances there."
    )


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


def _passes(upstream: "Upstream", host: PassHost) -> bool:
    return upstream.pass_host == host


class Upstream(SpecModel):
    """How the gateway talks to the backend."""

    rules = (
        Rule["Upstream"](
            "!has(self.passHost) || self.passHost != 'Rewrite' || has(self.host)",
            "must be set where passHost is Rewrite",
            "host",
            holds=lambda upstream: not _passes(upstream, "Rewrite") or upstream.host is not None,
        ),
        Rule["Upstream"](
            "!has(self.host) || (has(self.passHost) && self.passHost == 'Rewrite')",
            "has an effect only with passHost: Rewrite; write passHost: Rewrite beside it",
            "host",
            holds=lambda upstream: upstream.host is None or _passes(upstream, "Rewrite"),
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
                not (
                    spec.rewrite and spec.rewrite.host is not None and spec.upstream and _passes(spec.upstream, "Node")
                )
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
