"""From an EchoRoute's spec to the gateway objects that it asks for. Pure and total: what the models accept translates.

Defaults are applied here, all of them written out, so that a route does the same under each version of APISIX.
"""

import re
from typing import get_args

from pydantic import JsonValue

from echoroute.api.durations import seconds
from echoroute.api.headers import HeaderRewrite
from echoroute.api.match import Match, Method
from echoroute.api.rewrite import Rewrite
from echoroute.api.spec import EchoRouteSpec
from echoroute.api.upstream import Keepalive, Upstream, UpstreamTimeout
from echoroute.core.matching import address, expression, priority
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import labels, route_id, route_name

_DEFAULT_TIMEOUT = "6s"
_DEFAULT_IDLE_TIMEOUT = "60s"
_DEFAULT_POOL_SIZE = 320
_DEFAULT_POOL_REQUESTS = 1000

_ALL_BUT_HEAD = tuple(method for method in get_args(Method) if method != "HEAD")

_PCRE_SPECIAL = re.compile(r"[^0-9A-Za-z/_-]")


def translate(key: Key, spec: EchoRouteSpec, *, owner: str) -> Bundle:
    """The bundle of an EchoRoute: bodies as the Admin API takes them, with ownership labels and without ids."""
    identity = route_id(owner, key)
    return Bundle(identity, {ObjectRef(Kind.ROUTE, identity): _route(key, spec, owner)})


def _route(key: Key, spec: EchoRouteSpec, owner: str) -> JsonObject:
    body: JsonObject = {**_match(spec.match, _methods(spec)), "name": spec.name or route_name(key)}
    plugins: JsonObject = dict(spec.plugins or {})
    if spec.rewrite:
        plugins["proxy-rewrite"] = _proxy_rewrite(spec.rewrite)
    if plugins:
        body["plugins"] = plugins
    body["upstream"] = _upstream(spec.backends[0].service, spec.upstream or Upstream())
    body["labels"] = labels(owner, key)
    body["status"] = 0 if spec.enabled is False else 1
    if spec.websocket:
        body["enable_websocket"] = True
    return body


def _methods(spec: EchoRouteSpec) -> tuple[str, ...]:
    """The methods that a route takes; empty for any.

    With another method at the backend it does not take HEAD: nginx would answer it with a body.
    """
    if spec.match.methods:
        return spec.match.methods
    return _ALL_BUT_HEAD if spec.rewrite and spec.rewrite.method else ()


def _match(match: Match, methods: tuple[str, ...]) -> JsonObject:
    body: JsonObject = {"uri": match.paths[0]} if len(match.paths) == 1 else {"uris": list(match.paths)}
    if match.hosts:
        # Distinct as written and equal in lower case is one host; APISIX refuses duplicates.
        body["hosts"] = list(dict.fromkeys(host.lower() for host in match.hosts))
    if methods:
        body["methods"] = list(methods)
    if match.remote_addrs:
        body["remote_addrs"] = list(dict.fromkeys(map(address, match.remote_addrs)))
    if vars_ := expression(match):
        body["vars"] = vars_
    if order := priority(match):
        body["priority"] = order
    return body


def _proxy_rewrite(rewrite: Rewrite) -> JsonObject:
    config: JsonObject = {}
    if rewrite.regex:
        config["regex_uri"] = [rewrite.regex.pattern, rewrite.regex.replacement]
    if rewrite.path is not None:
        config["uri"] = rewrite.path
    if rewrite.strip_prefix is not None:
        config["regex_uri"] = [_strip_pattern(rewrite.strip_prefix), "/$1"]
    if rewrite.host is not None:
        config["host"] = rewrite.host
    if rewrite.method is not None:
        config["method"] = rewrite.method
    if rewrite.headers:
        config["headers"] = _header_changes(rewrite.headers)
    return config


def _strip_pattern(prefix: str) -> str:
    """A PCRE pattern that takes `prefix` off at a segment's end and keeps the rest as group 1, without its slash.

    `(?s)` and the absolute end make it hold for paths with an encoded line break too.
    """
    escaped = _PCRE_SPECIAL.sub(_escape, prefix)
    return rf"(?s)^{escaped}(?:/(.*))?\z"


def _escape(match: re.Match[str]) -> str:
    # In PCRE a backslash makes any ASCII character but letters and digits stand for itself; beyond ASCII all do.
    character = match.group()
    return f"\\{character}" if character.isascii() else character


def _header_changes(headers: HeaderRewrite) -> JsonObject:
    changes: JsonObject = {}
    if headers.set:
        changes["set"] = dict[str, JsonValue](headers.set)
    if headers.add:
        changes["add"] = dict[str, JsonValue](headers.add)
    if headers.remove:
        changes["remove"] = list(headers.remove)
    return changes


def _upstream(service: str, upstream: Upstream) -> JsonObject:
    body: JsonObject = {
        "type": "roundrobin",
        "discovery_type": "consul",
        "service_name": service,
        "scheme": upstream.scheme or "http",
        "pass_host": (upstream.pass_host or "Pass").lower(),
    }
    if upstream.host is not None:
        body["upstream_host"] = upstream.host
    body["timeout"] = _timeout(upstream.timeout or UpstreamTimeout())
    body["keepalive_pool"] = _keepalive_pool(upstream.keepalive or Keepalive())
    if upstream.retries is not None:
        body["retries"] = upstream.retries
    if upstream.retry_timeout is not None:
        body["retry_timeout"] = seconds(upstream.retry_timeout)
    return body


def _timeout(timeout: UpstreamTimeout) -> JsonObject:
    return {
        "connect": seconds(timeout.connect or _DEFAULT_TIMEOUT),
        "send": seconds(timeout.send or _DEFAULT_TIMEOUT),
        "read": seconds(timeout.read or _DEFAULT_TIMEOUT),
    }


def _keepalive_pool(keepalive: Keepalive) -> JsonObject:
    return {
        "size": keepalive.size or _DEFAULT_POOL_SIZE,
        "idle_timeout": seconds(keepalive.idle_timeout or _DEFAULT_IDLE_TIMEOUT),
        "requests": keepalive.requests or _DEFAULT_POOL_REQUESTS,
    }
