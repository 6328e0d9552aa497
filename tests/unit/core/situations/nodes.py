"""Backends that the operator resolves: their nodes are not known, or not to be had."""

from dataclasses import replace

from echoroute.api.status import pending_status
from echoroute.core.facts import (
    NotConfigured,
    Unanswered,
)
from echoroute.core.reasons import Reason
from echoroute.core.status import parse_previous

from .facts import ACCEPTED, FINE, FORBIDDEN, NO_CONSUL, NODES_UNKNOWN, OLD, RESOLVED, TWO_OF_THREE, Case, after, cart

NODES = (
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
