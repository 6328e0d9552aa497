"""Canaries: requests of a kind that go to backends of their own."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from echoroute.api.backends import Backends
from echoroute.api.matchers import (
    OF_COOKIES,
    OF_HEADERS,
    OF_QUERIES,
    FewCookieMatches,
    FewHeaderMatches,
    FewQueryMatches,
    ValueMatch,
)
from echoroute.api.rules import LIST_TYPE, SpecModel, some_of


class CanaryMatch(SpecModel):
    """Conditions on a request, all of which must hold: at least one of headers, queries and cookies."""

    rules = (
        some_of(
            "headers",
            "queries",
            "cookies",
            otherwise="; for a share of all requests write weights in spec.backends",
        ),
    )

    headers: FewHeaderMatches | None = OF_HEADERS
    queries: FewQueryMatches | None = OF_QUERIES
    cookies: FewCookieMatches | None = OF_COOKIES

    @property
    def conditions(self) -> tuple[ValueMatch, ...]:
        """All of them, in the order of the fields."""
        return (*(self.headers or ()), *(self.queries or ()), *(self.cookies or ()))


class CanaryRule(SpecModel):
    """Requests of a kind, and the backends that answer them in place of `spec.backends`."""

    match: CanaryMatch = Field(description="Which of the route's requests the rule takes, as they came.")
    backends: Backends = Field(
        description="The services that answer them, as in spec.backends: at most 16, several by weight."
    )


EACH_CONDITION = 128


def written_out(rules: Sequence[CanaryRule]) -> int:
    """Characters of the conditions as the gateway gets them: once for each backend of their rule.

    Each counts for some more, since the gateway reads and compares all of them with a request that none holds for.
    """
    return sum(
        len(rule.backends)
        * sum(
            EACH_CONDITION + len(one.name) + len(one.value or "") + sum(map(len, one.values or ()))
            for one in rule.match.conditions
        )
        for rule in rules
    )


Canary = Annotated[
    tuple[CanaryRule, ...],
    Field(strict=False, min_length=1, max_length=8, json_schema_extra={LIST_TYPE: "atomic"}),
]
