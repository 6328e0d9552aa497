"""Whether an answer of the Admin API agrees with a recorded one."""

from collections.abc import Iterator

import httpx
from pydantic import JsonValue, TypeAdapter, ValidationError

from .about import disagreement
from .recorded import AdminResponse

_MESSAGES = {"error_msg", "message", "description"}
_VARYING = {"create_time", "update_time", "createdIndex", "modifiedIndex"}
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


def _without_varying(value: JsonValue) -> JsonValue:
    """Times and indexes differ in each run: what stays is that they are there, as whole numbers."""
    if isinstance(value, dict):
        return {
            key: "a whole number" if key in _VARYING and isinstance(item, int) else _without_varying(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_varying(item) for item in value]
    return value


def content_of(answer: httpx.Response) -> JsonValue:
    """The body as JSON; None when it is none."""
    try:
        return _JSON.validate_json(answer.content)
    except ValidationError:
        return None


def differences(n: int, recorded: AdminResponse, answer: httpx.Response) -> Iterator[str]:
    """What is not as it was recorded."""
    if answer.status_code != recorded.status:
        yield f"status {answer.status_code}, recorded: {recorded.status} ({answer.text[:300]})"
        return
    for header, value in recorded.headers.items():
        found = answer.headers.get(header, "")
        if found.partition(";")[0] != value.partition(";")[0]:
            yield f"{header}: {found!r}, recorded: {value!r}"
    content = content_of(answer)
    if isinstance(content, dict) and isinstance(recorded.content, dict):
        yield from _message_differences(n, recorded.content, content)
        content = {key: item for key, item in content.items() if key not in _MESSAGES}
        expected: JsonValue = {key: item for key, item in recorded.content.items() if key not in _MESSAGES}
    else:
        expected = recorded.content
    if _without_varying(content) != _without_varying(expected):
        yield f"body {content}, recorded: {expected}"


def _message_differences(n: int, recorded: dict[str, JsonValue], answered: dict[str, JsonValue]) -> Iterator[str]:
    for field in sorted(_MESSAGES & (recorded.keys() | answered.keys())):
        expected, found = recorded.get(field), answered.get(field)
        if not isinstance(expected, str) or not isinstance(found, str):
            yield f"{field}: {found!r}, recorded: {expected!r}"
        elif (problem := disagreement(n, expected, found)) is not None:
            yield f"{field}: {problem}"
