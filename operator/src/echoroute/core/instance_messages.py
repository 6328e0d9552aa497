"""What the conditions say about a service's instances."""

import re

from echoroute.api.selection import Selection
from echoroute.core.facts import Answered
from echoroute.core.instances import some_of
from echoroute.core.text import counted

_NEXT = re.compile(r"; (?=service ')")
"""Between what is said of two services."""


def about(selection: Selection, message: str) -> str | None:
    """The sentence of a message that names a service, or a part of it, and no other one; None where there is none."""
    name = re.compile(rf"service {re.escape(str(selection))}(?! with '| in datacenter '|, ')")
    return next((sentence for sentence in _NEXT.split(message) if name.search(sentence)), None)


def not_found(selection: Selection, place: str) -> str:
    """Consul has no instance."""
    return f"Consul knows no instance of service {selection}: check {place}, or wait until its pods have registered"


def not_answered(selection: Selection) -> str:
    """Nobody knows yet what Consul has."""
    return f"Consul has not answered yet where service {selection} is"


def missed(selection: Selection, answer: Answered) -> str:
    """Consul has instances, and the gateway does not discover them."""
    return f"the gateway does not discover service {selection}: {answer.missed}"


def known(selection: Selection, answer: Answered | None = None) -> str:
    """Consul has instances. It names those that cannot be nodes: nobody's request suffers from them."""
    left_out = f"; left out: {some_of(answer.left_out)}" if answer and answer.left_out else ""
    return f"service {selection} is known to Consul{left_out}"


def no_datacenter(selection: Selection, place: str) -> str:
    """Consul has no way to the datacenter that a subset names."""
    return (
        f"Consul cannot reach the datacenter of service {selection}: check {place}.subset.datacenter, or wait "
        "until Consul is joined with it"
    )


def access_denied(selection: Selection) -> str:
    """Consul keeps them from the operator."""
    return (
        f"the operator's Consul token may not read service {selection} or its nodes: "
        "grant it service:read and node:read (CONSUL_HTTP_TOKEN)"
    )


def none_healthy(selection: Selection, answer: Answered | None = None) -> str:
    """Nobody answers requests; without an answer it is known from before."""
    if answer is None or not (answer.unusable or answer.left_out or answer.drained):
        registered = "" if answer is None else f" ({_count(answer.total)} registered)"
        return f"no instance of service {selection} passes its health checks in Consul{registered}"
    found = (
        some_of(answer.unusable or answer.left_out),
        f"{_count(answer.drained)} of weight 0 in Consul" if answer.drained else "",
        f"The health checks of {answer.failing} more fail" if answer.failing else "",
    )
    return (
        f"service {selection} has {_count(answer.total)} in Consul, and the gateway can use none: "
        f"{'. '.join(filter(None, found))}"
    )


def some_unusable(selection: Selection, answer: Answered) -> str:
    """Some of those that pass their checks get their share of the requests, and fail them."""
    return (
        f"the gateway sends requests of service {selection} to {_count(len(answer.unusable))} of {answer.total} "
        f"that it cannot use: {some_of(answer.unusable)}. Register an IP address and a port"
    )


def _count(number: int) -> str:
    return counted(number, "instance")
