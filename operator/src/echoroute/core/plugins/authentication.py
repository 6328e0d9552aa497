"""Open plugins that ask who calls: they know the gateway's own Consumers, which the platform makes."""

from typing import Annotated, Literal, Required, TypeVar

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from echoroute.api.rules import problem
from echoroute.core.plugins.declaration import Config, Holds, OpenPlugin, some_of, why
from echoroute.core.plugins.scalars import HeaderName, Message, Name, Realm, RejectedCode, Unique, counted, fields

T = TypeVar("T")

_ANONYMOUS = {"anonymous_consumer": "Every client would become a Consumer, which another team's backend may trust."}

HideCredentials = Annotated[bool, why("Whether the gateway removes the credentials from the request to the backend.")]
AuthRealm = Annotated[Realm, why("The realm in the response header `WWW-Authenticate`.")]
_Consumers = Annotated[list[Name], Field(min_length=1, max_length=256)]
_Labels = Annotated[
    dict[Name, Annotated[list[Name], Field(min_length=1, max_length=64)]],
    Field(min_length=1, max_length=64),
    counted(64),
]
_Method = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PURGE"]


@fields
class KeyAuth(TypedDict, total=False):
    header: Annotated[HeaderName, why("Header with the key. `hide_credentials` removes it.")]
    query: Annotated[Name, why("Query argument with the key.")]
    hide_credentials: HideCredentials
    realm: AuthRealm


@fields
class BasicAuth(TypedDict, total=False):
    hide_credentials: HideCredentials
    realm: AuthRealm


@fields
class JwtAuth(TypedDict, total=False):
    header: Annotated[HeaderName, why("Header with the token. `hide_credentials` removes it.")]
    query: Annotated[Name, why("Query argument with the token.")]
    cookie: Annotated[Name, why("Cookie with the token.")]
    hide_credentials: HideCredentials
    key_claim_name: Annotated[Name, why("Claim that names the Consumer's key.")]
    claims_to_verify: Annotated[
        list[Literal["exp", "nbf"]], Field(max_length=2), Unique, why("Claims that are verified.")
    ]
    realm: AuthRealm


@fields
class HmacAuth(TypedDict, total=False):
    allowed_algorithms: Annotated[
        list[Literal["hmac-sha1", "hmac-sha256", "hmac-sha512"]],
        Field(min_length=1, max_length=3),
        why("Algorithms that a client may use."),
    ]
    clock_skew: Annotated[int, Field(ge=1, le=86_400), why("Seconds by which the clocks may differ: at most a day.")]
    signed_headers: Annotated[
        list[Annotated[HeaderName, Field(max_length=50)]], Field(max_length=32), why("Headers that must be signed.")
    ]
    validate_request_body: Annotated[
        bool, why("Whether the body is signed, too. The gateway holds it in memory meanwhile.")
    ]
    max_req_body_size: Annotated[
        int,
        Field(ge=1, le=1_048_576),
        why("Largest body that is validated, in bytes: at most 1 MiB. By default APISIX would hold 64 MiB."),
    ]
    hide_credentials: HideCredentials
    realm: AuthRealm


_OneAuthPlugin = TypedDict(
    "_OneAuthPlugin",
    {"key-auth": KeyAuth, "basic-auth": BasicAuth, "jwt-auth": JwtAuth, "hmac-auth": HmacAuth},
    total=False,
)


def _one(config: T) -> T:
    # Before it is looked into: each name that is not open were an error.
    if isinstance(config, dict) and len(config) != 1:
        raise problem("must be an object of one plugin")
    return config


@fields
class MultiAuth(TypedDict, total=False):
    auth_plugins: Required[
        Annotated[
            list[Annotated[_OneAuthPlugin, BeforeValidator(_one)]],
            Field(min_length=2, max_length=4),
            why("Objects with one plugin each, of which one has to succeed. Each config obeys its plugin's rules."),
        ]
    ]


@fields
class _AllowedByMethods(TypedDict, total=False):
    user: Required[Annotated[Name, why("Name of a Consumer.")]]
    methods: Required[
        Annotated[list[_Method], Field(min_length=1, max_length=10), why("Methods that this Consumer may use.")]
    ]


@fields
class ConsumerRestriction(TypedDict, total=False):
    type: Annotated[
        Literal["consumer_name", "consumer_group_id", "route_id", "service_id"],
        why("What the entries of the lists are."),
    ]
    whitelist: Annotated[_Consumers, why("Entries that may use the route.")]
    blacklist: Annotated[_Consumers, why("Entries that may not use the route.")]
    allowed_by_methods: Annotated[
        list[_AllowedByMethods], Field(min_length=1, max_length=64), why("Methods that each Consumer may use.")
    ]
    rejected_code: RejectedCode
    rejected_msg: Message


@fields
class Acl(TypedDict, total=False):
    allow_labels: Annotated[_Labels, why("Labels of Consumers that may use the route.")]
    deny_labels: Annotated[_Labels, why("Labels of Consumers that may not use the route.")]
    rejected_code: RejectedCode
    rejected_msg: Message


def _body_has_a_bound(config: Config) -> bool:
    return config.get("validate_request_body") is not True or "max_req_body_size" in config


def _every_body_has_a_bound(config: Config) -> bool:
    plugins = config.get("auth_plugins")
    entries = [one.get("hmac-auth") for one in plugins if isinstance(one, dict)] if isinstance(plugins, list) else []
    return all(_body_has_a_bound(entry) for entry in entries if isinstance(entry, dict))


_BOUNDED = "must have max_req_body_size, at most 1048576, with validate_request_body"

AUTHENTICATION = {
    "acl": OpenPlugin(
        Acl,
        left_out={
            "external_user_label_field": "It reads users of other providers, whose plugins are closed.",
            "external_user_label_field_key": "The same as external_user_label_field.",
            "external_user_label_field_parser": "The same as external_user_label_field.",
            "external_user_label_field_separator": "The same as external_user_label_field.",
        },
        rules=(some_of("allow_labels", "deny_labels"),),
    ),
    "basic-auth": OpenPlugin(BasicAuth, left_out=_ANONYMOUS),
    "consumer-restriction": OpenPlugin(
        ConsumerRestriction, rules=(some_of("whitelist", "blacklist", "allowed_by_methods"),)
    ),
    "hmac-auth": OpenPlugin(
        HmacAuth,
        left_out=_ANONYMOUS,
        rules=(Holds(_BOUNDED, _body_has_a_bound),),
    ),
    "jwt-auth": OpenPlugin(
        JwtAuth,
        left_out={**_ANONYMOUS, "store_in_ctx": "Only closed plugins read what it stores."},
    ),
    "key-auth": OpenPlugin(KeyAuth, left_out=_ANONYMOUS),
    "multi-auth": OpenPlugin(
        MultiAuth,
        rules=(Holds(f"{_BOUNDED}, in hmac-auth inside auth_plugins, too", _every_body_has_a_bound),),
    ),
}
"""Name of the plugin to its declaration."""
