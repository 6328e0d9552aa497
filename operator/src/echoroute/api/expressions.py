"""Expressions of lua-resty-expr, as `match.vars`, the `vars` of plugins and `_meta.filter` take them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema

from echoroute.api.regex import flaw
from echoroute.api.rules import LIST_TYPE, problem
from echoroute.api.scalars import REFERENCE, is_client_address
from echoroute.api.variables import ANSWER_FAMILIES, FAMILIES, KNOWN, OF_ANSWERS, is_of

LOGIC = frozenset({"AND", "OR", "!AND", "!OR"})
_NUMERIC = frozenset({">", ">=", "<", "<="})
REGEX = frozenset({"~~", "~*"})
IPMATCH = "ipmatch"
_OPERATORS = frozenset({"==", "~=", "in", "has", IPMATCH}) | _NUMERIC | REGEX
_NEGATED = 4  # items of ["arg_a", "!", "==", "1"]
_DEEPEST = 4
_MOST = 64
_LONGEST = 1024
_variable = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}").fullmatch
# Plugins compare these when the answer is there, beside what a request comes with.
_NAMES = KNOWN | OF_ANSWERS
_FAMILIES = (*FAMILIES, *ANSWER_FAMILIES)
# Others may be a number or true, at which APISIX's code fails.
_may_be_an_address = re.compile(r"(?:remote|realip_remote|server)_addr|(?:http|cookie)_.*").fullmatch
_control = re.compile(r"[\x00-\x1f\x7f-\x9f]").search

BROKEN = "must have a regular expression (PCRE) that is not broken, or the gateway matches otherwise without a word"
"""What is wrong with a pattern where nothing else would tell."""

_FORM = (
    "must be a list of comparisons such as [[\"arg_a\", \"==\", \"1\"]], or of 'AND', 'OR', '!AND' or '!OR' and two or "
    "more of them"
)


def _check(expression: list[JsonValue]) -> list[JsonValue]:
    """Refuses what the gateway would refuse, or fail at with each request. Raises `PydanticCustomError`."""
    waiting: list[tuple[JsonValue, int]] = [(expression, 0)]
    comparisons = 0
    while waiting:
        item, depth = waiting.pop()
        if not isinstance(item, list) or not item or depth > _DEEPEST:
            raise problem(f"{_FORM}, at most {_DEEPEST} levels deep")
        first = item[0]
        if isinstance(first, str) and first.upper() not in LOGIC and depth:
            _check_comparison(item)
            comparisons += 1
        else:
            waiting += [(part, depth + 1) for part in _parts(item)]
        if comparisons > _MOST or len(waiting) > _MOST:
            raise problem(f"must have at most {_MOST} comparisons")
    return expression


def _parts(item: list[JsonValue]) -> list[JsonValue]:
    if isinstance(item[0], list):
        return item
    if isinstance(item[0], str) and item[0].upper() in LOGIC and len(item) > 2:
        return item[1:]
    raise problem(_FORM)


def _check_comparison(item: list[JsonValue]) -> None:
    negated = len(item) == _NEGATED and item[1] == "!"
    if not negated and len(item) != _NEGATED - 1:
        raise problem('must have comparisons of a variable, an operator and a value, such as ["arg_a", "==", "1"]')
    name, operator, value = item[0], item[-2], item[-1]
    if not isinstance(name, str) or _variable(name) is None:
        raise problem("must compare variables such as arg_a: a letter, then letters, digits, '_', '.' and '-'; no '$'")
    if name not in _NAMES and not is_of(_FAMILIES, name):
        raise problem(
            "must compare variables of a request or its answer, such as arg_a, http_x_id, cookie_a, uri, host, "
            "remote_addr, request_method or status: others are not open, or never match"
        )
    if not isinstance(operator, str) or operator.lower() not in _OPERATORS:
        raise problem(f"must have operators of {', '.join(sorted(_OPERATORS))}, with '!' in front to negate")
    if operator.lower() == IPMATCH and _may_be_an_address(name) is None:
        raise problem(
            "must have ipmatch with remote_addr, realip_remote_addr, server_addr, a header or a cookie: others fail"
        )
    if isinstance(value, str) and operator.lower() in REGEX and (wrong := flaw(value)) is not None:
        raise problem(f"{BROKEN}: {wrong}")
    if not _fits(operator.lower(), value):
        raise problem(f"must have a value that '{operator}' can compare with, of at most {_LONGEST} characters")


def _fits(operator: str, value: JsonValue) -> bool:
    if operator in {"in", IPMATCH}:
        items = value if isinstance(value, list) else [value] if operator == IPMATCH else []
        return 0 < len(items) <= _MOST and all(
            isinstance(x, str) and is_client_address(x) if operator == IPMATCH else _is_scalar(x) for x in items
        )
    if operator in REGEX:
        return isinstance(value, str) and _is_scalar(value)
    if operator in _NUMERIC:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return _is_scalar(value) or (value is None and operator in {"==", "~="})


def _is_scalar(value: JsonValue) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST and _control(value) is None and REFERENCE.search(value) is None
    return isinstance(value, int | float)


Expression = Annotated[
    list[JsonValue],
    Field(min_length=1, max_length=_MOST),
    AfterValidator(_check),
    WithJsonSchema(
        {
            "type": "array",
            "title": "expression",
            "minItems": 1,
            "maxItems": _MOST,
            LIST_TYPE: "atomic",
            "items": {"additionalProperties": True},  # lists of texts, numbers and lists: CEL cannot look into it
        }
    ),
]
"""`[[variable, operator, value], ...]`, all of which hold, or with AND and OR in front, at most four levels deep."""
