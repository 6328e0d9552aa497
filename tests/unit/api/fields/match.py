"""What `match` may say of hosts, methods and priority."""

from .malformed import Malformed, spec

MALFORMED = [
    Malformed("a route matches something", {"backends": [{"service": "echo"}]}, "spec.match", "required", "schema"),
    Malformed("a host is no URL", spec({"hosts": ["http://a.example"]}), "spec.match.hosts[0]", "host name", "cel"),
    Malformed(
        "the router compares hosts without port",
        spec({"hosts": ["a.example:80"]}),
        "spec.match.hosts[0]",
        "host name",
        "cel",
    ),
    Malformed(
        "any host is said by leaving hosts out",
        spec({"hosts": ["*"]}),
        "spec.match.hosts[0]",
        "leave hosts out",
        "cel",
    ),
    Malformed(
        "a wildcard stands for whole labels",
        spec({"hosts": ["*a.example"]}),
        "spec.match.hosts[0]",
        "host name",
        "cel",
    ),
    Malformed(
        "the gateway's router has each pair of them",
        spec({"hosts": [f"h{n}.example" for n in range(5)], "paths": [f"/{n}" for n in range(52)]}),
        "spec.match",
        "at most 256 pairs",
        "cel",
    ),
    Malformed(
        "an answer to HEAD has no body, whatever the backend saw",
        spec({"methods": ["GET", "HEAD"]}, rewrite={"method": "POST"}),
        "spec.match.methods",
        "leave HEAD out",
        "cel",
    ),
    Malformed(
        "nor has an answer that the backend gave to HEAD",
        spec(rewrite={"method": "HEAD"}),
        "spec.rewrite.method",
        "must be one of",
        "schema",
    ),
    Malformed("APISIX refuses an empty list", spec({"hosts": []}), "spec.match.hosts", "at least 1", "schema"),
    Malformed("APISIX takes no method for none", spec({"methods": []}), "spec.match.methods", "at least 1", "schema"),
    Malformed(
        "methods are upper case", spec({"methods": ["get"]}), "spec.match.methods[0]", "must be one of", "schema"
    ),
    Malformed(
        "APISIX refuses duplicates",
        spec({"methods": ["GET", "GET"]}),
        "spec.match.methods",
        "more than once",
        "schema",
    ),
    Malformed("priority is a number", spec({"priority": "5"}), "spec.match.priority", "whole number", "schema"),
    Malformed("priority is a whole number", spec({"priority": 1.5}), "spec.match.priority", "whole number", "schema"),
    Malformed("true is no number", spec({"priority": True}), "spec.match.priority", "whole number", "schema"),
    Malformed("priority has bounds", spec({"priority": 2**31}), "spec.match.priority", "at most 2147483647", "schema"),
]

WELL_FORMED = {
    "hosts in any letter case": spec({"hosts": ["API.example.com", "*.Example.com", "a_b.example", "10.0.0.1"]}),
    "as many pairs of hosts and paths as there may be": spec(
        {"hosts": [f"h{n}.example" for n in range(4)], "paths": [f"/{n}" for n in range(64)]}
    ),
    "methods and priority": spec({"methods": ["GET", "PURGE"], "priority": -5}),
}
