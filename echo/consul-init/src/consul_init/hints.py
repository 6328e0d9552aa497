"""What the output of Consul's check usually means."""

_HANGS_UP = "it hangs up without an answer: does it speak TLS or gRPC? See SERVICE_CHECK_TYPE"
_HINTS = (
    (
        "connection refused",
        "does the service listen on this port, and on 0.0.0.0 or ::? Others cannot reach it at 127.0.0.1",
    ),
    ("deadline exceeded", "is it slower than SERVICE_CHECK_TIMEOUT, or is there a NetworkPolicy or firewall between?"),
    ("i/o timeout", "does a NetworkPolicy or firewall stand between Consul's agent and the service?"),
    ("no such host", "can Consul's agent look this name up? See SERVICE_ADDRESS"),
    ("no route to host", "can Consul's agent reach this address? See SERVICE_ADDRESS"),
    # A peer that hangs up is seen in one of these ways: while Consul reads, or while it still writes.
    (": EOF", _HANGS_UP),
    ("connection reset by peer", _HANGS_UP),
    ("broken pipe", _HANGS_UP),
    ("use of closed network connection", _HANGS_UP),
    ("malformed HTTP response", "does the service speak TLS or gRPC? See SERVICE_CHECK_TYPE"),
    ("server gave HTTP response to HTTPS client", "the service speaks plain HTTP: see SERVICE_CHECK_TYPE"),
    ("does not look like a TLS handshake", "the service speaks no TLS: see SERVICE_CHECK_TYPE"),
    ("error reading server preface", "does the service speak gRPC, without TLS? See SERVICE_CHECK_TYPE"),
    ("code = Unimplemented", "does the server have grpc.health.v1.Health?"),
    ("code = NotFound", "does the server know this service? See SERVICE_CHECK_PATH"),
    ("certificate", "Consul's agent verifies it: see SERVICE_CHECK_TLS_SERVER_NAME"),
    ("400 Bad Request", "does the service insist on a Host header? See SERVICE_CHECK_HEADERS"),
    ("401 Unauthorized", "Consul asks without credentials: see SERVICE_CHECK_HEADERS, or open this path"),
    ("403 Forbidden", "Consul asks without credentials: see SERVICE_CHECK_HEADERS, or open this path"),
    ("404 Not Found", "is this the path of the health check? See SERVICE_CHECK_PATH"),
    ("421 Misdirected Request", "another instance answers at this address and port"),
)


def hint_for(output: str) -> str:
    """In brackets and with a space before it, to follow the output; empty where nothing is known."""
    return next((f" ({hint})" for sign, hint in _HINTS if sign.lower() in output.lower()), "")
