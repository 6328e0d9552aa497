"""The situations of an EchoRoute, each of its own and in pairs, with the four conditions that each must have."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from echoroute.api.selection import Selection, Service
from echoroute.api.status import pending_status
from echoroute.core.conditions import GRACE, fold
from echoroute.core.facts import (
    Answered,
    Backend,
    Facts,
    Failed,
    Lack,
    NotConfigured,
    Programmed,
    Refusal,
    Unanswered,
    Unreached,
    Waiting,
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


def cart(discovery: NotConfigured | Unanswered | Answered) -> tuple[Backend, ...]:
    """The only backend, and what Consul says of it."""
    return (Backend(Selection(Service("cart")), discovery),)


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

SINGLE = (
    Case(
        "in the gateway, at least one healthy instance: all green",
        FINE,
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Ready",
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "switched off is what was asked for, so it is ready, and says why nothing serves",
        replace(FINE, enabled=False),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Disabled",
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "no healthy instance for the whole grace: the route answers 503",
        replace(FINE, backends=cart(SICK)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/NoHealthyInstances",
        previous=after(FINE),
        programmed_generation=3,
        instances=NONE_OF_THREE,
    ),
    Case(
        "never any healthy instance: there is nothing to be graceful about",
        replace(FINE, backends=cart(NEVER_HEALTHY)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/NoHealthyInstances",
        programmed_generation=3,
        instances=NONE_OF_THREE,
    ),
    Case(
        "a service that Consul does not know is most likely misspelt",
        replace(FINE, backends=cart(UNKNOWN_SERVICE)),
        ACCEPTED,
        "False/ServiceNotFound",
        PROGRAMMED,
        "False/ServiceNotFound",
        programmed_generation=3,
        instances=NONE,
    ),
    Case(
        "without a Consul nobody can say more, and that must not hold back Ready",
        replace(FINE, backends=cart(NotConfigured())),
        ACCEPTED,
        "Unknown/ConsulNotConfigured",
        PROGRAMMED,
        "True/Ready",
        programmed_generation=3,
    ),
    Case(
        "Consul not reachable, a new object: not known",
        replace(FINE, backends=cart(Unanswered())),
        ACCEPTED,
        "Unknown/ConsulUnreachable",
        PROGRAMMED,
        "Unknown/ConsulUnreachable",
        previous=parse_previous(pending_status()),
        programmed_generation=3,
    ),
    Case(
        "Consul not reachable, seen before: as it was, also the counts",
        replace(FINE, backends=cart(Unanswered())),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Ready",
        previous=after(FINE),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "Consul not reachable, without healthy instances before: still so",
        replace(FINE, backends=cart(Unanswered())),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/NoHealthyInstances",
        previous=after(replace(FINE, backends=cart(NEVER_HEALTHY))),
        programmed_generation=3,
        instances=NONE_OF_THREE,
    ),
    Case(
        "Consul not reachable, service unknown before: still so",
        replace(FINE, backends=cart(Unanswered())),
        ACCEPTED,
        "False/ServiceNotFound",
        PROGRAMMED,
        "False/ServiceNotFound",
        previous=after(replace(FINE, backends=cart(UNKNOWN_SERVICE))),
        programmed_generation=3,
        instances=NONE,
    ),
    Case(
        "nothing is said of the gateway before it has confirmed",
        replace(FINE, gateway=Waiting()),
        ACCEPTED,
        RESOLVED,
        "False/Pending",
        "False/Pending",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
        instances=TWO_OF_THREE,
    ),
    Case(
        "gateway not reachable, not yet written: in progress, the last written generation serves",
        replace(FINE, gateway=UNREACHABLE),
        ACCEPTED,
        RESOLVED,
        "False/GatewayUnreachable",
        "False/GatewayUnreachable",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
        instances=TWO_OF_THREE,
    ),
    Case(
        "a refused admin key is mended by the operator's administrator, not by this object's author",
        replace(FINE, gateway=UNAUTHORIZED),
        ACCEPTED,
        RESOLVED,
        "False/GatewayUnauthorized",
        "False/GatewayUnauthorized",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
        instances=TWO_OF_THREE,
    ),
    Case(
        "rejected by the gateway: waits for a change, the last good generation serves",
        replace(FINE, gateway=REJECTED),
        ACCEPTED,
        RESOLVED,
        "False/GatewayRejected",
        "False/GatewayRejected",
        "Stalled",
        previous=OLD,
        programmed_generation=2,
        instances=TWO_OF_THREE,
    ),
    Case(
        "the id belongs to somebody else: waits for a person",
        replace(FINE, gateway=FOREIGN),
        ACCEPTED,
        RESOLVED,
        "False/ForeignObject",
        "False/ForeignObject",
        "Stalled",
        instances=TWO_OF_THREE,
    ),
    Case(
        "invalid: the last good generation goes on serving",
        replace(FINE, refusal=INVALID, gateway=Waiting()),
        "False/Invalid",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Invalid",
        "Stalled",
        previous=OLD,
        programmed_generation=2,
    ),
    Case(
        "invalid, and its object is gone from the gateway: no generation serves",
        replace(FINE, refusal=INVALID, in_gateway=False),
        "False/Invalid",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Invalid",
        "Stalled",
        previous=OLD,
    ),
    Case(
        "refused by policy and withdrawn: no generation is programmed",
        replace(FINE, refusal=NOT_ALLOWED, in_gateway=False),
        "False/NotAllowed",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/NotAllowed",
        "Stalled",
        previous=OLD,
    ),
    Case(
        "lost a conflict just now: perhaps a rename, and what serves goes on",
        replace(FINE, refusal=CONFLICTED),
        "False/Conflicted",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Conflicted",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
    ),
    Case(
        "lost a conflict 30 s ago: only a person can help",
        replace(FINE, refusal=CONFLICTED),
        "False/Conflicted",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Conflicted",
        "Stalled",
        previous=LONG_CONFLICTED,
        programmed_generation=2,
    ),
    Case(
        "the gateway was away when the operator restarted, this generation written before",
        replace(FINE, gateway=AWAY),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Ready",
        previous=after(FINE),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "the gateway was away when the operator restarted, another generation written before",
        replace(FINE, gateway=AWAY),
        ACCEPTED,
        RESOLVED,
        "False/GatewayUnreachable",
        "False/GatewayUnreachable",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
        instances=TWO_OF_THREE,
    ),
    Case(
        "the gateway can use no instance that passes its checks",
        replace(FINE, backends=cart(ONLY_ODD)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/NoHealthyInstances",
        programmed_generation=3,
        instances={"healthy": 0, "total": 1},
    ),
    Case(
        "beside good ones it gets its share of the requests, and they fail",
        replace(FINE, backends=cart(ODD_BESIDE)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/UnusableInstances",
        previous=after(FINE),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "for 30 s somebody may be about to mend it",
        replace(FINE, backends=cart(JUST_ODD_BESIDE)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Ready",
        previous=after(FINE),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "a restart of the operator does not make it good for 30 s",
        replace(FINE, backends=cart(JUST_ODD_BESIDE)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/UnusableInstances",
        previous=after(replace(FINE, backends=cart(ODD_BESIDE))),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "nor does a Consul that has not answered yet",
        replace(FINE, backends=cart(Unanswered())),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/UnusableInstances",
        previous=after(replace(FINE, backends=cart(ODD_BESIDE))),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "Consul's API ignores letter case, the gateway does not",
        replace(FINE, backends=cart(MISSED)),
        ACCEPTED,
        "False/ServiceNotFound",
        PROGRAMMED,
        "False/ServiceNotFound",
        programmed_generation=3,
        instances=NONE,
    ),
    Case(
        "the service that the gateway skips, whatever instances it has",
        replace(FINE, backends=cart(SKIPPED)),
        ACCEPTED,
        "False/ServiceNotFound",
        PROGRAMMED,
        "False/ServiceNotFound",
        previous=after(FINE),
        programmed_generation=3,
        instances={"healthy": 0, "total": 1},
    ),
    Case(
        "a service that the token may not read, a new object: not known, and why",
        replace(FINE, backends=cart(Unanswered(Reason.CONSUL_ACCESS_DENIED))),
        ACCEPTED,
        "Unknown/ConsulAccessDenied",
        PROGRAMMED,
        "Unknown/ConsulAccessDenied",
        previous=parse_previous(pending_status()),
        programmed_generation=3,
    ),
    Case(
        "a service that the token may not read any more, seen before: as it was, also the counts",
        replace(FINE, backends=cart(Unanswered(Reason.CONSUL_ACCESS_DENIED))),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Ready",
        previous=after(FINE),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "no Consul, and a backend that the operator resolves: the last good generation stays",
        replace(FINE, refusal=NO_CONSUL, backends=cart(NotConfigured())),
        ACCEPTED,
        "False/ConsulNotConfigured",
        "False/RefsNotResolved",
        "False/ConsulNotConfigured",
        "Stalled",
    ),
    Case(
        "nodes of a backend never known: the whole route waits",
        replace(FINE, gateway=NODES_UNKNOWN, backends=cart(Unanswered())),
        ACCEPTED,
        "Unknown/ConsulUnreachable",
        "False/RefsNotResolved",
        "False/ConsulUnreachable",
        "Reconciling",
        previous=parse_previous(pending_status()),
    ),
    Case(
        "nodes not known any more, after a restart, and their Upstream gone: said, whatever was known of the service",
        replace(FINE, gateway=NODES_UNKNOWN, backends=cart(Unanswered())),
        ACCEPTED,
        RESOLVED,
        "False/RefsNotResolved",
        "False/RefsNotResolved",
        "Reconciling",
        previous=after(FINE),
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "nodes in a datacenter that Consul does not know: waits, and says so",
        replace(FINE, gateway=NODES_UNKNOWN, backends=cart(Unanswered(Reason.DATACENTER_NOT_FOUND))),
        ACCEPTED,
        "False/DatacenterNotFound",
        "False/RefsNotResolved",
        "False/DatacenterNotFound",
        "Reconciling",
        previous=parse_previous(pending_status()),
    ),
    Case(
        "nodes that the token may not read: waits, and says so",
        replace(FINE, gateway=NODES_UNKNOWN, backends=cart(Unanswered(Reason.CONSUL_ACCESS_DENIED))),
        ACCEPTED,
        "Unknown/ConsulAccessDenied",
        "False/RefsNotResolved",
        "False/ConsulAccessDenied",
        "Reconciling",
        previous=parse_previous(pending_status()),
    ),
    Case(
        "an instance that the operator leaves out: nobody's request suffers from it",
        replace(FINE, backends=cart(replace(HEALTHY, left_out=ODD))),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Ready",
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "all that there is has the weight 0: nobody answers",
        replace(FINE, backends=cart(replace(NEVER_HEALTHY, drained=3))),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/NoHealthyInstances",
        programmed_generation=3,
        instances=NONE_OF_THREE,
    ),
    Case(
        "an instance at a forbidden address: the spec is right, and the route is withdrawn",
        replace(FINE, refusal=FORBIDDEN, in_gateway=False),
        ACCEPTED,
        "False/ForbiddenAddress",
        "False/RefsNotResolved",
        "False/ForbiddenAddress",
        "Stalled",
        previous=OLD,
    ),
)

PAIRS = (
    Case(
        "switched off, nobody misses the instances",
        replace(FINE, enabled=False, backends=cart(ODD_BESIDE)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Disabled",
        programmed_generation=3,
        instances=TWO_OF_THREE,
    ),
    Case(
        "the last good one left: what is wrong with the others says why nobody answers",
        replace(FINE, backends=cart(replace(ONLY_ODD, lack_of_healthy=Lack(GRACE, seen_before=True)))),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "False/NoHealthyInstances",
        previous=after(replace(FINE, backends=cart(ODD_BESIDE))),
        programmed_generation=3,
        instances={"healthy": 0, "total": 1},
    ),
    Case(
        "rejected, and an instance that the gateway cannot use: the gateway's word comes first",
        replace(FINE, gateway=REJECTED, backends=cart(ODD_BESIDE)),
        ACCEPTED,
        RESOLVED,
        "False/GatewayRejected",
        "False/GatewayRejected",
        "Stalled",
        instances=TWO_OF_THREE,
    ),
    Case(
        "rejected and unknown to Consul: the gateway's word comes first, Consul's keeps its own condition",
        replace(FINE, gateway=REJECTED, backends=cart(UNKNOWN_SERVICE)),
        ACCEPTED,
        "False/ServiceNotFound",
        "False/GatewayRejected",
        "False/GatewayRejected",
        "Stalled",
        instances=NONE,
    ),
    Case(
        "refused by policy, gateway not reachable: the old generation still serves, and the status says so",
        replace(FINE, refusal=NOT_ALLOWED, gateway=UNREACHABLE),
        "False/NotAllowed",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/NotAllowed",
        "Stalled",
        previous=OLD,
        programmed_generation=2,
    ),
    Case(
        "both served one pair, and this one has to go: withdrawn",
        replace(FINE, refusal=WITHDRAWN, in_gateway=False),
        "False/Conflicted",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/Conflicted",
        "Reconciling",
        previous=OLD,
    ),
    Case(
        "refused, and the gateway away since the restart: what serves is as it was said to be",
        replace(FINE, refusal=NOT_ALLOWED, gateway=AWAY),
        "False/NotAllowed",
        "Unknown/NotAccepted",
        "False/NotAccepted",
        "False/NotAllowed",
        "Stalled",
        previous=after(replace(FINE, refusal=NOT_ALLOWED)),
    ),
    Case(
        "switched off with 0 healthy: nobody is served either way, as asked",
        replace(FINE, enabled=False, backends=cart(SICK)),
        ACCEPTED,
        RESOLVED,
        PROGRAMMED,
        "True/Disabled",
        programmed_generation=3,
        instances=NONE_OF_THREE,
    ),
    Case(
        "switched off but not yet written: it still serves, so it is not ready",
        replace(FINE, enabled=False, gateway=UNREACHABLE),
        ACCEPTED,
        RESOLVED,
        "False/GatewayUnreachable",
        "False/GatewayUnreachable",
        "Reconciling",
        previous=OLD,
        programmed_generation=2,
        instances=TWO_OF_THREE,
    ),
    Case(
        "switched off, service unknown: a misspelt name is worth telling before it is switched on",
        replace(FINE, enabled=False, backends=cart(UNKNOWN_SERVICE)),
        ACCEPTED,
        "False/ServiceNotFound",
        PROGRAMMED,
        "False/ServiceNotFound",
        programmed_generation=3,
        instances=NONE,
    ),
    Case(
        "no Consul and a gateway that is away: only the gateway counts",
        replace(FINE, gateway=UNREACHABLE, backends=cart(NotConfigured())),
        ACCEPTED,
        "Unknown/ConsulNotConfigured",
        "False/GatewayUnreachable",
        "False/GatewayUnreachable",
        "Reconciling",
    ),
    Case(
        "no Consul and switched off",
        replace(FINE, enabled=False, backends=cart(NotConfigured())),
        ACCEPTED,
        "Unknown/ConsulNotConfigured",
        PROGRAMMED,
        "True/Disabled",
        programmed_generation=3,
    ),
    Case(
        "Consul taken away from the operator's settings: what it once said is not repeated",
        replace(FINE, backends=cart(NotConfigured())),
        ACCEPTED,
        "Unknown/ConsulNotConfigured",
        PROGRAMMED,
        "True/Ready",
        previous=after(replace(FINE, backends=cart(UNKNOWN_SERVICE))),
        programmed_generation=3,
    ),
    Case(
        "Consul added to the settings and not reachable yet: unknown, not 'not configured'",
        replace(FINE, backends=cart(Unanswered())),
        ACCEPTED,
        "Unknown/ConsulUnreachable",
        PROGRAMMED,
        "Unknown/ConsulUnreachable",
        previous=after(replace(FINE, backends=cart(NotConfigured()))),
        programmed_generation=3,
    ),
    Case(
        "both away, a new object: what is known is that the gateway does not have it",
        replace(FINE, gateway=UNREACHABLE, backends=cart(Unanswered())),
        ACCEPTED,
        "Unknown/ConsulUnreachable",
        "False/GatewayUnreachable",
        "False/GatewayUnreachable",
        "Reconciling",
    ),
    Case(
        "accepted again after a refusal, gateway not yet done: the refusal leaves no trace",
        replace(FINE, gateway=Waiting()),
        ACCEPTED,
        RESOLVED,
        "False/Pending",
        "False/Pending",
        "Reconciling",
        previous=after(replace(FINE, generation=2, refusal=NOT_ALLOWED)),
        instances=TWO_OF_THREE,
    ),
)
