"""Which plugins a spec may have, and what of them."""

from .malformed import Malformed, spec

MALFORMED = [
    Malformed(
        "a plugin's config is an object",
        spec(plugins={"cors": "x"}),
        "spec.plugins.cors",
        "must be an object",
        "schema",
    ),
    Malformed(
        "plugins are a map, not a list",
        spec(plugins=[{"name": "cors"}]),
        "spec.plugins",
        "must be an object",
        "schema",
    ),
    Malformed(
        "plugins are bounded", spec(plugins={f"p{n}": {} for n in range(65)}), "spec.plugins", "at most 64", "schema"
    ),
    Malformed(
        "one of the two would be lost",
        spec(rewrite={"path": "/b"}, plugins={"proxy-rewrite": {"uri": "/c"}}),
        "spec.plugins",
        "proxy-rewrite",
        "cel",
    ),
    Malformed(
        "Lua code in the gateway",
        spec(plugins={"serverless-pre-function": {"phase": "access"}}),
        "spec.plugins.serverless-pre-function",
        "platform team",
        "operator",
    ),
    Malformed(
        "a name that nobody knows", spec(plugins={"corz": {}}), "spec.plugins.corz", "check the name", "operator"
    ),
    Malformed(
        "Lua code on any plugin",
        spec(plugins={"cors": {"_meta": {"pre_function": "return function() end"}}}),
        "spec.plugins.cors._meta.pre_function",
        "Lua code",
        "operator",
    ),
    Malformed(
        "the gateway's environment",
        spec(plugins={"mocking": {"response_example": "$eNv://KEY"}}),
        "spec.plugins.mocking.response_example",
        "$env://",
        "operator",
    ),
    Malformed(
        "a client could fill the gateway's counters",
        spec(plugins={"limit-req": {"rate": 1, "burst": 1, "key": "http_x_user"}}),
        "spec.plugins.limit-req.key",
        "one of remote_addr, consumer_name",
        "operator",
    ),
    Malformed(
        "another team's quota",
        spec(plugins={"limit-count": {"count": 1, "time_window": 1, "group": "all"}}),
        "spec.plugins.limit-count.group",
        "is closed. It shares one quota",
        "operator",
    ),
    Malformed(
        "any address",
        spec(plugins={"traffic-split": {"rules": []}}),
        "spec.plugins.traffic-split",
        "is a closed plugin",
        "operator",
    ),
]

WELL_FORMED = {
    "plugins are opaque": spec(plugins={"cors": {"allow_origins": "*", "_meta": {"disable": False}}, "key-auth": {}}),
    "no plugin is a plugin map too": spec(plugins={}),
}
