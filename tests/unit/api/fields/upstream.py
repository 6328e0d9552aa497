"""What `upstream` may say of hosts, timeouts, retries and connections."""

from .malformed import Malformed, spec


def _timeout(duration):
    return spec(upstream={"timeout": {"read": duration}})


MALFORMED = [
    Malformed(
        "a pool is of all routes to an address",
        spec(upstream={"keepalive": {"idleTimeout": "61m"}}),
        "spec.upstream.keepalive.idleTimeout",
        "at most 1h",
        "cel",
    ),
    Malformed("APISIX refuses it", spec(upstream={"passHost": "Rewrite"}), "spec.upstream.host", "must be set", "cel"),
    Malformed("APISIX ignores it", spec(upstream={"host": "a"}), "spec.upstream.host", "passHost: Rewrite", "cel"),
    Malformed(
        "enums are CamelCase",
        spec(upstream={"passHost": "pass"}),
        "spec.upstream.passHost",
        "must be one of",
        "schema",
    ),
    Malformed(
        "only HTTP protocols", spec(upstream={"scheme": "tcp"}), "spec.upstream.scheme", "must be one of", "schema"
    ),
    Malformed("a duration has a unit", _timeout("6"), "spec.upstream.timeout.read", "such as '6s'", "cel"),
    Malformed(
        "a duration is a string",
        _timeout(6),
        "spec.upstream.timeout.read",
        "in quotes and with its unit, such as",
        "schema",
    ),
    Malformed("a duration has no fraction", _timeout("0.5s"), "spec.upstream.timeout.read", "such as '6s'", "cel"),
    Malformed("a duration is not negative", _timeout("-5s"), "spec.upstream.timeout.read", "such as '6s'", "cel"),
    Malformed("APISIX refuses 0", _timeout("0s"), "spec.upstream.timeout.read", "between 1ms and 24h", "cel"),
    Malformed(
        "nginx counts milliseconds in 32 bits",
        _timeout("99999h"),
        "spec.upstream.timeout.read",
        "between 1ms and 24h",
        "cel",
    ),
    Malformed("retries are bounded", spec(upstream={"retries": 101}), "spec.upstream.retries", "at most 100", "schema"),
    Malformed(
        "retries are not negative", spec(upstream={"retries": -1}), "spec.upstream.retries", "at least 0", "schema"
    ),
    Malformed(
        "APISIX refuses a pool of 0",
        spec(upstream={"keepalive": {"size": 0}}),
        "spec.upstream.keepalive.size",
        "at least 1",
        "schema",
    ),
    Malformed(
        "a typo deep down",
        spec(upstream={"timeouts": {}}),
        "spec.upstream.timeouts",
        "did you mean 'timeout'?",
        "schema",
    ),
]

WELL_FORMED = {
    "everything about the upstream": spec(
        upstream={
            "scheme": "grpcs",
            "passHost": "Rewrite",
            "host": "inner.example:8443",
            "timeout": {"connect": "500ms", "send": "1m30s", "read": "24h"},
            "retries": 0,
            "retryTimeout": "0s",
            "keepalive": {"size": 1, "idleTimeout": "0s", "requests": 1},
        }
    ),
}
