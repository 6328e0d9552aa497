"""Durations as Go writes them."""

import pytest
from consul_init.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds", "why"),
    [
        ("2s", 2.0, "the usual form"),
        ("300ms", 0.3, "ms is not m followed by s"),
        ("1m30s", 90.0, "several units add up"),
        ("1.5h", 5400.0, "Go takes fractions"),
    ],
)
def test_parse(text: str, seconds: float, why: str) -> None:
    assert parse_duration(text) == pytest.approx(seconds), why


@pytest.mark.parametrize(
    ("text", "_why"),
    [
        ("10", "seconds or milliseconds? nobody can tell"),
        ("", "nothing"),
        ("2 s", "Go refuses space too"),
        ("s", "no number"),
        ("2s!", "something behind"),
        ("-2s", "no duration of ours is negative"),
        ("x2s", "something before"),
    ],
)
def test_refuse(text: str, _why: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


@pytest.mark.parametrize(("seconds", "text"), [(90.0, "90s"), (0.25, "250ms"), (1.0, "1s"), (1.5, "1500ms")])
def test_format(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds
