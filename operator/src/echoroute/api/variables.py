"""`$` in texts in which APISIX expands variables: header values and `rewrite.path`.

APISIX takes `$` and all letters, digits, `_` and `.` behind it for a variable, and what it does not know is an empty
text: a `$` of a password vanishes, and it has no escape. So what would vanish is refused. A `$` that nothing of this
follows stays as it is, and so does `\\$`, with the backslash.

Braces are closed, and have single blanks only: else the gateway's own pattern may go back and forth over the text for
very long, with each request. No group stands in them, since a client fills it.

nginx's variables: https://nginx.org/en/docs/varindex.html. APISIX's own, and how it reads a text: apisix/core/ctx.lua
and `resolve_var` in apisix/core/utils.lua of APISIX 3.18.
"""

import re
from collections.abc import Sequence

# Families, by what their names begin with. Without braces a name has no dots here: `$http_host.example` would be the
# variable `http_host.example`. Those of the request's body are left out (post_arg, graphql, request_body): APISIX would
# hold up to 64 MiB of each request for them.
FAMILIES = ("arg_", "cookie_", "http_", "uri_param_")

# Of nginx, what has a value when a request comes in; what describes the gateway itself (its files, its version, its
# process) is left out.
_NGINX = (
    "args", "connection", "connection_requests", "connection_time", "content_length", "content_type", "document_uri",
    "host", "http2", "http3", "https", "is_args", "msec",
    "proxy_add_x_forwarded_for", "proxy_protocol_addr", "proxy_protocol_port", "proxy_protocol_server_addr",
    "proxy_protocol_server_port",
    "query_string", "realip_remote_addr", "realip_remote_port", "remote_addr", "remote_port", "remote_user", "request",
    "request_id", "request_length", "request_method", "request_time", "request_uri", "scheme",
    "server_addr", "server_name", "server_port", "server_protocol", "ssl_alpn_protocol", "ssl_cipher", "ssl_ciphers",
    "ssl_client_escaped_cert", "ssl_client_fingerprint", "ssl_client_i_dn", "ssl_client_s_dn", "ssl_client_serial",
    "ssl_client_verify", "ssl_curve", "ssl_early_data", "ssl_protocol", "ssl_server_name", "ssl_session_id",
    "ssl_session_reused", "time_iso8601", "time_local", "uri",
)  # fmt: skip
_APISIX = (
    "apisix_request_id", "consumer_group_id", "consumer_name", "method",
    "opentelemetry_context_traceparent", "opentelemetry_span_id", "opentelemetry_trace_id", "original_x_forwarded_for",
    "original_x_forwarded_host", "original_x_forwarded_port", "original_x_forwarded_proto", "route_id", "route_name",
    "service_id", "service_name", "upstream_host", "upstream_scheme", "zipkin_context_traceparent", "zipkin_span_id",
    "zipkin_trace_id",
)  # fmt: skip
KNOWN = frozenset((*_NGINX, *_APISIX))

# What has a value once there is an answer.
ANSWER_FAMILIES = ("sent_http_", "upstream_http_")
OF_ANSWERS = frozenset((
    "balancer_ip", "balancer_port", "body_bytes_sent", "bytes_sent", "status", "upstream_addr",
    "upstream_bytes_received", "upstream_bytes_sent", "upstream_connect_time", "upstream_header_time",
    "upstream_response_length", "upstream_response_time", "upstream_status",
))  # fmt: skip

# As APISIX finds references; what a backslash stands before it leaves alone. The '$' comes first: it is searched for.
_reference = re.compile(r"[$](?<!\\[$])(?:[{]([^}]*)([}]?)|([A-Za-z0-9_.]+))")
_in_braces = re.compile(r" ?[^\s{}]+(?: [^\s{}]+)* ?").fullmatch
_group = re.compile(r"[$](?<!\\[$])[{]?([0-9]+)[}]?")
# Stands for what a group may hold: it goes on with a name, and may not stand in braces. APISIX looks for names later.
_HELD = "x{}"

# For the API server, whose regular expressions cannot look behind or ahead, and cost by their length: names by their
# first word. Nothing that is right is refused; what passes there all the same, such as `$host.example`, the operator
# refuses.
_WORDS = sorted({name.partition("_")[0] for name in (*KNOWN, *FAMILIES) if "_" in name})
_SHORT = sorted(name for name in KNOWN if "_" not in name)
_NAMES = f"(?:{'|'.join(_SHORT)}|(?:{'|'.join(_WORDS)})_[A-Za-z0-9_]+)"


def _pattern(*more: str) -> str:
    references = rf"[$]+(?:[{{]\s*)?(?:{_NAMES}\b{''.join(more)})"
    return rf"(?:[^$\\]|\\[$]?|{references}|[$]+[^A-Za-z0-9_.{{$]|[$]+$|[$]+[{{][}}])*"


HEADER_VALUE_CEL, PATH_CEL = _pattern("|[0-9]"), _pattern()


def unknown(text: str, *, groups: bool, answer: bool = False) -> str:
    """The first reference in a text that APISIX would replace by nothing, or that is closed; empty for none.

    With `groups` those of a regular expression are replaced before, so that `$host$1` is no `$host` any more.
    With `answer` it is resolved when there is one.
    """
    for found in _reference.finditer(_group.sub(_HELD, text) if groups else text):
        braced, end, plain = found.groups()
        name = plain or braced
        if name and (plain or (end and _in_braces(braced))):
            variable = name.partition("??")[0].strip()
            of_answer = answer and (variable in OF_ANSWERS or is_of(ANSWER_FAMILIES, variable))
            if " " not in variable and (of_answer or _is_known(variable, in_braces=not plain)):
                continue
        if name or not end:
            return name or "{"
    return ""


# The plugin redirect reads variables by a pattern of its own: no name has a dot, and there are no defaults.
_plain_reference = re.compile(r"[$](?:[{]([A-Za-z0-9_]+)[}]|([A-Za-z0-9_]+))")


def unknown_in_redirect(text: str) -> str:
    """The same for where the plugin redirect sends a client."""
    names = (found[1] or found[2] for found in _plain_reference.finditer(text))
    return next((name for name in names if not _is_known(name, in_braces=True)), "")


def _is_known(name: str, *, in_braces: bool) -> bool:
    return name in KNOWN or (is_of(FAMILIES, name) and (in_braces or "." not in name))


def is_of(families: Sequence[str], name: str) -> bool:
    """Whether a name begins as one of the families do, and goes on."""
    return any(name.startswith(family) and name != family for family in families)


def groups_in(text: str) -> set[int]:
    """The numbers of the groups that a text refers to."""
    return {int(found[1]) for found in _group.finditer(text)}


_ELSE_VANISHES = "Close braces, with single blanks and no group in them. Anything else vanishes, and there is no escape"
GROUP_MESSAGE = (
    "must refer only to groups of rewrite.regex that can hold no '$', such as ([^/$]*) or ([0-9]+): APISIX would take "
    "a '$' in the path that a client asks for as the beginning of a variable"
)
HEADER_VALUE_MESSAGE = (
    "must have '$' in its values only for a variable of the request ('$remote_addr', '$http_x_id', '${arg_id}', not "
    f"followed by a dot, a letter or a group) or a group of rewrite.regex ('$1'). {_ELSE_VANISHES}"
)
TEXT_MESSAGE = (
    "must have '$' only for a variable of the request ('$remote_addr', '$http_x_id', '${arg_id}', not followed by a "
    f"dot or a letter). {_ELSE_VANISHES}"
)
ANSWER_MESSAGE = (
    "must have '$' only for a variable of the request or its answer ('$remote_addr', '$upstream_addr', "
    f"'${{upstream_http_x_id}}', not followed by a dot or a letter). {_ELSE_VANISHES}"
)
PATH_MESSAGE = (
    "must have '$' only for a variable of the request ('$arg_id', '${http_x_id}', not followed by a dot or a letter)"
    f". {_ELSE_VANISHES}"
)
