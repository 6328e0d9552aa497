"""From raw JSON to a spec, with errors that a user can act on."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from echoroute.api.rules import NULL
from echoroute.api.schema import fields_at
from echoroute.api.spec import EchoRouteSpec
from echoroute.errors import FieldError, InvalidSpec

# Where values may be credentials: below these, no message shows what was found.
_SECRET = (("plugins",), ("rewrite", "headers", "set"), ("rewrite", "headers", "add"))
# Nor where something with parts belongs, since one of the parts may have been meant.
_NOT_SHOWN = {"missing", "extra_forbidden", "model_type", "dict_type", "tuple_type"}
_SHOWN = 80
_MOST = 16  # things that are wrong with one spec; whoever mends these is told of the rest

Location = tuple[int | str, ...]

_PROBLEMS = {
    "missing": "is required",
    "string_type": "must be a string",
    "string_unicode": "must be a valid Unicode string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "model_type": "must be an object with fields",
    "dict_type": "must be an object with fields",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} item",
    "too_long": "must have at most {max_length} items",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of {expected}",
    "recursion_loop": "must not be nested so deeply",
}


def parse_spec(raw: Mapping[str, JsonValue]) -> EchoRouteSpec:
    """The spec of an EchoRoute from its JSON.

    Raises `InvalidSpec` with one `FieldError` for each thing that is wrong, 16 at most: the field's path as the user
    writes it, what is wanted and, where it cannot be a secret, what was found.
    """
    try:
        return EchoRouteSpec.model_validate(raw)
    except ValidationError as error:
        raise InvalidSpec(_problems(error)) from None  # its text is longer and would show values


def _problems(error: ValidationError) -> tuple[FieldError, ...]:
    found: dict[FieldError, None] = {}
    for detail in error.errors(include_url=False):
        if not _follows(detail):
            found.update(dict.fromkeys(_field_errors(detail)))
        if len(found) >= _MOST:
            break
    return tuple(found)[:_MOST]


def not_a_field(name: str, known: Sequence[str]) -> str:
    """What is wrong with a field that EchoRoute does not have at a place where it has those `known`."""
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"
    return f"is not a field of EchoRoute; {hint}"


def _follows(detail: ErrorDetails) -> bool:
    """Whether an error only follows from another one: a list is also 'too short' where its items are refused."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _field_errors(detail: ErrorDetails) -> list[FieldError]:
    location = _as_written(detail["loc"])
    found = _found(location, detail)
    if detail["type"] == "rules":
        broken: tuple[tuple[str, str], ...] = detail["ctx"]["broken"]
        return [FieldError(_path(location, field), message + found) for field, message in broken]
    return [FieldError(_path(location), _problem(location, detail) + found)]


def _as_written(location: Location) -> Location:
    """Without what pydantic adds, inside a plugin's config, about which branch of a JSON value it was in."""
    return location[:2] if location[:1] == ("plugins",) else location


def _problem(location: Location, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return not_a_field(str(location[-1]), fields_at(location[:-1]))
    if location[:1] == ("plugins",) and detail["type"] not in _PROBLEMS:
        return "must be JSON"
    return wording(detail)


def wording(detail: ErrorDetails) -> str:
    """What a value must be, in the words of our messages, without the value."""
    if detail["type"] != "missing" and detail["input"] is None:
        return NULL
    template = _PROBLEMS.get(detail["type"])
    return template.format(**detail.get("ctx", {})) if template else detail["msg"]


def _found(location: Location, detail: ErrorDetails) -> str:
    value = detail["input"]
    secret = any(location[: len(prefix)] == prefix for prefix in _SECRET)
    if secret or detail["type"] in _NOT_SHOWN or not isinstance(value, str | int | float | bool):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f" (found {text if len(text) <= _SHOWN else text[:_SHOWN] + '…'})"


def _path(location: Location, below: str = "") -> str:
    path = "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return f"{path}.{below}" if below else path
