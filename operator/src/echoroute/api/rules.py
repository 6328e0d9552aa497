"""Validation rules, said once for both rings: as CEL for the API server and as Python for the models.

The API server evaluates `x-kubernetes-validations` (Kubernetes API conventions, CRD validation rules) when somebody
applies an object; the models evaluate the same rules for objects from files and for whatever got in otherwise. Each
rule carries both forms side by side, so that they are read, changed and tested together.
"""

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

T = TypeVar("T")

VALIDATIONS = "x-kubernetes-validations"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
NULLABLE: dict[str, JsonValue] = {"nullable": True}
"""Marks a field whose absence opens something: the API server would prune its null, and nobody could refuse it."""
NULL = "must not be null; leave it out, or give it a value"


@dataclass(frozen=True)
class CelRule:
    """A rule of the API server's alone: `self` in `cel` is the value, `oldSelf` what was there before.

    `field` is the path of the field to blame, below the value that the rule stands on; empty for the value itself.
    """

    cel: str
    message: str
    field: str = ""

    def as_json(self) -> dict[str, str]:
        """The entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.message}
        if self.field:
            entry["fieldPath"] = f".{self.field}"
        return entry


@dataclass(frozen=True, kw_only=True)
class Rule(CelRule, Generic[T]):
    """A rule in both forms: `holds` answers in Python what `cel` answers in the API server."""

    holds: Callable[[T], bool]


def requires(pattern: str, message: str) -> Rule[str]:
    """The whole string matches `pattern` (written in what RE2 and Python's `re` have in common)."""
    matches = re.compile(pattern).fullmatch
    return Rule(f"self.matches(r'^({pattern})$')", message, holds=lambda text: matches(text) is not None)


def forbids(pattern: str, message: str) -> Rule[str]:
    """No part of the string matches `pattern`."""
    search = re.compile(pattern).search
    return Rule(f"!self.matches(r'{pattern}')", message, holds=lambda text: search(text) is None)


def some_of(*fields: str, otherwise: str = "") -> Rule[object]:
    """At least one of a model's fields is there; `otherwise` goes on with the message."""
    names = [to_camel(field) for field in fields]
    return Rule(
        " || ".join(f"has(self.{name})" for name in names),
        f"must have at least one of {', '.join(names[:-1])} and {names[-1]}{otherwise}",
        holds=lambda model: any(getattr(model, field) is not None for field in fields),
    )


def check(value: T, rules: Iterable[Rule[T]]) -> None:
    """Raises `PydanticCustomError` of type `rules` with each broken rule's (field, message)."""
    broken = [(rule.field, rule.message) for rule in rules if not rule.holds(value)]
    if broken:
        text = "; ".join(message for _, message in broken)
        raise PydanticCustomError("rules", "{text}", {"text": text, "broken": tuple(broken)})


def problem(text: str) -> PydanticCustomError:
    """The error of a value that is refused: `text` says what it must be."""
    return PydanticCustomError("refused", "{text}", {"text": text})


class Rules(Generic[T]):
    """Annotates a field with rules: `Annotated[str, Rules(requires(...))]`."""

    def __init__(self, *rules: Rule[T]) -> None:
        self.rules = rules

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        rules = self.rules

        def validate(value: T) -> T:
            check(value, rules)
            return value

        return core_schema.no_info_after_validator_function(validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler(schema)
        json_schema[VALIDATIONS] = [*json_schema.get(VALIDATIONS, ()), *(rule.as_json() for rule in self.rules)]
        return json_schema


class NoNumber:
    """Annotates a string for which people write a number: the API server lets it through to `rule`, which refuses it.

    Otherwise it would say no more than that the type is wrong. Put it behind the other rules, which then hold for
    strings alone.
    """

    def __init__(self, message: str) -> None:
        self._rule = CelRule("type(self) == string", message)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler(schema)
        del json_schema["type"]
        of_strings = [
            {**rule, "rule": f"type(self) != string || ({rule['rule']})"} for rule in json_schema.get(VALIDATIONS, ())
        ]
        return {**json_schema, INT_OR_STRING: True, VALIDATIONS: [self._rule.as_json(), *of_strings]}


class Unique:
    """Annotates a list of scalars as a set, of which the API server refuses duplicates by itself (list type `set`)."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_unique, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), LIST_TYPE: "set"}


def _unique(items: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    if len(set(items)) == len(items):
        return items
    twice = next(item for index, item in enumerate(items) if item in items[:index])
    text = f"has {twice!r} more than once; write it once"
    raise PydanticCustomError("rules", "{text}", {"text": text, "broken": (("", text),)})


class SpecModel(BaseModel):
    """Base of the spec's models: camelCase outside, frozen, strict types, unknown fields refused, rules checked."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,  # a plugin config may hold a secret
    )

    rules: ClassVar[tuple[Rule[Any], ...]] = ()
    """What must hold between this model's fields."""
    cel_rules: ClassVar[tuple[CelRule, ...]] = ()
    """What only the API server can judge, since it compares with the object as it was."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_nulls(cls, raw: object) -> object:
        """A null is what a template with an empty value renders. Taken as absent it opens what was to be closed."""
        if isinstance(raw, dict) and None in raw.values():
            nulls = tuple((str(name), NULL) for name, value in raw.items() if value is None)
            raise PydanticCustomError("rules", NULL, {"broken": nulls})
        return raw

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        check(self, self.rules)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        json_schema = handler(schema)
        rules = [rule.as_json() for rule in (*cls.rules, *cls.cel_rules)]
        if rules:
            handler.resolve_ref_schema(json_schema)[VALIDATIONS] = rules
        return json_schema
