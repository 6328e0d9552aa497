"""What the conditions say about a service's instances."""

from echoroute.core.facts import Answered
from echoroute.core.instances import some_of
from echoroute.core.text import counted

_FIELD = "spec.backends[0].service"


def not_found(service: str) -> str:
    """Consul has no instance."""
    return f"Consul knows no instance of service {service!r}: check {_FIELD}, or wait until its pods have registered"


def missed(service: str, answer: Answered) -> str:
    """Consul has instances, and the gateway does not discover them."""
    return f"the gateway finds no service {service!r}, which {_FIELD} names: {answer.missed}"


def known(service: str, answer: Answered) -> str:
    """Consul has instances. Those that cannot be nodes are told here: nobody's request suffers from them."""
    left_out = f"; left out: {some_of(answer.left_out)}" if answer.left_out else ""
    return f"service {service!r} is known to Consul{left_out}"


def no_datacenter(service: str) -> str:
    """Consul has no way to the datacenter that a subset names."""
    return (
        f"Consul knows no way to the datacenter in which service {service!r} is asked for: check the subset's "
        "datacenter, or wait until Consul is joined with it"
    )


def access_denied(service: str) -> str:
    """Consul keeps them from the operator."""
    return (
        f"the operator's Consul token may not read service {service!r} or its nodes: "
        "grant it service:read and node:read (CONSUL_HTTP_TOKEN)"
    )


def none_healthy(service: str, answer: Answered | None = None) -> str:
    """Nobody answers requests; without an answer it is known from before."""
    if answer is None or not (answer.unusable or answer.left_out or answer.drained):
        registered = "" if answer is None else f" ({_count(answer.total)} registered)"
        return f"no instance of service {service!r} passes its health checks in Consul{registered}"
    found = (
        some_of(answer.unusable or answer.left_out),
        f"{_count(answer.drained)} of weight 0 in Consul" if answer.drained else "",
        f"{answer.failing} more pass no health checks" if answer.failing else "",
    )
    return (
        f"service {service!r} has {_count(answer.total)} in Consul, and the gateway can use none: "
        f"{'. '.join(filter(None, found))}"
    )


def some_unusable(service: str, answer: Answered) -> str:
    """Some of those that pass their checks get their share of the requests, and fail them."""
    return (
        f"the gateway sends requests of service {service!r} to {_count(len(answer.unusable))} of {answer.total} "
        f"that it cannot use: {some_of(answer.unusable)}. Register an IP address and a port"
    )


def _count(number: int) -> str:
    return counted(number, "instance")
