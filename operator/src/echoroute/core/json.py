"""JSON from other people's servers, of which one odd object must not spoil the whole answer.

The fast parser refuses a document for one value that is nested too deeply, or for one byte that is no UTF-8. Then the
document is read again by a slower way that always gives something: what lies deeper than `DEPTH` becomes null, which
is far deeper than anything that this program takes or writes.
"""

import json
import re

from pydantic import JsonValue
from pydantic_core import from_json

DEPTH = 100
"""Levels that are read; both parsers can do at least that many, whatever else is on the stack."""

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_OPENING = b"[{"


def parse(data: bytes) -> JsonValue:
    """The value of a JSON text. Raises `ValueError` where it is none; its message shows nothing of the text."""
    try:
        # Strings that come again in each object (types, label values) are kept once.
        fast: JsonValue = from_json(data, cache_strings="all")
    except ValueError:
        return _parse_anything(data)
    return fast


def _parse_anything(data: bytes) -> JsonValue:
    text = _cut_off_depth(data).decode("utf-8", "replace")
    try:
        value: JsonValue = json.loads(text, parse_int=_number)
    except ValueError as error:
        raise ValueError(f"not JSON, at character {getattr(error, 'pos', 0)}") from None
    return value


def _number(digits: str) -> int | float:
    # Python refuses to make an int of thousands of digits.
    return int(digits) if len(digits) < 1000 else float(digits)


def _cut_off_depth(data: bytes) -> bytes:
    """The text with null in place of each value that lies deeper than `DEPTH`. Without recursion."""
    parts: list[bytes] = []
    depth = copied = 0
    for token in _TOKEN.finditer(data):
        character = token.group()[:1]
        if character == b'"':
            continue
        if character in _OPENING:
            depth += 1
            if depth == DEPTH + 1:
                parts.append(data[copied : token.start()])
        else:
            if depth == DEPTH + 1:
                parts.append(b"null")
                copied = token.end()
            depth -= 1
    if depth > DEPTH:
        return data[:0]  # it ends inside of what was cut off
    return b"".join((*parts, data[copied:]))
