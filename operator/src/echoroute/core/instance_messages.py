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


def access_denied(service: str) -> str:
    """Consul keeps them from the operator."""
    return (
        f"the operator's Consul token may not read service {service!r} or its nodes: "
        "grant it service:read and node:read (CONSUL_HTTP_TOKEN)"
    )


def none_healthy(service: str, answer: Answered | None = None) -> str:
    """Nobody answers requests; without an answer it is known from before."""
    if answer is None or not answer.unusable:
        registered = "" if answer is None else f" ({_count(answer.total)} registered)"
        return f"no instance of service {service!r} passes its health checks in Consul{registered}"
    rest = f". {answer.failing} more pass no health checks" if answer.failing else ""
    return (
        f"service {service!r} has {_count(answer.total)} in Consul, and the gateway can use none: "
        f"{some_of(answer.unusable)}{rest}"
    )


def some_unusable(service: str, answer: Answered) -> str:
    """Some of those that pass their checks get their share of the requests, and fail them."""
    return (
        f"the gateway sends requests of service {service!r} to {_count(len(answer.unusable))} of {answer.total} "
        f"that it cannot use: {some_of(answer.unusable)}. Register an IP address and a port"
    )


def _count(number: int) -> str:
    return counted(number, "instance")
