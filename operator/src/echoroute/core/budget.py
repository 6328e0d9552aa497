"""What one EchoRoute may cost: bounds on a spec as JSON, looked at before anything else walks it. No recursion."""

import json
import math
import re

from pydantic import JsonValue

from echoroute.api.expressions import REGEX
from echoroute.api.matchers import PATTERNS
from echoroute.core.place import Place, path

MAX_BYTES = 64 * 1024
MAX_VALUES = 2_000
MAX_KEY_LENGTH = 256
MAX_DEPTH = 16
MAX_PATTERNS = 2_048
"""Characters of all regular expressions in conditions: each is looked through before the gateway gets it."""

_WITH_PATTERNS = (*PATTERNS, *REGEX)
_KEPT = 10**14  # whole numbers below it have at most 14 digits
_half = re.compile("[\ud800-\udfff]").search  # JSON and YAML can write half a character, which UTF-8 cannot
_DEEP = f"is nested deeper than {MAX_DEPTH} levels; write it flatter"
_LONG = f"conditions with regular expressions of more than {MAX_PATTERNS:,} characters in all"
_HALF = "has half a character, such as a single '\\ud800', which is no text; remove it"


def over_budget(spec: JsonValue) -> str | None:
    """Why a spec is more than an EchoRoute may hold, naming the field; None where it is not."""
    counted = _Counted()
    stack: list[tuple[Place, JsonValue, int]] = [((None, "spec"), spec, 1)]
    while stack:
        place, value, depth = stack.pop()
        if wrong := _unfit(value) or (depth > MAX_DEPTH and isinstance(value, dict | list) and _DEEP):
            return f"{path(place)}: {wrong}"
        if isinstance(value, dict | list):
            if over := counted.count(value):
                return f"spec: has {over}, counted up to {path(place)}; leave some out"
            children = value.items() if isinstance(value, dict) else enumerate(value)
            stack += (((place, step), item, depth + 1) for step, item in children)
    size = len(json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_BYTES:
        return f"spec: is larger than {MAX_BYTES // 1024} KiB ({size:,} bytes as JSON); remove what is not needed"
    return None


class _Counted:
    """What is counted over the whole spec."""

    def __init__(self) -> None:
        self._values = 1
        self._patterns = 0

    def count(self, value: dict[str, JsonValue] | list[JsonValue]) -> str:
        """Count an object or a list; gives what there is too much of, if anything."""
        self._values += len(value)
        self._patterns += _pattern_length(value)
        if self._values > MAX_VALUES:
            return f"more than {MAX_VALUES:,} values"
        return _LONG if self._patterns > MAX_PATTERNS else ""


def _pattern_length(value: dict[str, JsonValue] | list[JsonValue]) -> int:
    """Of the pattern in a condition, typed (`{name, op: Regex, value}`) or raw (`[name, "~~", value]`)."""
    if isinstance(value, dict):
        operator, pattern = value.get("op"), value.get("value")
    else:
        operator, pattern = value[-2:] if len(value) > 2 else (None, None)
    return len(pattern) if operator in _WITH_PATTERNS and isinstance(pattern, str) else 0


def _unfit(value: JsonValue) -> str:
    """Why a number, a text, or a key of an object cannot be kept as it is; empty where it can."""
    if isinstance(value, dict):
        return next((f"has a key {wrong}" for wrong in map(_unfit_key, value) if wrong), "")
    if isinstance(value, int | float) and not _is_kept(value):
        return "is a number that APISIX does not keep; write at most 14 significant digits"
    return _HALF if isinstance(value, str) and _half(value) else ""


def _unfit_key(name: str) -> str:
    if len(name) > MAX_KEY_LENGTH:
        return f"of {len(name):,} characters, '{name[:20]}…'; keys have at most {MAX_KEY_LENGTH}"
    return f"that {_HALF}" if _half(name) else ""


def _is_kept(number: float) -> bool:
    """Whether the gateway stores the number as it is: it writes 14 significant digits. Others are repaired for ever."""
    if isinstance(number, int) and -_KEPT < number < _KEPT:
        return True
    try:
        return math.isfinite(number) and float(f"{number:.14g}") == number
    except OverflowError:
        return False
