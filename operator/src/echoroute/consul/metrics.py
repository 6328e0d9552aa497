"""Prometheus metrics of the Consul client, counted where the requests are made."""

from prometheus_client import Counter, Gauge

requests_total = Counter(
    "echoroute_consul_requests_total",
    "Requests to Consul. `code` is the HTTP status, or `error` where no usable answer came.",
    ("code",),
)

up = Gauge("echoroute_consul_up", "1 while Consul answers, has a leader, and accepts the token; 0 otherwise.")

services_followed = Gauge("echoroute_consul_services_followed", "Consul services whose health is followed.")
