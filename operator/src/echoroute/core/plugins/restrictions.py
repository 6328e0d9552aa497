"""Open plugins that turn requests away: by address, client, path or size, and by how many there are."""

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from echoroute.core.plugins.declaration import Config, Holds, OpenPlugin, one_of, why
from echoroute.core.plugins.scalars import Address, Alphabet, HeaderName, Message, Regex, RejectedCode, Unique, fields

_Addresses = Annotated[list[Address], Field(min_length=1, max_length=256)]
_Patterns = Annotated[list[Regex], Field(min_length=1, max_length=64)]
_Referers = Annotated[
    list[
        Annotated[
            str,
            Field(max_length=253),
            Alphabet(r"\*|\*?[0-9A-Za-z._\[\]:-]+", "must be a host name, with '*' in front at most"),
        ]
    ],
    Field(min_length=1, max_length=256),
]


@fields
class IpRestriction(TypedDict, total=False):
    whitelist: Annotated[_Addresses, why("Addresses that may use the route.")]
    blacklist: Annotated[_Addresses, why("Addresses that may not use the route.")]
    message: Message
    response_code: Annotated[Literal[403, 404], why("Status of the refusal.")]


@fields
class UaRestriction(TypedDict, total=False):
    allowlist: Annotated[_Patterns, why("Regular expressions for user agents that may use the route.")]
    denylist: Annotated[_Patterns, why("Regular expressions for user agents that may not use the route.")]
    bypass_missing: Annotated[bool, why("Whether requests without a `User-Agent` may use the route.")]
    message: Message


@fields
class RefererRestriction(TypedDict, total=False):
    whitelist: Annotated[_Referers, why("Hosts in `Referer` that may use the route.")]
    blacklist: Annotated[_Referers, why("Hosts in `Referer` that may not use the route.")]
    bypass_missing: Annotated[bool, why("Whether requests without a `Referer` may use the route.")]
    message: Message


@fields
class UriBlocker(TypedDict, total=False):
    block_rules: Required[
        Annotated[
            _Patterns, Unique, why("Regular expressions. A request is refused if one matches its path with the query.")
        ]
    ]
    case_insensitive: Annotated[bool, why("Whether the regular expressions ignore letter case.")]
    rejected_code: RejectedCode
    rejected_msg: Message


@fields
class ClientControl(TypedDict, total=False):
    max_body_size: Annotated[
        int,
        Field(ge=1, le=1_073_741_824),
        why("Largest body, in bytes: at most 1 GiB. 0 would remove the platform's own limit."),
    ]


@fields
class Csrf(TypedDict, total=False):
    key: Required[
        Annotated[
            str,
            Field(min_length=1, max_length=1024),
            Alphabet(r"[!-~]+", "must be printable ASCII without blanks"),
            why("Secret that signs the tokens."),
        ]
    ]
    expires: Annotated[int, Field(ge=1, le=31_536_000), why("Seconds for which a token is valid: at most a year.")]
    name: Annotated[HeaderName, why("Name of the header and of the cookie.")]


_CLIENTS = "remote_addr|consumer_name|consumer_group_id|route_id|service_id"
_Key = Annotated[
    str,
    Field(max_length=256),
    Alphabet(
        rf"(?:{_CLIENTS})|\$(?:{_CLIENTS})(?: \$(?:{_CLIENTS}))*",
        "must be one of remote_addr, consumer_name, consumer_group_id, route_id, service_id; with "
        "key_type: var_combination several, such as '$remote_addr $consumer_name'",
    ),
    why(
        "What requests are counted by. A header or the path may not choose it: a client could fill the dictionary of "
        "counters, which all routes share."
    ),
]
_KeyType = Annotated[Literal["var", "var_combination"], why("Whether `key` is one variable, or several with `$`.")]
_Local = Annotated[Literal["local"], why("Where the counters are: in the gateway.")]
_Degradation = Annotated[bool, why("Whether requests pass if the counting fails.")]
_COUNT = 1_000_000_000
_LONGEST_WAIT = 60  # seconds; each wait holds a client, and so a connection of the gateway's


@fields
class LimitReq(TypedDict, total=False):
    rate: Required[Annotated[float, Field(ge=0.001, le=1_000_000), why("Requests per second.")]]
    burst: Required[
        Annotated[float, Field(ge=0, le=100_000), why("Requests beyond the rate that are delayed, not rejected.")]
    ]
    key: Required[_Key]
    key_type: _KeyType
    policy: _Local
    nodelay: Annotated[bool, why("Whether requests within `burst` pass without a delay.")]
    rejected_code: RejectedCode
    rejected_msg: Message
    allow_degradation: _Degradation


@fields
class LimitConn(TypedDict, total=False):
    conn: Required[Annotated[int, Field(ge=1, le=1_000_000), why("Requests at the same time.")]]
    burst: Required[
        Annotated[int, Field(ge=0, le=1_000_000), why("Requests beyond `conn` that are delayed, not rejected.")]
    ]
    default_conn_delay: Required[
        Annotated[
            float, Field(ge=0.001, le=60), why("Seconds of delay: at most a minute, because each delay holds a client.")
        ]
    ]
    only_use_default_delay: Annotated[bool, why("Whether the delay stays the same, however many requests there are.")]
    key: Required[_Key]
    key_type: _KeyType
    policy: _Local
    rejected_code: RejectedCode
    rejected_msg: Message
    allow_degradation: _Degradation


@fields
class LimitCount(TypedDict, total=False):
    count: Required[Annotated[int, Field(ge=1, le=_COUNT), why("Requests in a time window.")]]
    time_window: Required[
        Annotated[
            int,
            Field(ge=1, le=86_400),
            why("Length of a window in seconds: at most a day. Longer windows fill the shared dictionary."),
        ]
    ]
    window_type: Annotated[
        Literal["fixed", "sliding"],
        why("Whether each window begins after the last one (`fixed`), or moves with time (`sliding`)."),
    ]
    key: _Key
    key_type: _KeyType
    policy: _Local
    rejected_code: RejectedCode
    rejected_msg: Message
    allow_degradation: _Degradation
    show_limit_quota_header: Annotated[bool, why("Whether response headers show the quota and what is left of it.")]


def _key_has_its_type(config: Config) -> bool:
    combined = config.get("key_type") == "var_combination"
    return "key" not in config or str(config["key"]).startswith("$") == combined


def _number(config: Config, field: str) -> float:
    value = config[field]
    return value if isinstance(value, int | float) else 0


def _requests_wait_a_minute(config: Config) -> bool:
    return config.get("nodelay") is True or _number(config, "burst") <= _number(config, "rate") * _LONGEST_WAIT


def _connections_wait_a_minute(config: Config) -> bool:
    conn, burst = _number(config, "conn"), _number(config, "burst")
    return (conn + burst - 1) // conn * _number(config, "default_conn_delay") <= _LONGEST_WAIT


_KEY_TYPE = Holds(
    "must have a key with '$' exactly where key_type is var_combination ('remote_addr', or '$remote_addr')",
    _key_has_its_type,
)
_REDIS = "It names a Redis at any address. Counters are kept in the gateway (policy: local)."
_REDIS_FIELDS = (
    "redis_host", "redis_port", "redis_username", "redis_password", "redis_database", "redis_timeout", "redis_ssl",
    "redis_ssl_verify", "redis_keepalive_timeout", "redis_keepalive_pool", "redis_cluster_nodes", "redis_cluster_name",
    "redis_cluster_ssl", "redis_cluster_ssl_verify",
)  # fmt: skip
_NO_REDIS = dict.fromkeys(_REDIS_FIELDS, _REDIS)
_RULES = "Its keys are free text with variables. A client could fill the dictionary that all routes share."

RESTRICTIONS = {
    "client-control": OpenPlugin(ClientControl),
    "csrf": OpenPlugin(Csrf),
    "ip-restriction": OpenPlugin(IpRestriction, rules=(one_of("whitelist", "blacklist"),)),
    "limit-conn": OpenPlugin(
        LimitConn,
        left_out={**_NO_REDIS, "key_ttl": _REDIS, "rules": _RULES, "_vid": "Internal to the workflow plugin."},
        rules=(
            _KEY_TYPE,
            Holds(
                f"must not let clients wait for more than {_LONGEST_WAIT} seconds: (conn + burst - 1) / conn, rounded "
                "down, times default_conn_delay",
                _connections_wait_a_minute,
            ),
        ),
    ),
    "limit-count": OpenPlugin(
        LimitCount,
        left_out={
            **_NO_REDIS,
            **dict.fromkeys(
                (
                    "redis_sentinels", "redis_master_name", "redis_role", "redis_connect_timeout", "redis_read_timeout",
                    "sentinel_username", "sentinel_password", "sync_interval",
                ),
                _REDIS,
            ),
            "group": "It shares one quota among all routes that name it, other teams' included.",
            "rules": _RULES,
            "_vid": "Internal to the workflow plugin.",
            "limit_header": "Not in APISIX's schema, but read all the same. It sets a response header of any name.",
            "remaining_header": "The same as limit_header.",
            "reset_header": "The same as limit_header.",
        },
        rules=(_KEY_TYPE,),
    ),
    "limit-req": OpenPlugin(
        LimitReq,
        left_out=_NO_REDIS,
        rules=(
            _KEY_TYPE,
            Holds(
                f"must not let clients wait for more than {_LONGEST_WAIT} seconds, which is burst / rate; or must have "
                "nodelay",
                _requests_wait_a_minute,
            ),
        ),
    ),
    "referer-restriction": OpenPlugin(RefererRestriction, rules=(one_of("whitelist", "blacklist"),)),
    "ua-restriction": OpenPlugin(UaRestriction, rules=(one_of("allowlist", "denylist"),)),
    "uri-blocker": OpenPlugin(
        UriBlocker, left_out={"block_rules_concat": "Internal: it holds the joined pattern, which nothing would check."}
    ),
}  # fmt: skip
"""Name of the plugin to its declaration."""
