"""What one EchoRoute may cost: refused by name, whatever its shape, without recursion and in little time."""

import pytest
from echoroute.core.budget import MAX_BYTES, MAX_DEPTH, MAX_DOLLARS, MAX_KEY_LENGTH, MAX_VALUES, over_budget
from pydantic import JsonValue


def nested(levels: int, *, lists: bool = True) -> JsonValue:
    value: JsonValue = "x"
    for _ in range(levels):
        value = [value] if lists else {"a": value}
    return value


def plugins(value: JsonValue) -> dict[str, JsonValue]:
    return {"match": {"paths": ["/a"]}, "plugins": {"echo": value}}


def conditions(*patterns: str) -> dict[str, JsonValue]:
    return {"match": {"headers": [{"name": "X", "op": "NotRegex", "value": pattern} for pattern in patterns]}}


def expression(comparison: JsonValue) -> dict[str, JsonValue]:
    return {"match": {"vars": [comparison]}}


@pytest.mark.parametrize(
    ("spec", "problem", "why"),
    [
        (plugins({"a": "b"}), None, "an ordinary one"),
        (plugins(nested(MAX_DEPTH - 2)), None, "as deep as it may be"),
        (plugins(nested(MAX_DEPTH - 1)), "spec.plugins.echo[0][0]", "a level more"),
        (plugins(nested(5_000)), "nested deeper than 16 levels", "deeper than any stack"),
        (plugins(nested(5_000, lists=False)), "spec.plugins.echo.a.a", "the same with objects"),
        (plugins([0] * (MAX_VALUES - 6)), None, "as many values as there may be"),
        (plugins([0] * MAX_VALUES), "more than 2,000 values", "too many in one list"),
        (plugins([[0] * 10] * 200), "more than 2,000 values", "too many in many lists"),
        (plugins({str(number): 0 for number in range(2_000)}), "more than 2,000 values", "too many members"),
        (plugins({"k" * MAX_KEY_LENGTH: 1}), None, "as long a key as there may be"),
        (plugins({"k" * (MAX_KEY_LENGTH + 1): 1}), "spec.plugins.echo: has a key of 257 characters", "a longer one"),
        (plugins("x" * (MAX_BYTES - 100)), None, "nearly as many bytes as there may be"),
        (plugins("x" * MAX_BYTES), "spec: is larger than 64 KiB", "too many bytes"),
        (plugins("ü" * (MAX_BYTES // 2)), "spec: is larger than 64 KiB", "bytes count, and not characters"),
        (plugins("\ud800"), "spec.plugins.echo: has half a character", "JSON can write one, and UTF-8 cannot"),
        (plugins(["\U0001f600", "a\udc00"]), "spec.plugins.echo[1]: has half", "the other half; both together are one"),
        (plugins({"a\ud800": 1}), "spec.plugins.echo: has a key that has half", "a key"),
        (plugins({"k" * 300 + "\ud800": 1}), "has a key of 301 characters", "which is not shown"),
        ({"match": {"vars": [["arg_a", "==", "\ud83d"]]}}, "spec.match.vars[0][2]: has half", "in an expression"),
        (
            plugins({"a": 12345678901234, "b": 0.1, "c": 1e20, "d": -1.5e-9, "e": True}),
            None,
            "numbers that APISIX keeps",
        ),
        (plugins({"a": 123456789012345}), "spec.plugins.echo.a: is a number", "15 digits: stored as another number"),
        (plugins({"a": [0.123456789012345]}), "spec.plugins.echo.a[0]: is a number", "behind the point, too"),
        (plugins({"a": 10**400}), "spec.plugins.echo.a: is a number", "more than a float holds"),
        (plugins({"a": float("nan")}), "spec.plugins.echo.a: is a number", "YAML has numbers that JSON has not"),
        (plugins({"a": float("inf")}), "spec.plugins.echo.a: is a number", "the same"),
        ([1, 2], None, "no object: of another rule, too"),
        (conditions("(a)" * 341, "b" * 1024), None, "as long patterns as there may be"),
        (conditions("b" * 1024, "b" * 1025), "up to spec.match.headers[0]; leave", "a character more"),
        (expression(["arg_a", "!", "~~", "a" * 2_049]), "spec: has conditions with regular expr", "in an expression"),
        (expression(["OR", *[["arg_a", "~*", "a" * 700]] * 3]), "characters in all", "in any of its parts"),
        (plugins({"_meta": {"filter": [["arg_a", "~~", "a" * 2_049]]}}), "spec.plugins.echo._meta.filter[0]", "any"),
        (expression(["arg_a", "==", "a" * 9_000]), None, "a text is no pattern"),
        (expression(["remote_addr", "ipmatch", ["10.0.0.0/8"] * 204]), None, "as many addresses as there may be"),
        (expression(["remote_addr", "IPmatch", ["10.0.0.0/8"] * 205]), "and addresses of more than", "one more"),
        (plugins("$" * MAX_DOLLARS), None, "as many variables as there may be"),
        (plugins(["$"] * 25 + ["$arg_a"] * 1_000), "spec: has '$' more than 1,024 times", "one more, wherever it is"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_what_is_over_budget(spec: JsonValue, problem: str | None, why: str) -> None:
    found = over_budget(spec)
    if problem is None:
        assert found is None, why
    else:
        assert found is not None, why
        assert problem in found, why
        assert len(found) < 400, "a message is no copy of the spec"
