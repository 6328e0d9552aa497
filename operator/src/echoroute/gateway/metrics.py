"""Prometheus metrics of the Admin API client, counted where the requests are made."""

from prometheus_client import Counter, Gauge, Histogram

requests_total = Counter(
    "echoroute_gateway_requests_total",
    "Requests to the Admin API. `code` is the HTTP status, or `error` where no usable answer came.",
    ("method", "kind", "code"),
)

request_duration_seconds = Histogram(
    "echoroute_gateway_request_duration_seconds",
    "Time from sending an Admin API request to its whole answer, without the time in the queue.",
    ("method", "kind"),
    # A write takes 1 to 20 ms; a list of 2,000 routes 0.1 s, of 10,000 0.5 s; the timeouts are 10 and 60 s.
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

unreadable_objects = Gauge(
    "echoroute_gateway_unreadable_objects", "Gateway objects that the last list could not read. They are passed over."
)
