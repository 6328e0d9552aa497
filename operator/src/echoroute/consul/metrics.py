"""Prometheus metrics of the Consul client, counted where the requests are made."""

from prometheus_client import Counter, Gauge

from echoroute.api.selection import Resolver

requests_total = Counter(
    "echoroute_consul_requests_total",
    "Requests to Consul. `code` is the HTTP status, or `error` where no usable answer came.",
    ("code",),
)

up = Gauge("echoroute_consul_up", "1 while Consul answers, has a leader, and accepts the token; 0 otherwise.")

services_followed = Gauge("echoroute_consul_services_followed", "Consul services whose health is followed.")

lap_seconds = Gauge(
    "echoroute_consul_lap_seconds",
    "Seconds from one query of a service to its next, where more services are followed than queries can be held: so "
    "late a change may be seen. `resolve` is who resolves the service. 0 while each has a query of its own.",
    ("resolve",),
)


def lap(resolver: Resolver) -> Gauge:
    """The gauge of the services that one of the two resolves."""
    return lap_seconds.labels(resolver)


def no_laps() -> None:
    """Nobody has had two turns yet."""
    for resolver in Resolver:
        lap(resolver).set(0)


no_laps()
