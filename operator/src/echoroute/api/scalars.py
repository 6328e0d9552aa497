"""The scalar types of an EchoRoute: strings with their bounds and rules."""

import ipaddress
import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from echoroute.api import durations, variables
from echoroute.api.rules import NoNumber, Rule, Rules, forbids, problem, requires

_NO_CONTROL_CHARACTERS = forbids(r"[\x00-\x1f\x7f]", "must have no control characters")

# APISIX replaces such a string in a plugin's config by a value from the gateway's environment or secret manager, in any
# letter case: an application team would read what belongs to the platform. What is rare comes first, and then what must
# stand before it.
REFERENCE = re.compile(r"://(?:(?<=\$env://)|(?<=\$secret://))", re.IGNORECASE)
REFERENCE_CEL = r"(?i)\$(env|secret)://"
_REFERENCE_MESSAGE = "must have no reference to the gateway's environment or secrets ('$env://', '$secret://')"
_NO_REFERENCE: Rule[str] = Rule(
    f"!self.matches(r'{REFERENCE_CEL}')", _REFERENCE_MESSAGE, holds=lambda text: REFERENCE.search(text) is None
)

# What holds for any path that is compared with a request's: nginx decodes it, merges slashes and resolves dots first.
_STARTS_WITH_SLASH: Rule[str] = Rule(
    "self.startsWith('/')", "must start with '/'", holds=lambda path: path.startswith("/")
)
_NO_ENCODING = forbids(
    "%[0-9A-Fa-f]{2}", "must be written decoded, since APISIX compares decoded paths: the character itself for %XX"
)
_NO_DOUBLE_SLASH: Rule[str] = Rule(
    "!self.contains('//')",
    "must have no '//': slashes are merged before APISIX compares; write '/'",
    holds=lambda path: "//" not in path,
)
_NO_DOT_SEGMENTS = forbids(
    r"/\.{1,2}(/|$)",
    "must have no '.' or '..' segments: they are resolved before APISIX compares; write the path without",
)
_NO_QUERY = forbids(
    r"[?#]", "must have no '?' or '#': a query is no part of the path, and a browser does not send what follows '#'"
)
_NO_BRACES = forbids(
    r"[{}]", "must have no '{…}', which APISIX takes for these characters; write a prefix such as '/users/*'"
)
_NORMALISED = (_STARTS_WITH_SLASH, _NO_ENCODING, _NO_DOUBLE_SLASH, _NO_DOT_SEGMENTS, _NO_CONTROL_CHARACTERS)

_NEVER_IN_A_PREFIX = r"[+()$^?\[|\\]"
_never_in_a_prefix = re.compile(_NEVER_IN_A_PREFIX).search

MatchPath = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    Rules(
        *_NORMALISED,
        _NO_QUERY,
        _NO_BRACES,
        Rule(
            "!self.contains('*') || self.indexOf('*') == self.size() - 1",
            "may have '*' only as its last character; write '/a/*', or one path for each",
            holds=lambda path: path.find("*") in {-1, len(path) - 1},
        ),
        Rule(
            "!self.contains('/:')",
            "must have no ':param' segments, which APISIX's router never matches; write a prefix such as '/users/*'",
            holds=lambda path: "/:" not in path,
        ),
        Rule(
            f"!self.endsWith('*') || !self.matches(r'{_NEVER_IN_A_PREFIX}')",
            r"must have none of + ( ) $ ^ ? [ | \ before the '*', or APISIX never matches it; "
            "write a shorter prefix, or exact paths",
            holds=lambda path: not path.endswith("*") or _never_in_a_prefix(path) is None,
        ),
    ),
]

PathPrefix = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    Rules(
        *_NORMALISED,
        Rule(
            "!self.endsWith('/')",
            "must not end with '/'; write '/api', which takes away '/api' and what is below it",
            holds=lambda path: not path.endswith("/"),
        ),
        Rule("!self.contains('*')", "must have no '*'; write '/api' for '/api/*'", holds=lambda path: "*" not in path),
    ),
]

# What is decoded: before 3.18 APISIX writes what they hold into the request line as it is.
_DECODED = r"[$][{]?\s*((uri|document_uri|request_filename|raw_uri|remote_user)\b|arg_|uri_param_)"
_decoded = re.compile(_DECODED).search
NOTHING_DECODED_IN_THE_QUERY: Rule[str] = Rule(
    f"!self.matches(r'[?].*{_DECODED}')",
    "must not put $uri, $arg_…, $uri_param_… or $remote_user into its query: each is decoded, and not each APISIX "
    "encodes a line break of the client's there; write $request_uri or $args, which are as the client sent them",
    # Not as one pattern, which would look through the rest from each '?'.
    holds=lambda path: _decoded(path.partition("?")[2]) is None,
)

RewritePath = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    Rules(
        _STARTS_WITH_SLASH,
        _NO_CONTROL_CHARACTERS,
        _NO_REFERENCE,
        NOTHING_DECODED_IN_THE_QUERY,
        Rule(
            f"self.matches(r'^{variables.PATH_CEL}$')",
            variables.PATH_MESSAGE,
            holds=lambda path: not variables.unknown(path, groups=False),
        ),
    ),
]
RegexPattern = Annotated[str, Field(min_length=1, max_length=1024), Rules(_NO_CONTROL_CHARACTERS, _NO_REFERENCE)]
RegexReplacement = Annotated[
    str,
    Field(max_length=1024),
    Rules(
        _NO_CONTROL_CHARACTERS,
        _NO_REFERENCE,
        requires(
            r"([^$]|[$][$]|[$][0-9]+|[$][{][0-9]+[}])*",
            "must have '$' only for a group ('$1', '${1}') or as '$$': APISIX knows no variables here",
        ),
    ),
]

MatchHost = Annotated[
    str,
    Field(min_length=1, max_length=253),
    Rules(
        requires(
            r"(\*\.)?[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*",
            "must be a host name such as 'api.example.com' or '*.example.com', without scheme, port or path; "
            "leave hosts out to match any",
        )
    ),
]
HostAndPort = Annotated[
    str,
    Field(min_length=1, max_length=259),
    Rules(
        requires(
            "[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*(:[0-9]{1,5})?",
            "must be a host name such as 'api.internal', with a port if need be ('api.internal:8080')",
        )
    ),
]

MatchedText = Annotated[str, Field(max_length=1024), Rules(_NO_CONTROL_CHARACTERS, _NO_REFERENCE)]
"""What a condition compares with."""


def is_client_address(text: str) -> bool:
    """As CEL's isIP and isCIDR have it, which are what Go's net/netip takes, less zones and IPv4-mapped addresses."""
    address, slash, length = text.partition("/")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if slash and (_bits(length) is None or int(length) > ip.max_prefixlen):
        return False
    return isinstance(ip, ipaddress.IPv4Address) or (ip.scope_id is None and ip.ipv4_mapped is None)


_bits = re.compile("0|[1-9][0-9]{0,2}").fullmatch

ClientAddress = Annotated[
    str,
    Field(min_length=2, max_length=49),
    Rules(
        Rule(
            "isIP(self) || isCIDR(self)",
            "must be an IP address or a CIDR block such as '10.0.0.0/8', without a zone and not IPv4-mapped",
            holds=is_client_address,
        )
    ),
]

HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # token of RFC 9110, 5.6.2
HeaderName = Annotated[
    str,
    Field(min_length=1, max_length=128),
    # A double-quoted CEL string, since the pattern has a single quote.
    Rules(
        Rule(
            f'self.matches(r"^{HEADER_NAME}$")',
            "must be a header's name such as 'X-Request-Id', without ':' or blanks",
            holds=lambda name: re.fullmatch(HEADER_NAME, name) is not None,
        )
    ),
]

ServiceName = Annotated[
    str,
    Field(min_length=1, max_length=256),
    Rules(
        requires("[0-9A-Za-z_./:+-]*", "must be the service's name in Consul: letters, digits and _ . / : + -"),
        forbids(r"(^|/)\.{1,2}(/|$)", "must have no '.' or '..' between slashes, which Consul's API takes for a path"),
    ),
]
Tag = Annotated[str, Field(min_length=1, max_length=256), Rules(_NO_CONTROL_CHARACTERS)]
MetaText = Annotated[str, Field(max_length=512), Rules(_NO_CONTROL_CHARACTERS)]
Datacenter = Annotated[
    str,
    Field(min_length=1, max_length=64),
    Rules(requires("[0-9A-Za-z_-]+", "must be a datacenter of Consul: letters, digits, '-' and '_'")),
]
RouteName = Annotated[
    str,
    Field(min_length=1, max_length=256),
    Rules(
        _NO_CONTROL_CHARACTERS,
        forbids(
            "/",
            "must have no '/', which the default names have (namespace/name): the gateway's metrics and logs would "
            "show another's route",
        ),
    ),
]
GatewayClass = Annotated[
    str,
    Field(min_length=1, max_length=63),
    Rules(requires("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "must be a name of lower-case letters, digits and '-'")),
]


def _duration(least: str, most: str, text: str) -> Rules[str]:
    low, high = durations.milliseconds(least), durations.milliseconds(most)
    well_formed = re.compile(durations.PATTERN).fullmatch
    return Rules(
        requires(durations.PATTERN, "must be a duration such as '6s', '500ms' or '1m30s'"),
        Rule(
            f"!self.matches(r'^({durations.PATTERN})$') || "
            f"(duration(self) >= duration('{least}') && duration(self) <= duration('{most}'))",
            text,
            holds=lambda value: well_formed(value) is None or low <= durations.milliseconds(value) <= high,
        ),
    )


_is_duration = re.compile(durations.PATTERN).fullmatch


_NO_UNIT = "must be a duration in quotes and with its unit, such as '6s'"


def _with_unit(value: object) -> object:
    if isinstance(value, int | float):
        raise problem(_NO_UNIT)
    return value


_Duration = Annotated[str, BeforeValidator(_with_unit), Field(max_length=durations.MAX_LENGTH)]
_no_number = NoNumber(_NO_UNIT)

# nginx counts timeouts in milliseconds; a day is far beyond any request and far below its 32 bits.
Timeout = Annotated[
    _Duration,
    _duration("1ms", "24h", "must be between 1ms and 24h"),
    _no_number,
]
TimeoutOrZero = Annotated[_Duration, _duration("0s", "24h", "must be at most 24h"), _no_number]
# A pool belongs to the address, whichever route it is reached by: idle connections are all routes' file descriptors.
IdleTimeout = Annotated[_Duration, _duration("0s", "1h", "must be at most 1h"), _no_number]

# Health checks: APISIX counts their intervals in whole seconds.
CheckTimeout = Annotated[_Duration, _duration("10ms", "1m", "must be between 10ms and 1m"), _no_number]
CheckInterval = Annotated[
    _Duration,
    _duration("1s", "1h", "must be between 1s and 1h"),
    Rules(
        Rule(
            f"!self.matches(r'^({durations.PATTERN})$') || duration(self).getMilliseconds() % 1000 == 0",
            "must be whole seconds, such as '5s'",
            holds=lambda value: not _is_duration(value) or durations.milliseconds(value) % 1_000 == 0,
        )
    ),
    _no_number,
]
# A check's request is put together as text.
CheckPath = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    Rules(
        _STARTS_WITH_SLASH,
        requires(
            r"[0-9A-Za-z/_.~!$&()*+,;=:@?%-]*",
            "must have only characters that a path in a URL has; write others encoded, as %20",
        ),
        _NO_REFERENCE,
    ),
]
