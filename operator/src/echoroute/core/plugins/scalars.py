"""The types of the fields of open plugins: each string says its alphabet and its length, each number its bounds."""

import ipaddress
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    with_config,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from echoroute.api import variables
from echoroute.api.headers import MESSAGE_HEADERS, is_message_header
from echoroute.api.rules import problem
from echoroute.api.scalars import REFERENCE

T = TypeVar("T")


def fields(model: type[T]) -> type[T]:
    """Decorates a TypedDict: no other fields than these, and no conversions."""
    return with_config(ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True))(model)


class Alphabet:
    """Annotates a string: the whole of it matches `pattern`, in what Python's `re` and JSON Schema have in common."""

    def __init__(self, pattern: str, problem: str) -> None:
        self._pattern = pattern
        self._problem = problem
        self._matches = re.compile(pattern).fullmatch

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self._pattern})$"}

    def _check(self, text: str) -> str:
        if self._matches(text) is None:
            raise problem(self._problem)
        return text


def _unique(items: list[T]) -> list[T]:
    if len(set(items)) < len(items):
        raise problem("must have each item once")
    return items


Unique = AfterValidator(_unique)
"""Annotates a list of strings: APISIX refuses the same one twice."""

_NO_CONTROL = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
_NO_CONTROL_PROBLEM = "must have no control characters"

Text = Annotated[
    str,
    Field(max_length=16_384),
    Alphabet(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*", "must have no control characters but line breaks and tabs"),
]
"""Text of some lines: the body of an answer."""

Message = Annotated[
    str,
    Field(min_length=1, max_length=1024, description="Text of the refusal."),
    Alphabet(_NO_CONTROL, _NO_CONTROL_PROBLEM),
]

Regex = Annotated[str, Field(min_length=1, max_length=1024), Alphabet(_NO_CONTROL, _NO_CONTROL_PROBLEM)]
"""A regular expression (PCRE), which the gateway judges; its `lua_regex_match_limit` bounds the work."""

Name = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Alphabet(r"[A-Za-z0-9_.-]+", "must be a name of letters, digits, '_', '.' and '-'"),
]
"""The name of a query argument, a cookie, a claim, a label or a Consumer."""

_MESSAGE_HEADER = f"must not be a header of the message itself ({', '.join(MESSAGE_HEADERS)}): the gateway sets these"


def _not_a_message_header(header: str) -> str:
    if is_message_header(header.partition(":")[0]):
        raise problem(_MESSAGE_HEADER)
    return header


NoMessageHeader = AfterValidator(_not_a_message_header)
"""Annotates a header's name, or `Name: value`: none that says how a message is framed."""


HeaderName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Alphabet(r"[A-Za-z0-9_-]+", "must be a header's name of letters, digits, '_' and '-'"),
    NoMessageHeader,
]
HeaderValue = Annotated[
    str,
    Field(max_length=4096),
    Alphabet(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*", "must have no control characters but tabs"),
]


def counted(most: int) -> BeforeValidator:
    """Annotates an object with free keys: refuses more members before it looks at one, or each were an error."""

    def check(value: T) -> T:
        if isinstance(value, dict) and len(value) > most:
            raise problem(f"must have at most {most} items")
        return value

    return BeforeValidator(check)


def resolved(unknown: Callable[[str], str], message: str) -> AfterValidator:
    """Annotates a text, or an object of texts, in which APISIX puts variables: `unknown` names one that it may not.

    References to secrets are refused anywhere, with a message of their own.
    """

    def check(value: T) -> T:
        texts = map(str, value.values() if isinstance(value, dict) else (value,))
        if any(REFERENCE.search(text) is None and unknown(text) for text in texts):
            raise problem(message)
        return value

    return AfterValidator(check)


OfRequest = resolved(partial(variables.unknown, groups=False), variables.TEXT_MESSAGE)
OfAnswer = resolved(partial(variables.unknown, groups=False, answer=True), variables.ANSWER_MESSAGE)

HeaderNames = Annotated[list[HeaderName], Field(min_length=1, max_length=32)]
Headers = Annotated[dict[HeaderName, HeaderValue], Field(min_length=1, max_length=32), counted(32)]
"""Name to value. A `$name` in a value is a variable of APISIX's: `resolved` says which."""


def _address(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise problem("must be an IP address or a CIDR block such as '10.0.0.0/8'") from None
    return text


Address = Annotated[
    str,
    Field(min_length=2, max_length=43),
    Alphabet(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?", "must be an IP address or a CIDR block such as '10.0.0.0/8'"),
    AfterValidator(_address),
]

RejectedCode = Annotated[int, Field(ge=200, le=599, description="Status of the refusal.")]

Realm = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Alphabet(r"[ !#-\[\]-~]+", "must be printable ASCII without '\"' and '\\'"),
]
"""What `WWW-Authenticate` says; the alphabet is APISIX's own."""
