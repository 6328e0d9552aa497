"""Consul says nothing: it is not there, is away, or may not tell."""

from dataclasses import replace

from echoroute.api.status import pending_status
from echoroute.core.facts import (
    NotConfigured,
    Unanswered,
)
from echoroute.core.reasons import Reason
from echoroute.core.status import parse_previous

from .facts import (
    ACCEPTED,
    FINE,
    NEVER_HEALTHY,
    NONE,
    NONE_OF_THREE,
    PROGRAMMED,
    RESOLVED,
    TWO_OF_THREE,
    UNKNOWN_SERVICE,
    Case,
    after,
    cart,
)

CONSUL = (
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
)
