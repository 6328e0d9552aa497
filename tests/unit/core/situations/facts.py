"""An EchoRoute that is fine, what else may be true of it, and a situation with the conditions that it must have."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from echoroute.api.selection import Selection, Service
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import (
    Answered,
    BackendFacts,
    Facts,
    Failed,
    Lack,
    NotConfigured,
    Programmed,
    Refusal,
    Unanswered,
    Unreached,
)
from echoroute.core.reasons import Reason
from echoroute.core.status import Previous, parse_previous

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)

THERE = Lack(0.0, seen_before=True)
HEALTHY = Answered(healthy=2, total=3, lack_of_healthy=THERE, lack_of_any=THERE)
SICK = Answered(healthy=0, total=3, lack_of_healthy=Lack(GRACE, seen_before=True), lack_of_any=THERE)
NEVER_HEALTHY = Answered(healthy=0, total=3, lack_of_healthy=Lack(), lack_of_any=THERE)
ODD = ("'odd-1' has no address, and APISIX does not take its node's",)
ONLY_ODD = Answered(healthy=0, total=1, lack_of_healthy=Lack(), lack_of_any=THERE, unusable=ODD)
ODD_BESIDE = replace(HEALTHY, unusable=ODD, unusable_for=GRACE)
JUST_ODD_BESIDE = replace(ODD_BESIDE, unusable_for=GRACE - 1)
MISSED = Answered(
    healthy=0, total=0, lack_of_healthy=Lack(), lack_of_any=Lack(), missed="Consul has 'Cart'; write it so"
)
SKIPPED = replace(HEALTHY, healthy=0, total=1, missed="APISIX never discovers a service called 'consul'")
UNKNOWN_SERVICE = Answered(healthy=0, total=0, lack_of_healthy=Lack(), lack_of_any=Lack())
UNREACHABLE = Failed(Reason.GATEWAY_UNREACHABLE, "connect to apisix-admin:9180: refused")
UNAUTHORIZED = Failed(Reason.GATEWAY_UNAUTHORIZED, "the Admin API refuses the key")
REJECTED = Failed(Reason.GATEWAY_REJECTED, "property plugins.x is invalid")
FOREIGN = Failed(Reason.FOREIGN_OBJECT, "routes/abc belongs to somebody else")
INVALID = Refusal(Reason.INVALID, "spec.hosts[0]: is no host")
NOT_ALLOWED = Refusal(Reason.NOT_ALLOWED, "spec.plugins: serverless is not allowed")
FORBIDDEN = Refusal(Reason.FORBIDDEN_ADDRESS, "service 'cart' has an instance at an address that is forbidden")
NO_CONSUL = Refusal(Reason.CONSUL_NOT_CONFIGURED, "the operator is to resolve service 'cart' and has no Consul to ask")
NODES_UNKNOWN = Failed(Reason.REFS_NOT_RESOLVED, "Consul has not told the instances of service 'cart' yet")
CONFLICTED = Refusal(Reason.CONFLICTED, "/ belongs to EchoRoute a/b, which is older")
WITHDRAWN = replace(CONFLICTED, withdraws=True)
AWAY = Unreached(Reason.GATEWAY_UNREACHABLE, "connect to apisix-admin:9180: refused")


def cart(discovery: NotConfigured | Unanswered | Answered) -> tuple[BackendFacts, ...]:
    """The only backend, and what Consul says of it."""
    return (BackendFacts(Selection(Service("cart")), discovery),)


FINE = Facts(
    generation=3,
    route_id="0123abcd.shop.cart",
    enabled=True,
    refusal=None,
    gateway=Programmed(),
    in_gateway=True,
    backends=cart(HEALTHY),
)


def after(facts: Facts, previous: Previous | None = None, *, now: datetime = NOW) -> Previous:
    """The status before, as it was written for these facts."""
    return parse_previous(fold(facts, previous or Previous(), now=now).status)


@dataclass(frozen=True)
class Case:
    why: str
    facts: Facts
    accepted: str
    resolved: str
    programmed: str
    ready: str
    progress: str | None = None
    previous: Previous | None = None
    programmed_generation: int | None = None
    instances: Mapping[str, int] | None = None


TWO_OF_THREE = {"healthy": 2, "total": 3}
NONE_OF_THREE = {"healthy": 0, "total": 3}
NONE = {"healthy": 0, "total": 0}
OLD = after(replace(FINE, generation=2))
LONG_CONFLICTED = after(replace(FINE, refusal=CONFLICTED), OLD, now=NOW - timedelta(seconds=30))
ACCEPTED, RESOLVED, PROGRAMMED = "True/Accepted", "True/ResolvedRefs", "True/Programmed"
