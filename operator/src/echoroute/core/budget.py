"""What one EchoRoute may cost: bounds on a spec as JSON, looked at before anything else walks it. No recursion."""

import json
import math
import re

from pydantic import JsonValue

from echoroute.core.place import Place, path

MAX_BYTES = 64 * 1024
MAX_VALUES = 2_000
MAX_KEY_LENGTH = 256
MAX_DEPTH = 16

_KEPT = 10**14  # whole numbers below it have at most 14 digits
_half = re.compile("[\ud800-\udfff]").search  # JSON and YAML can write half a character, which UTF-8 cannot
_HALF = "has half a character, such as a single '\\ud800', which is no text; remove it"


def over_budget(spec: JsonValue) -> str | None:
    """Why a spec is more than an EchoRoute may hold, naming the field; None where it is not."""
    values = 1
    stack: list[tuple[Place, JsonValue, int]] = [((None, "spec"), spec, 1)]
    while stack:
        place, value, depth = stack.pop()
        if unfit := _unfit(value):
            return f"{path(place)}: {unfit}"
        if not isinstance(value, dict | list):
            continue
        if depth > MAX_DEPTH:
            return f"{path(place)}: is nested deeper than {MAX_DEPTH} levels; write it flatter"
        values += len(value)
        if values > MAX_VALUES:
            return f"spec: has more than {MAX_VALUES:,} values, counted up to {path(place)}; leave some out"
        if isinstance(value, list):
            stack += (((place, index), item, depth + 1) for index, item in enumerate(value))
            continue
        for name, item in value.items():
            if unfit := _unfit_key(name):
                return f"{path(place)}: has a key {unfit}"
            stack.append(((place, name), item, depth + 1))
    size = len(json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_BYTES:
        return f"spec: is larger than {MAX_BYTES // 1024} KiB ({size:,} bytes as JSON); remove what is not needed"
    return None


def _unfit(value: JsonValue) -> str:
    """Why a number or a text cannot be kept as it is; empty where it can."""
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
