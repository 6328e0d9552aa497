"""What the conditions of a `match` become in APISIX, and what two of them have in common."""

import ipaddress

from pydantic import JsonValue

from echoroute.api.match import Match
from echoroute.api.matchers import CookieMatch, HeaderMatch, ValueMatch


def priority(match: Match) -> int:
    """The priority in force: as it is written, else the number of conditions, so that the specific route wins.

    APISIX itself lets the route win that it happened to see first.
    """
    if match.priority is not None:
        return match.priority
    return len(_value_matches(match)) + bool(match.remote_addrs) + bool(match.vars)


def expression(match: Match) -> list[JsonValue]:
    """The conditions as one expression of lua-resty-expr, all of which must hold; empty where there are none."""
    compiled = conditions(_value_matches(match))
    raw = match.vars or []
    if not compiled or not raw:
        return compiled or list(raw)
    # A list of comparisons goes on; one with AND or OR in front is one of them.
    return [*compiled, *raw] if isinstance(raw[0], list) else [*compiled, list(raw)]


def conditions(matches: tuple[ValueMatch, ...]) -> list[JsonValue]:
    """Conditions on headers, query arguments and cookies as comparisons, one for each."""
    return [_comparison(match) for match in matches]


def address(text: str) -> str:
    """An address or a CIDR block as it is compared: the network of an address in it, IPv6 in its short form."""
    if "/" in text:
        return str(ipaddress.ip_network(text, strict=False))
    return str(ipaddress.ip_address(text))


def _value_matches(match: Match) -> tuple[ValueMatch, ...]:
    return (*(match.headers or ()), *(match.queries or ()), *(match.cookies or ()))


def _comparison(match: ValueMatch) -> JsonValue:
    values: list[JsonValue] = list(match.values or ())
    operators: dict[str, list[JsonValue]] = {
        "Exact": ["==", match.value],
        "NotEqual": ["~=", match.value],
        "Regex": ["~~", match.value],
        "NotRegex": ["!", "~~", match.value],
        "In": ["in", values],
        "NotIn": ["!", "in", values],
        "Exists": ["~=", None],
        "Absent": ["==", None],
    }
    return [_variable(match), *operators[match.op]]


def _variable(match: ValueMatch) -> str:
    """The name of APISIX's variable."""
    name = match.compared_name()
    if isinstance(match, HeaderMatch):
        return f"http_{name.replace('-', '_')}"
    return f"{'cookie' if isinstance(match, CookieMatch) else 'arg'}_{name}"
