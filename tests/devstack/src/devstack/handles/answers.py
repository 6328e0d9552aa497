"""Answers of HTTP APIs as checked JSON."""

import httpx
from pydantic import JsonValue, TypeAdapter, ValidationError

from devstack.errors import UnexpectedAnswer

JsonObject = dict[str, JsonValue]

_OBJECT: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)
_OBJECTS: TypeAdapter[list[JsonObject]] = TypeAdapter(list[JsonObject])


def accepted(answer: httpx.Response) -> httpx.Response:
    """The answer when it is a success. Raises UnexpectedAnswer, which names request, status and body."""
    if answer.is_success:
        return answer
    request = answer.request
    msg = f"{request.method} {request.url} was answered {answer.status_code}: {answer.text[:500]}"
    raise UnexpectedAnswer(msg)


def as_object(text: str | bytes, what: str) -> JsonObject:
    """Raises UnexpectedAnswer for what is no JSON object."""
    try:
        return _OBJECT.validate_json(text)
    except ValidationError as error:
        msg = f"{what} is no JSON object: {text[:200]!r}"
        raise UnexpectedAnswer(msg) from error


def as_objects(text: str | bytes, what: str) -> list[JsonObject]:
    """Raises UnexpectedAnswer for what is no JSON array of objects."""
    try:
        return _OBJECTS.validate_json(text)
    except ValidationError as error:
        msg = f"{what} is no JSON array of objects: {text[:200]!r}"
        raise UnexpectedAnswer(msg) from error


def at(value: JsonValue, *path: str | int) -> JsonValue:
    """What lies in nested JSON, `at(route, "spec", "match", "paths", 0)`; None where a step is missing."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value
