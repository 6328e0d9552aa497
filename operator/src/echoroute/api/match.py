"""Which requests a route takes: its fields, their bounds, and what must hold between them."""

from typing import Annotated, Literal

from pydantic import Field

from echoroute.api.expressions import Expression
from echoroute.api.matchers import OF_COOKIES, OF_HEADERS, OF_QUERIES, CookieMatches, HeaderMatches, QueryMatches
from echoroute.api.rules import NULLABLE, Rule, SpecModel, Unique
from echoroute.api.scalars import ClientAddress, MatchHost, MatchPath

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
    headers: HeaderMatches | None = OF_HEADERS
    queries: QueryMatches | None = OF_QUERIES
    cookies: CookieMatches | None = OF_COOKIES
    remote_addrs: (
        Annotated[tuple[ClientAddress, ...], Field(strict=False, min_length=1, max_length=64), Unique()] | None
    ) = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Clients' addresses (`192.0.2.7`, `2001:db8::1`) and CIDR blocks (`10.0.0.0/8`), as the gateway "
        "sees them: behind a load balancer that is the balancer, unless the gateway is told to trust it. "
        "Default: any address.",
    )
    vars: Annotated[Expression | None, Field(json_schema_extra=NULLABLE)] = Field(
        default=None,
        description="An APISIX expression for what the typed fields do not say, beside which it must hold: "
        '`[["request_method", "==", "GET"], ["OR", ["arg_a", "==", "1"], ["arg_b", "~~", "^x"]]]`.',
    )
    priority: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None = Field(
        default=None,
        description="Decides among routes with an equal path: the higher one is tried first. Default: the number of "
        "conditions, one for each entry of headers, queries and cookies, one for remoteAddrs, one for vars.",
    )
