"""What one EchoRoute may cost: bounds on a spec as JSON, looked at before anything else walks it. No recursion."""

import math
import re

from pydantic import JsonValue
from pydantic_core import to_json

from echoroute.api.expressions import IPMATCH, REGEX
from echoroute.api.matchers import PATTERNS
from echoroute.core.place import Place, path

MAX_BYTES = 64 * 1024
MAX_VALUES = 2_000
MAX_KEY_LENGTH = 256
MAX_DEPTH = 16
MAX_COMPILED = 2_048
"""Characters of all regular expressions and of all addresses in conditions: each is read before the gateway gets it."""
MAX_DOLLARS = 1_024
"""Each `$` may begin a variable, which the gateway looks up with each request."""

_COMPILED = frozenset(map(str.lower, (*PATTERNS, *REGEX, IPMATCH)))
_KEPT = 10**14  # whole numbers below it have at most 14 digits
_half = re.compile("[\ud800-\udfff]").search  # JSON and YAML can write half a character, which UTF-8 cannot
_DOLLARS = f"spec: has '$' more than {MAX_DOLLARS:,} times, each of which may begin a variable; leave some out"
_NESTED = (dict, list)
_DEEP = f"is nested deeper than {MAX_DEPTH} levels; write it flatter"
_MANY = f"more than {MAX_VALUES:,} values"
_LONG = f"conditions with regular expressions and addresses of more than {MAX_COMPILED:,} characters in all"
_NOT_KEPT = "is a number that APISIX does not keep; write at most 14 significant digits"
_HALF = "has half a character, such as a single '\\ud800', which is no text; remove it"


def over_budget(spec: JsonValue) -> str | None:
    """Why a spec is more than an EchoRoute may hold, naming the field; None where it is not."""
    values, compiled = 1, 0
    stack: list[tuple[Place, JsonValue, int]] = [((None, "spec"), spec, 1)]
    while stack:
        place, value, depth = stack.pop()
        if not isinstance(value, _NESTED):
            wrong = _unfit(value)
        elif depth > MAX_DEPTH:
            wrong = _DEEP
        else:
            wrong = next(filter(None, map(_unfit_key, value)), "") if isinstance(value, dict) else ""
            values += len(value)
            compiled += _compiled_length(value)
            if over := _MANY if values > MAX_VALUES else _LONG if compiled > MAX_COMPILED else "":
                return f"spec: has {over}, counted up to {path(place)}; leave some out"
            for step, item in value.items() if isinstance(value, dict) else enumerate(value):
                if not isinstance(item, str) or not item.isascii():  # most are, and these fit
                    stack.append(((place, step), item, depth + 1))
        if wrong:
            return f"{path(place)}: {wrong}"
    text = to_json(spec)
    if len(text) > MAX_BYTES:
        return f"spec: is larger than {MAX_BYTES // 1024} KiB ({len(text):,} bytes as JSON); remove what is not needed"
    return _DOLLARS if text.count(b"$") > MAX_DOLLARS else None


def _compiled_length(value: dict[str, JsonValue] | list[JsonValue]) -> int:
    """Of the operand in a condition, typed (`{name, op: Regex, value}`) or raw (`[name, "~~", value]`)."""
    if isinstance(value, dict):
        operator, operand = value.get("op"), value.get("value")
    else:
        operator, operand = value[-2:] if len(value) > 2 else (None, None)
    if not isinstance(operator, str) or operator.lower() not in _COMPILED:
        return 0
    return sum(len(text) for text in (operand if isinstance(operand, list) else [operand]) if isinstance(text, str))


def _unfit(value: str | float | None) -> str:
    """Why a number or a text cannot be kept as it is; empty where it can."""
    if isinstance(value, str):
        return "" if value.isascii() or not _half(value) else _HALF
    return "" if value is None or _is_kept(value) else _NOT_KEPT


def _unfit_key(name: str) -> str:
    if len(name) > MAX_KEY_LENGTH:
        return f"has a key of {len(name):,} characters, '{name[:20]}…'; keys have at most {MAX_KEY_LENGTH}"
    return "" if name.isascii() or not _half(name) else f"has a key that {_HALF}"


def _is_kept(number: float) -> bool:
    """Whether the gateway stores the number as it is: it writes 14 significant digits. Others are repaired for ever."""
    if isinstance(number, int) and -_KEPT < number < _KEPT:
        return True
    try:
        return math.isfinite(number) and float(f"{number:.14g}") == number
    except OverflowError:
        return False
