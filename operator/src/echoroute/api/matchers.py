"""Conditions on a header, a query argument or a cookie of a request: `{name, op, value | values}`."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from echoroute.api.expressions import BROKEN
from echoroute.api.headers import normalised
from echoroute.api.regex import flaw
from echoroute.api.rules import LIST_TYPE, NULLABLE, Rule, Rules, SpecModel, Unique, requires
from echoroute.api.scalars import HEADER_NAME, MatchedText

Op = Literal["Exact", "NotEqual", "Regex", "NotRegex", "In", "NotIn", "Exists", "Absent"]
OF_ONE = ("Exact", "NotEqual", "Regex", "NotRegex")
"""The ops with a `value`."""
OF_SOME = ("In", "NotIn")
"""The ops with `values`."""
PATTERNS = ("Regex", "NotRegex")


def _has_its_operand(match: "ValueMatch") -> bool:
    return (match.value is not None) == (match.op in OF_ONE)


def _has_its_operands(match: "ValueMatch") -> bool:
    return (match.values is not None) == (match.op in OF_SOME)


class ValueMatch(SpecModel):
    """What the three kinds have in common."""

    rules: ClassVar[tuple[Rule["ValueMatch"], ...]] = (
        Rule["ValueMatch"](
            f"has(self.value) == (self.op in {list(OF_ONE)})",
            "must be there with the ops Exact, NotEqual, Regex and NotRegex, and with no other",
            "value",
            holds=_has_its_operand,
        ),
        Rule["ValueMatch"](
            f"has(self.values) == (self.op in {list(OF_SOME)})",
            "must be there with the ops In and NotIn, and with no other",
            "values",
            holds=_has_its_operands,
        ),
    )

    name: str
    op: Op = Field(
        description="How it is compared: Exact, NotEqual; Regex, NotRegex (PCRE, searched for: `^` and `$` bind it); "
        "In, NotIn (a list); Exists, Absent. Letter case of values counts. NotEqual, NotRegex and NotIn also hold "
        "where there is none."
    )
    value: MatchedText | None = Field(default=None, description="For Exact, NotEqual, Regex and NotRegex.")
    values: Annotated[tuple[MatchedText, ...], Field(strict=False, min_length=1, max_length=32), Unique()] | None = (
        Field(default=None, description="For In and NotIn: one of these.")
    )

    def compared_name(self) -> str:
        """The name as the gateway compares it."""
        return self.name

    @model_validator(mode="after")
    def _refuse_broken_pattern(self) -> Self:
        """The gateway takes one: it never matches, and with NotRegex always."""
        wrong = flaw(self.value) if self.value is not None and self.op in PATTERNS else None
        if wrong is not None:
            raise PydanticCustomError("rules", BROKEN, {"broken": (("value", f"{BROKEN}: {wrong}"),)})
        return self


def _never(pattern: str, message: str) -> Rule[ValueMatch]:
    """A rule about texts that the gateway never sees: a condition on one would mean nothing. Patterns may hold them."""
    search = re.compile(pattern).search

    def holds(match: ValueMatch) -> bool:
        texts = (match.value or "", *(match.values or ()))
        return match.op in PATTERNS or not any(map(search, texts))

    return Rule(
        f"self.op in {list(PATTERNS)} || (!(has(self.value) && self.value.matches(r'{pattern}'))"
        f" && !(has(self.values) && self.values.exists(text, text.matches(r'{pattern}'))))",
        message,
        holds=holds,
    )


class HeaderMatch(ValueMatch):
    """A condition on a request header. One that is given twice is compared as one text, joined by `, `."""

    rules = (
        *ValueMatch.rules,
        _never("^ | $", "must have no blank at either end of a header's value: HTTP takes them away"),
    )

    name: Annotated[
        str,
        Field(min_length=1, max_length=128),
        Rules(
            requires(
                "[0-9A-Za-z_-]+",
                "must be a header's name of letters, digits, '-' and '_': the gateway drops headers with other names",
            )
        ),
    ] = Field(description="Name of the header, in any letter case; `_` and `-` are the same.")

    def compared_name(self) -> str:
        """The name as the gateway compares it."""
        return normalised(self.name)


class QueryMatch(ValueMatch):
    """A condition on a query argument, decoded. Of one that is given twice the first counts."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=128),
        Rules(
            requires(
                r"[0-9A-Za-z_.~:@$!,;*()\[\]-]+",
                "must be an argument's name, decoded, of letters, digits and _ . ~ : @ $ ! , ; * ( ) [ ] -",
            )
        ),
    ] = Field(description="Name of the argument; letter case counts.")


class CookieMatch(ValueMatch):
    """A condition on a cookie. Of one that is given twice the last counts."""

    rules = (
        *ValueMatch.rules,
        _never("[ ;]", "must have no blank and no ';' in a cookie's value: the gateway ends the value there"),
    )

    name: Annotated[
        str,
        Field(min_length=1, max_length=128),
        Rules(
            # A double-quoted CEL string, since the pattern has a single quote.
            Rule(
                f'self.matches(r"^{HEADER_NAME}$")',
                "must be a cookie's name such as 'session', without '=', ';' or blanks",
                holds=lambda name: re.fullmatch(HEADER_NAME, name) is not None,
            )
        ),
    ] = Field(description="Name of the cookie; letter case counts.")


_MOST = 16
"""Of one kind: each costs the gateway some microseconds of each request that comes to the route's host and path."""

_Match = TypeVar("_Match", bound=ValueMatch)


def _are_distinct(matches: tuple[ValueMatch, ...]) -> bool:
    return len({(match.compared_name(), match.op, match.value, match.values) for match in matches}) == len(matches)


def _distinct(name: str) -> Rule[tuple[_Match, ...]]:
    """`name` is the name of `{0}` as CEL compares it."""
    value, values = "(has({0}.value) ? {0}.value : '')", "(has({0}.values) ? {0}.values : [])"
    same = " && ".join(f"{part.format('one')} == {part.format('other')}" for part in (name, "{0}.op", value, values))
    return Rule(
        f"self.all(one, self.exists_one(other, {same}))",
        "must have each condition once",
        holds=_are_distinct,
    )


_AS_IT_IS = "{0}.name"
_IN_ANY_CASE = "{0}.name.lowerAscii().replace('_', '-')"
_Some = Field(strict=False, min_length=1, max_length=_MOST, json_schema_extra={LIST_TYPE: "atomic"})
_Few = Field(strict=False, min_length=1, max_length=8, json_schema_extra={LIST_TYPE: "atomic"})
"""In each rule of a canary: the API server's budget for judging them is for all rules."""

HeaderMatches = Annotated[tuple[HeaderMatch, ...], _Some, Rules(_distinct(_IN_ANY_CASE))]
QueryMatches = Annotated[tuple[QueryMatch, ...], _Some, Rules(_distinct(_AS_IT_IS))]
CookieMatches = Annotated[tuple[CookieMatch, ...], _Some, Rules(_distinct(_AS_IT_IS))]

FewHeaderMatches = Annotated[tuple[HeaderMatch, ...], _Few, Rules(_distinct(_IN_ANY_CASE))]
FewQueryMatches = Annotated[tuple[QueryMatch, ...], _Few, Rules(_distinct(_AS_IT_IS))]
FewCookieMatches = Annotated[tuple[CookieMatch, ...], _Few, Rules(_distinct(_AS_IT_IS))]


def _all_hold(what: str) -> Any:
    return Field(default=None, json_schema_extra=NULLABLE, description=f"Conditions on {what}, all of which must hold.")


OF_HEADERS, OF_QUERIES, OF_COOKIES = map(_all_hold, ("request headers", "query arguments", "cookies"))
