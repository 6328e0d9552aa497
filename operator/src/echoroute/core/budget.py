"""What one EchoRoute may cost: bounds on a spec as JSON, looked at before anything else walks it. No recursion."""

import json
import math

from pydantic import JsonValue

from echoroute.core.place import Place, path

MAX_BYTES = 64 * 1024
MAX_VALUES = 2_000
MAX_KEY_LENGTH = 256
MAX_DEPTH = 16

_KEPT = 10**14  # whole numbers below it have at most 14 digits


def over_budget(spec: JsonValue) -> str | None:
    """Why a spec is more than an EchoRoute may hold, naming the field; None where it is not."""
    values = 1
    stack: list[tuple[Place, JsonValue, int]] = [((None, "spec"), spec, 1)]
    while stack:
        place, value, depth = stack.pop()
        if isinstance(value, int | float) and not _is_kept(value):
            return f"{path(place)}: is a number that APISIX does not keep; write at most 14 significant digits"
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
            if len(name) > MAX_KEY_LENGTH:
                long = f"a key of {len(name):,} characters, '{name[:20]}…'"
                return f"{path(place)}: has {long}; keys have at most {MAX_KEY_LENGTH}"
            stack.append(((place, name), item, depth + 1))
    size = len(json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        return f"spec: is larger than {MAX_BYTES // 1024} KiB ({size:,} bytes as JSON); remove what is not needed"
    return None


def _is_kept(number: float) -> bool:
    """Whether the gateway stores the number as it is: it writes 14 significant digits. Others are repaired for ever."""
    if isinstance(number, int) and -_KEPT < number < _KEPT:
        return True
    try:
        return math.isfinite(number) and float(f"{number:.14g}") == number
    except OverflowError:
        return False
