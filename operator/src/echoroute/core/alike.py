"""Whether the conditions of two Routes say the same: their normal form, from APISIX's JSON, which a hand may have made.

The order of conditions and of values does not count, nor the letter case of headers' names, nor how an address is
written. What means the same in other words (`in` of one value for `==`) counts as different: then both serve.
"""

import hashlib
import json
from collections.abc import Iterator

from pydantic import JsonValue

from echoroute.api.expressions import LOGIC
from echoroute.core.matching import address
from echoroute.core.objects import JsonObject

NO_CONDITIONS = b""
_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
_DEEPEST = 16
Comparison = tuple[JsonValue, list[JsonValue], JsonValue]
"""A variable as it is compared, the operator in lower case ('!' before it where it is negated), and the operand."""


def normal_form(body: JsonObject) -> bytes:
    """The conditions of a Route: `NO_CONDITIONS`, or a digest that is the same where they say the same."""
    parts = sorted({_one(part, depth) for part, depth in _all_of(body.get("vars"), 0)})
    addresses = sorted(set(map(_network, _items(body.get("remote_addrs")))))
    if not parts and not addresses:
        return NO_CONDITIONS
    return bytes.fromhex(_digest([parts, addresses]))


def comparisons(expression: JsonValue) -> Iterator[Comparison]:
    """The comparisons of an expression that must all hold; what has other logic in front is left out."""
    for part, _ in _all_of(expression, 0):
        if _word(part[0]) not in LOGIC:
            yield _comparison(part)


def _all_of(expression: JsonValue, depth: int) -> Iterator[tuple[list[JsonValue], int]]:
    """The parts of an expression that must all hold, and how deep they are."""
    items = _items(expression)
    if depth > _DEEPEST:
        yield ["too deep"], depth
    elif not items:
        return
    elif isinstance(items[0], list):
        for item in items:
            yield from _all_of(item, depth + 1)
    elif _word(items[0]) == "AND":
        for item in items[1:]:
            yield from _all_of(item, depth + 1)
    else:
        yield items, depth


def _one(items: list[JsonValue], depth: int) -> str:
    """One part: a comparison, or several with OR, !OR or !AND in front."""
    word = _word(items[0])
    if word in LOGIC:
        groups = (sorted({_one(*part) for part in _all_of(item, depth + 1)}) for item in items[1:])
        return _digest([word, *sorted(set(map(_digest, groups)))])
    variable, operator, value = _comparison(items)
    operand = sorted(set(map(_text, value))) if isinstance(value, list) else _digest(value)
    return _digest([variable, *operator, operand])


def _comparison(items: list[JsonValue]) -> Comparison:
    name, *operator, value = items if len(items) > 1 else [items[0], None]
    return _variable(name), [part.lower() if isinstance(part, str) else part for part in operator], value


def _variable(name: JsonValue) -> JsonValue:
    if isinstance(name, str) and name.startswith("http_"):
        return name.lower().replace("-", "_")
    return name


def _word(item: JsonValue) -> str:
    return item.upper() if isinstance(item, str) else ""


def _network(item: JsonValue) -> str:
    try:
        text = address(item) if isinstance(item, str) else _digest(item)
    except ValueError:
        return _digest(item)
    return text.removesuffix("/128" if ":" in text else "/32")


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _digest(value: object) -> str:
    # Parts stand in the whole as digests: as texts each level would escape the quotes and backslashes of those below.
    return hashlib.blake2b(_text(value).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
