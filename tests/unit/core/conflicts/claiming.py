"""Claims of a few EchoRoutes, and who of them has lost."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from echoroute.core.apart import demands
from echoroute.core.claims import ANY_HOST, Claim
from echoroute.core.conflicts import Claims
from echoroute.core.objects import Key

A, B, C, D = (Key("shop", name) for name in "abcd")
X = Key("lab", "x")
START = datetime(2026, 1, 1, tzinfo=UTC)


def claim(
    age: int,
    *paths: str,
    host: str = ANY_HOST,
    priority: int = 0,
    methods: str = "",
    conditions: bytes = b"",
    version: str = "",
) -> Claim:
    """A claim created at second `age`: a smaller one is older. It may want one `version` of the requests."""
    pairs = tuple((host, path) for path in paths or ("/",))
    wants = demands({"vars": [["http_x_version", "==", version]]} if version else {})
    form = conditions or version.encode()
    return Claim(START + timedelta(seconds=age), pairs, priority, frozenset(methods.split()), form, wants)


def judged(
    claims: dict[Key, Claim],
    serving: dict[Key, Claim] | None = None,
    programmed: Collection[Key] = (),
    accepted: Collection[Key] = (),
) -> Claims:
    """All claims at a start, with what the gateway was found to serve."""
    all_ = Claims()
    for key, one in claims.items():
        assert all_.want(key, one) == set(), "nothing is decided before the gateway is known"
    all_.seed(serving or {}, programmed, accepted)
    return all_


def losers(all_: Claims) -> set[Key]:
    return {key for key in (A, B, C, D, X) if all_.conflict(key)}


def winner(all_: Claims, key: Key) -> Key | None:
    lost = all_.conflict(key)
    return lost.winner if lost else None
