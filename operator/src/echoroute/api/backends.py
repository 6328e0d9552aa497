"""The services that answer: how many of the requests each gets, which of its instances, and who finds them."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from echoroute.api.rules import LIST_TYPE, NULLABLE, Rule, Rules, SpecModel, Unique, some_of
from echoroute.api.scalars import Datacenter, MetaText, ServiceName, Tag
from echoroute.api.selection import Resolver, Selection, Service

_MOST_TAGS = 8
_MOST_PAIRS = 8
_META_KEY = "[0-9A-Za-z_-]{1,128}"  # as Consul has it
_is_meta_key = re.compile(_META_KEY).fullmatch

Tags = Annotated[tuple[Tag, ...], Field(strict=False, min_length=1, max_length=_MOST_TAGS), Unique()]
Meta = Annotated[
    dict[str, Annotated[MetaText, Field(json_schema_extra=NULLABLE)]],
    Field(min_length=1, max_length=_MOST_PAIRS),
    Rules[dict[str, str]](
        Rule(
            f"self.all(key, key.matches(r'^{_META_KEY}$'))",
            "must have keys of letters, digits, '-' and '_', of at most 128 characters, as Consul has them",
            holds=lambda meta: all(map(_is_meta_key, meta)),
        ),
    ),
]


class Subset(SpecModel):
    """Some of a service's instances: those with all of these tags and meta, in this datacenter."""

    rules = (some_of("tags", "meta", "datacenter", otherwise="; or leave subset out for the whole service"),)

    tags: Tags | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Tags in Consul, all of which an instance must have: `[version:2]`. Letter case counts.",
    )
    meta: Meta | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Meta in Consul, all pairs of which an instance must have: `{stage: canary}`.",
    )
    datacenter: Datacenter | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Datacenter of Consul in which the instances are. Default: that of the operator's Consul.",
    )


class Backend(SpecModel):
    """A service that answers requests, or a subset of its instances."""

    rules = (
        Rule["Backend"](
            "!(has(self.subset) && has(self.resolve) && self.resolve == 'Gateway')",
            "must not be Gateway beside subset: the gateway knows no subsets; write Operator, or leave resolve out",
            "resolve",
            holds=lambda backend: backend.subset is None or backend.resolve != "Gateway",
        ),
    )

    service: ServiceName = Field(description="Name of the service in Consul.")
    weight: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Share of the requests, in proportion to the weights of the other backends of the list; 0 for "
        "none. Shares are exact in the mean to 1/4096. Default: 1.",
    )
    subset: Subset | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Only these of the service's instances. Then the operator resolves them.",
    )
    resolve: Literal["Gateway", "Operator"] | None = Field(
        default=None,
        description="Who finds the instances in Consul and follows them: the gateway by its own discovery (`Gateway`), "
        "or the operator, which writes their addresses into the gateway (`Operator`). Default: Operator beside "
        "subset, else Gateway.",
    )

    @property
    def share(self) -> int:
        """The weight in force."""
        return 1 if self.weight is None else self.weight

    @cached_property
    def selection(self) -> Selection:
        """The instances that it is, whatever its weight."""
        subset = self.subset
        if subset is None:
            return Selection(Service(self.service), Resolver(self.resolve or "Gateway"))
        return Selection.by_operator(
            self.service, tags=subset.tags or (), meta=subset.meta, datacenter=subset.datacenter or ""
        )


_SUBSETS = "has(one.subset) == has(other.subset) && (!has(one.subset) || one.subset == other.subset)"
_RESOLVER = "(has({0}.resolve) ? {0}.resolve : has({0}.subset) ? 'Operator' : 'Gateway')"
_SAME = f"one.service == other.service && {_SUBSETS} && {_RESOLVER.format('one')} == {_RESOLVER.format('other')}"


def _are_distinct(backends: Sequence[Backend]) -> bool:
    return len(backends) == 1 or len({backend.selection for backend in backends}) == len(backends)


Backends = Annotated[
    tuple[Backend, ...],
    Field(strict=False, min_length=1, max_length=16, json_schema_extra={LIST_TYPE: "atomic"}),
    Rules[tuple[Backend, ...]](
        Rule(
            f"self.all(one, self.exists_one(other, {_SAME}))",
            "must have each combination of service, subset and resolve once; add the weights up",
            holds=_are_distinct,
        ),
        Rule(
            "self.exists(one, !has(one.weight) || dyn(one.weight) == null || one.weight > 0)",
            "must have a backend with a weight above 0; to serve nothing write enabled: false",
            holds=lambda backends: any(backend.share > 0 for backend in backends),
        ),
    ),
]
