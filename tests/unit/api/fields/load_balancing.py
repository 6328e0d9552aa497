"""How requests may be balanced, and on what they may be hashed."""

from .malformed import beside_match, rewrite_headers, spec


def _balance(**fields):
    return {"upstream": {"loadBalancer": fields}}


def _hash(on, key):
    return _balance(policy="ConsistentHash", hashOn=on, key=key)


_KEY = "upstream.loadBalancer.key"

MALFORMED = beside_match(
    [
        ("a balancer has a policy", _balance(), "upstream.loadBalancer.policy", "required", "schema"),
        (
            "policies are CamelCase",
            _balance(policy="roundrobin"),
            "upstream.loadBalancer.policy",
            "must be one of",
            "schema",
        ),
        ("a hash has a key", _balance(policy="ConsistentHash", hashOn="Header"), _KEY, "must be there with", "cel"),
        (
            "and a place",
            _balance(policy="ConsistentHash", key="a"),
            "upstream.loadBalancer.hashOn",
            "must be there with",
            "cel",
        ),
        ("others have none", _balance(policy="EWMA", key="a"), _KEY, "must be there with", "cel"),
        ("a header's name", _hash("Header", "X A"), _KEY, "must be a header's or a cookie's name", "cel"),
        ("a cookie's name", _hash("Cookie", "a=b"), _KEY, "must be a header's or a cookie's name", "cel"),
        ("APISIX hashes on few variables", _hash("Variable", "http_x_user"), _KEY, "one of uri, server_name", "cel"),
        ("an argument has a name", _hash("Variable", "arg_"), _KEY, "one of uri, server_name", "cel"),
        (
            "the rewrite comes before the hash",
            {**_hash("Header", "X-User"), **rewrite_headers(set={"X-User": "1"})},
            _KEY,
            "The gateway picks the",
            "cel",
        ),
        (
            "nor is a cookie left",
            {"upstream": _hash("Cookie", "a")["upstream"], **rewrite_headers(remove=["Cookie"])},
            _KEY,
            "The gateway picks the",
            "cel",
        ),
        (
            "before the hash as well",
            {**_hash("Header", "X-User"), "plugins": {"proxy-rewrite": {"headers": {"set": {"X-User": "1"}}}}},
            _KEY,
            "The gateway picks the",
            "operator",
        ),
    ]
)

WELL_FORMED = {
    why: spec(**fields)
    for why, fields in {
        "hash on a header": _hash("Header", "X-User"),
        "hash on a cookie": {**_hash("Cookie", "user"), **rewrite_headers(set={"user": "1"})},
        "hash on an argument": _hash("Variable", "arg_user-id"),
        "hash on the client": _hash("Variable", "remote_addr"),
        "the others need nothing": _balance(policy="LeastConnections"),
    }.items()
}
