"""Header changes of a rewrite. Values may be credentials: rules stand on the whole map, so no message shows one."""

import re
from typing import Annotated

from pydantic import Field

from echoroute.api import variables
from echoroute.api.rules import NULLABLE, Rule, Rules, SpecModel, Unique, some_of
from echoroute.api.scalars import HEADER_NAME, REFERENCE, REFERENCE_CEL, HeaderName

Headers = dict[str, str]

# Headers that say how a message is framed, or which connection it takes: whoever sets or removes one makes the gateway
# and the backend read different requests from one connection.
MESSAGE_HEADERS = (
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
)  # fmt: skip


def is_message_header(name: str) -> bool:
    """Whether a header belongs to the message itself; letter case does not count, and `_` is `-`."""
    return normalised(name) in MESSAGE_HEADERS


def normalised(name: str) -> str:
    """A header's name as the gateway compares it."""
    return name.lower().replace("_", "-")


_IN_CEL = ".lowerAscii().replace('_', '-') in %s"
_IS_MESSAGE_HEADER_CEL = _IN_CEL % list(MESSAGE_HEADERS)
_MESSAGE_HEADER = (
    "must not have a header of the message itself (Connection, Content-Length, Expect, Host, Keep-Alive, "
    "Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade): the gateway sets these; for Host write rewrite.host"
)

# nginx sets the one and appends to the other after all plugins.
_OVERWRITTEN = ("x-real-ip", "x-forwarded-for")

_header_name = re.compile(HEADER_NAME).fullmatch
_control = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search


def _names_differ(headers: Headers) -> bool:
    return len({name.lower() for name in headers}) == len(headers)


HeaderMap = Annotated[
    dict[str, Annotated[str, Field(max_length=4096, json_schema_extra=NULLABLE)]],
    Field(min_length=1, max_length=32),
    Rules[Headers](
        Rule(
            "self.all(name, dyn(self[name]) != null)",
            "must have a value for each header, not null; leave the header out, or write ''",
            holds=lambda headers: None not in headers.values(),
        ),
        Rule(
            f'self.all(name, name.size() <= 128 && name.matches(r"^{HEADER_NAME}$"))',
            "must have header names such as 'X-Request-Id' as keys, without ':' or blanks, of at most 128 characters",
            holds=lambda headers: all(len(name) <= 128 and _header_name(name) for name in headers),
        ),
        Rule(
            "self.all(name, !self.exists(other, other != name && other.lowerAscii() == name.lowerAscii()))",
            "must have each header once: names that differ in letter case only are the same header",
            holds=_names_differ,
        ),
        Rule(
            f"!self.exists(name, name{_IS_MESSAGE_HEADER_CEL})",
            _MESSAGE_HEADER,
            holds=lambda headers: not any(map(is_message_header, headers)),
        ),
        Rule(
            f"!self.exists(name, name{_IN_CEL % list(_OVERWRITTEN)})",
            "must not have X-Real-IP or X-Forwarded-For: the gateway writes the client's address there after this; "
            "remove: [X-Forwarded-For] drops what the client sent",
            holds=lambda headers: all(normalised(name) not in _OVERWRITTEN for name in headers),
        ),
        Rule(
            r"self.all(name, dyn(self[name]) == null || !self[name].matches(r'[\x00-\x08\x0a-\x1f\x7f]'))",
            "must have no control characters in its values",
            holds=lambda headers: all(_control(value) is None for value in headers.values()),
        ),
        Rule(
            f"self.all(name, dyn(self[name]) == null || !self[name].matches(r'{REFERENCE_CEL}'))",
            "must have no reference to the gateway's environment or secrets ('$env://', '$secret://') in its values",
            holds=lambda headers: all(REFERENCE.search(value) is None for value in headers.values()),
        ),
        Rule(
            f"self.all(name, dyn(self[name]) == null || self[name].matches(r'^{variables.HEADER_VALUE_CEL}$'))",
            variables.HEADER_VALUE_MESSAGE,
            holds=lambda headers: not any(variables.unknown(value, groups=True) for value in headers.values()),
        ),
    ),
]


class HeaderRewrite(SpecModel):
    """Changes to the request's headers before it goes to the backend: at least one of set, add and remove."""

    rules = (some_of("set", "add", "remove"),)

    set: HeaderMap | None = Field(
        default=None,
        json_schema_extra=NULLABLE,
        description="Headers to set, in place of what the client sent, by name. Values may use APISIX's variables "
        "(`$remote_addr`) and the captures of `rewrite.regex` (`$1`).",
    )
    add: HeaderMap | None = Field(
        default=None,
        description="Headers to add beside what the client sent, by name. Values as in `set`.",
    )
    remove: (
        Annotated[
            tuple[HeaderName, ...],
            Field(strict=False, min_length=1, max_length=32),
            Unique(),
            Rules[tuple[str, ...]](
                Rule(
                    f"!self.exists(name, name{_IS_MESSAGE_HEADER_CEL})",
                    _MESSAGE_HEADER,
                    holds=lambda names: not any(map(is_message_header, names)),
                )
            ),
        ]
        | None
    ) = Field(default=None, json_schema_extra=NULLABLE, description="Names of headers to take away.")
