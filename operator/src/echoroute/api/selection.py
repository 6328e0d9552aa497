"""Which instances in Consul a backend is: of one service, in one datacenter, all of them or a subset."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pydantic import JsonValue


class Service(NamedTuple):
    """What one query of Consul is about; all routes and subsets that need it share that query."""

    name: str
    datacenter: str = ""
    """Empty for the one of the Consul that is asked."""

    def __str__(self) -> str:
        return f"{self.name!r} in datacenter {self.datacenter!r}" if self.datacenter else repr(self.name)


class Resolver(StrEnum):
    """Who finds the instances and follows them."""

    GATEWAY = "Gateway"
    OPERATOR = "Operator"


@dataclass(frozen=True, slots=True)
class Selection:
    """Instances as one of the two resolves them: those with all of the tags and all pairs of the meta."""

    service: Service
    resolver: Resolver = Resolver.GATEWAY
    tags: frozenset[str] = field(default=frozenset())
    meta: frozenset[tuple[str, str]] = field(default=frozenset())

    @classmethod
    def by_operator(
        cls, name: str, *, tags: Iterable[str] = (), meta: Mapping[str, str] | None = None, datacenter: str = ""
    ) -> "Selection":
        """What the operator resolves."""
        pairs = frozenset((meta or {}).items())
        return cls(Service(name, datacenter), Resolver.OPERATOR, frozenset(tags), pairs)

    @property
    def is_subset(self) -> bool:
        """Whether instances of the service, in this datacenter, may be left out by their tags or meta."""
        return bool(self.tags or self.meta)

    @property
    def identity(self) -> list[JsonValue]:
        """The same for equal selections, and different for others, as JSON."""
        meta: list[JsonValue] = [[name, value] for name, value in sorted(self.meta)]
        return [*self.service, self.resolver.value, [*sorted(self.tags)], meta]

    def __str__(self) -> str:
        wanted = [*sorted(self.tags), *(f"{name}={value}" for name, value in sorted(self.meta))]
        return f"{self.service} with {', '.join(map(repr, wanted))}" if wanted else str(self.service)
