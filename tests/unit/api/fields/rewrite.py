"""What `rewrite` may make of a request's path, host and method."""

from .malformed import Malformed, spec

MALFORMED = [
    Malformed("an empty rewrite is half a thought", spec(rewrite={}), "spec.rewrite", "at least one of", "cel"),
    Malformed(
        "one path form decides",
        spec(rewrite={"path": "/b", "stripPrefix": "/a"}),
        "spec.rewrite",
        "only one of",
        "cel",
    ),
    Malformed(
        "one path form decides, regex too",
        spec(rewrite={"regex": {"pattern": "^/a", "replacement": ""}, "path": "/b"}),
        "spec.rewrite",
        "only one of",
        "cel",
    ),
    Malformed(
        "a variable is none here, and APISIX refuses it",
        spec(rewrite={"regex": {"pattern": "^/api/(.*)", "replacement": "/$host/$1"}}),
        "spec.rewrite.regex.replacement",
        "'$' only for a group",
        "cel",
    ),
    Malformed(
        "no path results, and APISIX answers 502",
        spec(rewrite={"regex": {"pattern": "^/api/(.*)", "replacement": "$1"}}),
        "spec.rewrite.regex.replacement",
        "must begin with '/'",
        "cel",
    ),
    Malformed(
        "nor here",
        spec(rewrite={"regex": {"pattern": "^/api/.*$", "replacement": "v1"}}),
        "spec.rewrite.regex.replacement",
        "must begin with '/'",
        "cel",
    ),
    Malformed(
        "a decoded path is no query",
        spec(rewrite={"path": "/a?from=$uri"}),
        "spec.rewrite.path",
        "must not put $uri, $arg_",
        "cel",
    ),
    *(
        Malformed(
            f"nor is {name}, which is decoded, too",
            spec(rewrite={"path": f"/a?from={name}"}),
            "spec.rewrite.path",
            "into its query",
            "cel",
        )
        for name in ("$arg_a", "${arg_a ?? b}", "${ uri_param_a }", "$remote_user")
    ),
    Malformed(
        "half a regex",
        spec(rewrite={"regex": {"pattern": "^/a"}}),
        "spec.rewrite.regex.replacement",
        "required",
        "schema",
    ),
    Malformed(
        "APISIX refuses a relative path",
        spec(rewrite={"path": "b"}),
        "spec.rewrite.path",
        "must start with '/'",
        "cel",
    ),
    Malformed(
        "stripping '/' strips nothing",
        spec(rewrite={"stripPrefix": "/"}),
        "spec.rewrite.stripPrefix",
        "must not end with '/'",
        "cel",
    ),
    Malformed(
        "a prefix ends with its segment",
        spec(rewrite={"stripPrefix": "/a/"}),
        "spec.rewrite.stripPrefix",
        "must not end with '/'",
        "cel",
    ),
    Malformed(
        "stripPrefix is no pattern",
        spec(rewrite={"stripPrefix": "/a/*"}),
        "spec.rewrite.stripPrefix",
        "must have no '*'",
        "cel",
    ),
    Malformed(
        "stripPrefix is decoded too", spec(rewrite={"stripPrefix": "/a%20b"}), "spec.rewrite.stripPrefix", "%XX", "cel"
    ),
    Malformed(
        "a host is no URL here either", spec(rewrite={"host": "http://a"}), "spec.rewrite.host", "host name", "cel"
    ),
    Malformed(
        "proxy-rewrite has no such method",
        spec(rewrite={"method": "CONNECT"}),
        "spec.rewrite.method",
        "must be one of",
        "schema",
    ),
    Malformed(
        "a path has variables and no groups",
        spec(rewrite={"path": "/a/$1"}),
        "spec.rewrite.path",
        "Anything else vanishes",
        "cel",
    ),
    Malformed(
        "a variable that APISIX does not know, in a path",
        spec(rewrite={"path": "/a/$nosuch"}),
        "spec.rewrite.path",
        "Anything else vanishes",
        "cel",
    ),
    Malformed("in a path neither", spec(rewrite={"path": "/$Env://HOME"}), "spec.rewrite.path", "$env://", "cel"),
    Malformed(
        "in a regex neither",
        spec(rewrite={"regex": {"pattern": "^/a", "replacement": "$env://HOME"}}),
        "spec.rewrite.regex.replacement",
        "$env://",
        "cel",
    ),
    Malformed(
        "both set the Host header",
        spec(rewrite={"host": "a"}, upstream={"host": "b", "passHost": "Rewrite"}),
        "spec.rewrite.host",
        "beside upstream.host",
        "cel",
    ),
    Malformed(
        "the instance's address would win",
        spec(rewrite={"host": "a"}, upstream={"passHost": "Node"}),
        "spec.rewrite.host",
        "passHost: Node",
        "cel",
    ),
]

WELL_FORMED = {
    "a group that begins with a slash": spec(rewrite={"regex": {"pattern": "^/api(/.*)", "replacement": "$1"}}),
    "groups and a dollar sign": spec(rewrite={"regex": {"pattern": "^/api/(.*)/(.*)", "replacement": "/${1}/$$/$2"}}),
    "what is left begins with a slash": spec(rewrite={"regex": {"pattern": "^/api", "replacement": ""}}),
    "a variable in a path": spec(rewrite={"path": "/items/$arg_id/${http_x-y}"}),
    "an empty replacement": spec(rewrite={"regex": {"pattern": "^/a", "replacement": ""}}),
    "everything about the request": spec(
        rewrite={
            "stripPrefix": "/a.b",
            "host": "a:80",
            "method": "POST",
            "headers": {"set": {"X-A": "$remote_addr\t!"}, "add": {"X-B": ""}, "remove": ["X-C", "x-c"]},
        }
    ),
}
