"""Open plugins that change a request before it goes to the backend, or send the client elsewhere."""

import re
from functools import partial
from typing import Annotated, Literal, Required

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from echoroute.api import variables
from echoroute.api.captures import groups_without_dollar
from echoroute.api.rules import problem
from echoroute.api.scalars import NOTHING_DECODED_IN_THE_QUERY
from echoroute.core.plugins.declaration import SOME_HEADERS, Config, Holds, OpenPlugin, one_of, some_of, why
from echoroute.core.plugins.scalars import Alphabet, HeaderName, HeaderNames, Headers, Regex, fields, resolved

_SUBSTITUTION = "A regular expression, and the replacement for what it matches."
_is_template = re.compile(r"(?:[^$]|\$\$|\$[0-9]{1,2}(?![0-9])|\$\{[0-9]{1,2}\})*", re.DOTALL).fullmatch


def _with_template(pair: list[str]) -> list[str]:
    if _is_template(pair[-1]) is None:
        raise problem("must have a replacement in which '$' begins the number of a group ('$1', '${1}') or is doubled")
    return pair


_Substitution = Annotated[list[Regex], Field(min_length=2, max_length=2), AfterValidator(_with_template)]


def _nothing_decoded_in_the_query(path: str) -> str:
    if not NOTHING_DECODED_IN_THE_QUERY.holds(path):
        raise problem(NOTHING_DECODED_IN_THE_QUERY.message)
    return path


_SetHeaders = Annotated[
    Headers,
    resolved(
        partial(variables.unknown, groups=True), variables.HEADER_VALUE_MESSAGE.replace("rewrite.regex", "regex_uri")
    ),
]


@fields
class _RequestHeaders(TypedDict, total=False):
    set: Annotated[_SetHeaders, why("Request headers that replace the client's.")]
    add: Annotated[_SetHeaders, why("Request headers to add to the client's.")]
    remove: Annotated[HeaderNames, why("Request headers to remove.")]


@fields
class ProxyRewrite(TypedDict, total=False):
    uri: Annotated[
        str,
        Field(min_length=1, max_length=1024),
        Alphabet(r"/[^\x00-\x1f\x7f-\x9f]*", "must start with '/' and have no control characters"),
        AfterValidator(_nothing_decoded_in_the_query),
        resolved(partial(variables.unknown, groups=False), variables.PATH_MESSAGE),
        why("New path. `spec.rewrite.path` is the typed form."),
    ]
    regex_uri: Annotated[
        _Substitution, why("A regular expression and a replacement. `spec.rewrite.regex` is the typed form.")
    ]
    host: Annotated[
        str,
        Field(min_length=1, max_length=259),
        Alphabet(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*(?::[0-9]{1,5})?", "must be a host name, with a port if need be"),
        why("Host header that the backend sees."),
    ]
    headers: Annotated[_RequestHeaders, why("Request headers to change.")]


@fields
class Redirect(TypedDict, total=False):
    http_to_https: Annotated[
        bool,
        why(
            "Redirects to https, with status 301 or 308, at the port where the gateway itself listens for https: 9443 "
            "by default, else `plugin_attr.redirect.https_port` of its configuration. Behind a load balancer that "
            "ends TLS, the gateway needs `apisix.trusted_addresses`; else it redirects each request."
        ),
    ]
    uri: Annotated[
        str,
        Field(min_length=2, max_length=1024),
        Alphabet(r"[^\x00-\x20\x7f-\x9f\\]+", "must have no blanks, backslashes or control characters"),
        resolved(variables.unknown_in_redirect, variables.TEXT_MESSAGE),
        why("Where to redirect. Variables such as `$uri` and `${host}` are replaced."),
    ]
    regex_uri: Annotated[_Substitution, why(_SUBSTITUTION)]
    ret_code: Annotated[Literal[301, 302, 303, 307, 308], why("Status of the redirect.")]
    encode_uri: Annotated[bool, why("Whether the new path is encoded.")]
    append_query_string: Annotated[
        bool, why("Whether the query is kept. Not with http_to_https, which always keeps it.")
    ]


@fields
class RequestId(TypedDict, total=False):
    header_name: Annotated[HeaderName, why("Header with the id. The gateway sets it if the client sent none.")]
    include_in_response: Annotated[bool, why("Whether the response has the header, too.")]
    algorithm: Annotated[Literal["uuid", "nanoid", "ksuid", "uuidv7"], why("How ids are made.")]


@fields
class ProxyControl(TypedDict, total=False):
    request_buffering: Annotated[bool, why("Whether the whole request is read before the backend gets it.")]


@fields
class ProxyBuffering(TypedDict, total=False):
    disable_proxy_buffering: Annotated[
        bool, why("Whether the gateway passes the response on as it arrives, without a buffer.")
    ]


@fields
class GrpcWeb(TypedDict, total=False):
    cors_allow_headers: Annotated[
        str,
        Field(min_length=1, max_length=1024),
        Alphabet(r"[A-Za-z0-9_-]+(?:, ?[A-Za-z0-9_-]+)*", "must be names of headers, separated by commas"),
        why("Request headers that a browser may send."),
    ]
    max_req_body_size: Required[
        Annotated[
            int,
            Field(ge=1, le=4_194_304),
            why("Largest request, in bytes: at most 4 MiB. By default APISIX would hold 64 MiB."),
        ]
    ]


def _groups_hold_no_dollar(config: Config) -> bool:
    pair, headers = config.get("regex_uri"), config.get("headers")
    if not isinstance(pair, list) or not isinstance(pair[0], str) or not isinstance(headers, dict):
        return True
    maps = [map_ for map_ in (headers.get("set"), headers.get("add")) if isinstance(map_, dict)]
    used = {group for map_ in maps for value in map_.values() for group in variables.groups_in(str(value))}
    return used <= groups_without_dollar(pair[0])


def _plain_redirect(config: Config) -> bool:
    return not (config.get("http_to_https") and config.get("append_query_string"))


REQUESTS = {
    "grpc-web": OpenPlugin(GrpcWeb),
    "proxy-buffering": OpenPlugin(ProxyBuffering),
    "proxy-control": OpenPlugin(ProxyControl),
    "proxy-rewrite": OpenPlugin(
        ProxyRewrite,
        left_out={
            "method": "The response to HEAD would have a body. `spec.rewrite.method` takes all but HEAD.",
            "use_real_request_uri_unsafe": "It passes on what the client sent, without any check.",
            "connection": "Not in APISIX's schema, but read all the same. It is a header of the message itself.",
            "upgrade": "The same as connection.",
        },
        rules=(
            some_of("uri", "regex_uri", "host", "headers"),
            SOME_HEADERS,
            Holds(variables.GROUP_MESSAGE.replace("rewrite.regex", "regex_uri"), _groups_hold_no_dollar),
        ),
    ),
    "redirect": OpenPlugin(
        Redirect,
        rules=(
            one_of("uri", "regex_uri", "http_to_https"),
            Holds("must not have append_query_string beside http_to_https, which keeps the query", _plain_redirect),
        ),
    ),
    "request-id": OpenPlugin(
        RequestId,
        left_out={"range_id": "It makes ids of any length. An id of 60 MB stalls every route while it is made."},
    ),
}
"""Name of the plugin to its declaration."""
