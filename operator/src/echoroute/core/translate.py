"""From an EchoRoute's spec to the gateway objects that it asks for. Pure and total: what the models accept translates.

Defaults are applied here, all of them written out, so that a route does the same under each version of APISIX.
"""

import re
from typing import get_args

from pydantic import JsonValue

from echoroute.api.headers import HeaderRewrite
from echoroute.api.match import Match, Method
from echoroute.api.rewrite import Rewrite
from echoroute.api.selection import Resolver, Selection
from echoroute.api.spec import EchoRouteSpec
from echoroute.core.matching import address, expression, priority
from echoroute.core.objects import Bundle, JsonObject, Key, Kind, ObjectRef
from echoroute.core.ownership import labels, route_id, route_name, upstream_id
from echoroute.core.split import rules, serving
from echoroute.core.upstreams import UNSAID, upstream_body

_ALL_BUT_HEAD = tuple(method for method in get_args(Method) if method != "HEAD")

_PCRE_SPECIAL = re.compile(r"[^0-9A-Za-z/_-]")


def translate(key: Key, spec: EchoRouteSpec, *, owner: str) -> Bundle:
    """The bundle of an EchoRoute: bodies as the Admin API takes them, with ownership labels and without ids.

    The Route's own upstream stands in it where the gateway resolves it. All others are Upstreams. The id of one has a
    hash of all that it is, so that only its nodes ever change: another spec goes live with the Route that names others.
    """
    identity = route_id(owner, key)
    own, *others = serving(spec)
    bodies = {backend: upstream_body(backend, spec.upstream or UNSAID) for backend in (own, *others)}
    inline = bodies.pop(own) if own.resolver is Resolver.GATEWAY else None
    ids = {backend: upstream_id(owner, key, [backend.identity, body]) for backend, body in bodies.items()}
    route = _route(key, spec, owner, rules(spec, {backend: ids[backend] for backend in others}))
    route |= {"upstream_id": ids[own]} if inline is None else {"upstream": inline}
    objects: dict[ObjectRef, JsonObject] = {}
    resolved: dict[ObjectRef, Selection] = {}
    for backend, body in bodies.items():
        ref = ObjectRef(Kind.UPSTREAM, ids[backend])
        objects[ref] = {**body, "labels": labels(owner, key)}
        if backend.resolver is Resolver.OPERATOR:
            resolved[ref] = backend
    return Bundle(identity, {**objects, ObjectRef(Kind.ROUTE, identity): route}, resolved=resolved)


def _route(key: Key, spec: EchoRouteSpec, owner: str, split: list[JsonValue]) -> JsonObject:
    """Without its upstream; `split` are the rules by which requests go to others."""
    body: JsonObject = {**_match(spec.match, _methods(spec)), "name": spec.name or route_name(key)}
    if plugins := _plugins(spec, split):
        body["plugins"] = plugins
    body["labels"] = labels(owner, key)
    body["status"] = 0 if spec.enabled is False else 1
    if spec.websocket:
        body["enable_websocket"] = True
    return body


def _plugins(spec: EchoRouteSpec, split: list[JsonValue]) -> JsonObject:
    plugins: JsonObject = dict(spec.plugins or {})
    if spec.rewrite:
        plugins["proxy-rewrite"] = _proxy_rewrite(spec.rewrite)
    if split:
        plugins["traffic-split"] = {"rules": split}
    return plugins


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
