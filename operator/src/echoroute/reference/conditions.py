"""What each op says of a request: a table of docs/echoroute.md. tests/contract asks a gateway for each cell."""

from dataclasses import dataclass
from typing import get_args

from pydantic import JsonValue

from echoroute.api.matchers import OF_ONE, OF_SOME, Op
from echoroute.reference.tables import table

NAME = "q"
"""Of the header, the argument or the cookie that is asked for."""


def _condition(op: str) -> dict[str, JsonValue]:
    condition: dict[str, JsonValue] = {"name": NAME, "op": op}
    if op in OF_ONE:
        condition["value"] = "a"
    elif op in OF_SOME:
        condition["values"] = ["a", "b"]
    return condition


OPS = {op: _condition(op) for op in get_args(Op)}
"""The conditions that the columns are about, by op."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: what of it matters, as headers and query, and the ops that hold for it."""

    headers: tuple[tuple[str, str], ...]
    query: str
    holds: frozenset[str]

    def __str__(self) -> str:
        lines = [f"`{f'{name}: {value}'.strip()}`" for name, value in self.headers]
        return ", ".join(lines) if lines else f"`{self.query}`" if self.query else "nothing"


_ABSENT = "NotEqual NotRegex NotIn Absent"
_IS_A = "Exact Regex In Exists"
_IS_B = "NotEqual NotRegex In Exists"
_OTHER = "NotEqual NotRegex NotIn Exists"
_HAS_A = "NotEqual Regex NotIn Exists"


def _headers(*lines: tuple[str, str], holds: str) -> Sent:
    return Sent(lines, "", frozenset(holds.split()))


def _query(query: str, holds: str) -> Sent:
    return Sent((), query, frozenset(holds.split()))


def _cookie(*lines: str, holds: str) -> Sent:
    return _headers(*(("Cookie", line) for line in lines), holds=holds)


SENT: dict[str, tuple[Sent, ...]] = {
    "headers": (
        _headers(holds=_ABSENT),
        _headers((NAME, "a"), holds=_IS_A),
        _headers((NAME.upper(), "a"), holds=_IS_A),
        _headers((NAME, "bab"), holds=_HAS_A),
        _headers((NAME, "A"), holds=_OTHER),
        _headers((NAME, ""), holds=_OTHER),
        _headers((NAME, "a"), (NAME, "b"), holds=_HAS_A),
        _headers((NAME, "a"), (NAME, "a"), holds=_HAS_A),
    ),
    "queries": (
        _query("", holds=_ABSENT),
        _query("?q=a", holds=_IS_A),
        _query("?Q=a", holds=_ABSENT),
        _query("?q=%61", holds=_IS_A),
        _query("?q=A", holds=_OTHER),
        _query("?q", holds=_OTHER),
        _query("?q=", holds=_OTHER),
        _query("?q=a&q=b", holds=_IS_A),
        _query("?q=b&q=a", holds=_IS_B),
    ),
    "cookies": (
        _cookie(holds=_ABSENT),
        _cookie("q=a", holds=_IS_A),
        _cookie("Q=a", holds=_ABSENT),
        _cookie("q=A", holds=_OTHER),
        _cookie('q="a"', holds=_HAS_A),
        _cookie("q=", holds=_OTHER),
        _cookie("q", holds=_ABSENT),
        _cookie("q=b; q=a", holds=_IS_A),
        _cookie("q=a", "q=b", holds=_IS_B),
    ),
}
"""Requests by the field that looks at them."""


def conditions() -> str:
    """The table: a row for each request, a column for each op."""
    heads = (f"{op} {_operand(condition)}".rstrip() for op, condition in OPS.items())
    rows = (
        (field, str(sent), *("yes" if op in sent.holds else "no" for op in OPS))
        for field, all_sent in SENT.items()
        for sent in all_sent
    )
    return "\n".join(table(f"| | sent | {' | '.join(heads)} |", rows))


def _operand(condition: dict[str, JsonValue]) -> str:
    if "value" in condition:
        return f"`{condition['value']}`"
    values = condition.get("values")
    return f"`[{', '.join(map(str, values))}]`" if isinstance(values, list) else ""
