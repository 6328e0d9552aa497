"""What of the recordings is replayed, and what is left out, with the reason."""

import re
from urllib.parse import parse_qs, urlsplit

from .recorded import Exchange

KINDS = ("routes", "upstreams")
# Groups that leave objects to each other are replayed together, in the order of the recording.
REPLAYS: dict[str, tuple[str, ...]] = {
    "auth": ("auth",),
    "api": ("api",),
    "body": ("body",),
    "route-crud": ("route-crud",),
    "invalid": ("invalid",),
    "id": ("id",),
    "list": ("list",),
    "upstream and inuse": ("upstream", "inuse"),
    "lost": ("lost",),
}
# Replayed after the gateway's etcd was replaced by an empty one: only the stand-in can be told to lose it.
WITHOUT_DIRECTORIES = "lost"

# Exchanges that only make sense after one that is left out.
_FOLLOWERS = {
    40: "reads what a POST made",
    45: "reads what a PUT with ttl made",
    55: "deletes what a POST made",
    406: "deletes a route of a service",
}
_FILTERS = {"name", "uri", "label", "filter"}

# Recorded exchanges that the stand-in gateway answers otherwise, with the reason: n for the Admin API, the case's
# name for the data plane.
NOT_FOLLOWED: dict[int | str, str] = {
    "X-A and X_A are one variable": "both in one request are joined by name: Go keeps no order of arrival",
}

# Open plugins that the stand-in gateway does not run, with the reason; only a real APISIX shows these at work.
NOT_AT_WORK: dict[str, str] = {
    **dict.fromkeys(
        ("acl", "basic-auth", "consumer-restriction", "hmac-auth", "jwt-auth", "key-auth", "multi-auth"),
        "asks for Consumers, which the stand-in has not got",
    ),
    **dict.fromkeys(("csrf", "grpc-web", "limit-conn"), "accepted, and does nothing there"),
    "proxy-control": "the stand-in answers when it has read the whole request",
}


def left_out(exchange: Exchange) -> str | None:
    """Why an exchange with the Admin API is not replayed; None when it is."""
    request, response = exchange.request, exchange.response
    query = parse_qs(urlsplit(request.path).query)
    body = request.text or ""
    accepted = response.status < 300
    reasons = {
        _FOLLOWERS.get(exchange.n, ""): exchange.n in _FOLLOWERS,
        f"{request.method} is not part of the stand-in": request.method in ("POST", "PATCH"),
        f"another kind of object: {request.kind}": request.kind not in (*KINDS, "", "nosuch"),
        "an HTML 500": response.status == 500,
        "ttl": "ttl" in query,
        "a filter": not _FILTERS.isdisjoint(query),
        "paging": query.get("page", [""])[0].isdigit() and "page_size" in query,
        "refers to another kind of object": accepted and re.search('"(service|plugin_config)_id"', body) is not None,
        "Lua, which an EchoRoute cannot express": accepted and '"filter_func"' in body,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
