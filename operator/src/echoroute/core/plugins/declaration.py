"""How an open plugin is declared: its fields with their types, what of APISIX's is left out, and what must hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import Field, JsonValue, TypeAdapter
from pydantic.fields import FieldInfo

Config = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Holds:
    """What must hold between the fields of a config whose fields are right by themselves."""

    problem: str
    check: Callable[[Config], bool]


@dataclass(frozen=True)
class OpenPlugin:
    """An open plugin. `left_out` gives for each field of APISIX's that is closed the reason."""

    config: type[object]
    """A TypedDict: field to type, with the reason of its bound as description."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Holds, ...] = ()

    @cached_property
    def adapter(self) -> TypeAdapter[object]:
        """What judges a config. Its values are not used."""
        return TypeAdapter(self.config)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema, which takes a millisecond to make."""
        return self.adapter.json_schema()


def why(text: str) -> FieldInfo:
    """Annotates a field with what it is for, and why its bound is what it is. The reference shows it."""
    described: FieldInfo = Field(description=text)
    return described


def one_of(*names: str) -> Holds:
    """Exactly one of some fields is there."""
    return Holds(
        f"must have exactly one of {', '.join(names)}", lambda config: sum(map(config.__contains__, names)) == 1
    )


def some_of(*names: str) -> Holds:
    """At least one of some fields is there."""
    return Holds(f"must have at least one of {', '.join(names)}", lambda config: any(map(config.__contains__, names)))


SOME_HEADERS = Holds(
    "must have at least one of set, add and remove in headers", lambda config: config.get("headers") != {}
)
