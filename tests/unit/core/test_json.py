"""Answers of which one object is odd: the others are read, and the odd one is what can be read of it."""

import json
import time

import pytest
from echoroute.core.json import DEPTH, parse


def page(middle: str) -> bytes:
    return f'{{"items": [{{"name": "a"}}, {{"name": "odd", "value": {middle}}}, {{"name": "c"}}]}}'.encode()


def nested(levels: int) -> str:
    return "[" * levels + '"]}\\""' + "]" * levels


@pytest.mark.parametrize("levels", [1, 90, 210, 300, 990, 1_500, 10_000, 200_000])
def test_one_deep_object_spoils_no_list(levels: int) -> None:
    answer = parse(page(nested(levels)))
    assert isinstance(answer, dict)
    items = answer["items"]
    assert isinstance(items, list)
    assert [item["name"] for item in items if isinstance(item, dict)] == ["a", "odd", "c"]
    depth, value = 0, items[1]
    while isinstance(value, dict | list):
        value = value["value"] if isinstance(value, dict) else value[0]
        depth += 1
    assert depth == min(levels + 1, DEPTH - 2) or levels < 200, "what is too deep for others is still too deep"


@pytest.mark.parametrize(
    ("middle", "value", "why"),
    [
        ('"\\ud800"', "\ud800", "half a character, as Lua would write it"),
        ("1" * 5_000, float("inf"), "a number of thousands of digits"),
        ("1e999", float("inf"), "a number that is none"),
        ('{"a": ' + nested(300) + "}", None, "deep within an object"),
    ],
)
def test_odd_values(middle: str, value: object, why: str) -> None:
    answer = parse(page(middle))
    assert isinstance(answer, dict)
    [_, odd, _] = answer["items"]  # type: ignore[misc]
    assert value is None or odd["value"] == value, why


def test_bytes_that_are_no_utf_8() -> None:
    answer = parse(page('"x"').replace(b'"x"', b'"\xff"'))
    assert json.dumps(answer, ensure_ascii=False).count("\N{REPLACEMENT CHARACTER}") == 1


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"{", b'{"a": "', page(nested(500))[:-80], b"[" * 5_000, b"]" * 5_000, b"{" * 300]
)
def test_what_is_no_json_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON") as caught:
        parse(data)
    assert "html" not in str(caught.value)


def test_an_unterminated_text_is_found_to_be_one_in_linear_time() -> None:
    began = time.perf_counter()
    with pytest.raises(ValueError, match="not JSON"):
        parse(b'["' + b"\\" * 999_999)
    assert time.perf_counter() - began < 5.0
