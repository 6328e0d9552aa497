"""Headers that `rewrite.headers` changes: APISIX does so before it looks at a canary's conditions and at a hash's key.

A condition on one would hold always, or never; a hash on one would choose the same instance for everybody.
"""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from echoroute.api.canary import CanaryRule
from echoroute.api.headers import normalised
from echoroute.api.load_balancer import LoadBalancer
from echoroute.api.rewrite import Rewrite

_AS_COMPARED = "{}.lowerAscii().replace('_', '-')"

# Neither field is looked into where it is null, which the operator refuses.
_NONE_CHANGED = (
    "!has(self.rewrite) || dyn(self.rewrite) == null || !has(self.rewrite.headers) || dyn(self.rewrite.headers) == null"
)


def _is_changed(name: str) -> str:
    """CEL: whether a header is changed; `name` is CEL for its name as it is compared."""
    fields = [f"self.rewrite.headers.{field}" for field in ("set", "add", "remove")]
    found = f"exists(changed, {_AS_COMPARED.format('changed')} == {name})"
    return " || ".join(f"(has({field}) && dyn({field}) != null && {field}.{found})" for field in fields)


def _some(field: str) -> str:
    """CEL: whether a rule has conditions of this kind."""
    return f"has(rule.match.{field}) && dyn(rule.match.{field}) != null"


CANARY_CEL = (
    f"!has(self.canary) || {_NONE_CHANGED} || !self.canary.exists(rule, "
    f"({_some('headers')} && rule.match.headers.exists(header, {_is_changed(_AS_COMPARED.format('header.name'))}))"
    f" || ({_some('cookies')} && ({_is_changed(repr('cookie'))})))"
)
CANARY_MESSAGE = (
    "must have no condition on a header that rewrite.headers changes, nor on cookies where it changes Cookie. The "
    "gateway compares after the rewrite: use another header, or do not change this one"
)

_BALANCER = "self.upstream.loadBalancer"
HASH_CEL = (
    f"!has(self.upstream) || !has({_BALANCER}) || !has({_BALANCER}.key) || !has({_BALANCER}.hashOn)"
    f" || {_BALANCER}.hashOn == 'Variable' || {_NONE_CHANGED} || !({_BALANCER}.hashOn == 'Cookie'"
    f" ? ({_is_changed(repr('cookie'))}) : ({_is_changed(_AS_COMPARED.format(f'{_BALANCER}.key'))}))"
)
HASH_MESSAGE = (
    "must not be a header that rewrite.headers changes, nor a cookie where it changes Cookie. The gateway picks the "
    "instance after the rewrite: use another key, or do not change this header"
)


def changed_headers(rewrite: Rewrite | None, plugins: Mapping[str, JsonValue] | None) -> frozenset[str]:
    """Names of headers that are changed before, as they are compared.

    Those of `plugins.proxy-rewrite`, too, which becomes the same plugin; the API server does not look into plugins.
    """
    headers = rewrite.headers if rewrite else None
    names = [*(headers.set or ()), *(headers.add or ()), *(headers.remove or ())] if headers else []
    config = (plugins or {}).get("proxy-rewrite")
    raw = config.get("headers") if isinstance(config, dict) else None
    for given in map(raw.get, ("set", "add", "remove")) if isinstance(raw, dict) else ():
        names += [name for name in given if isinstance(name, str)] if isinstance(given, dict | list) else []
    return frozenset(map(normalised, names))


def spares_canary(changed: frozenset[str], canary: Sequence[CanaryRule]) -> bool:
    """Whether no rule of a canary looks at headers that are changed."""
    return not any(
        changed.intersection(condition.compared_name() for condition in rule.match.headers or ())
        or (rule.match.cookies is not None and "cookie" in changed)
        for rule in canary
    )


def spares_hash(changed: frozenset[str], balancer: LoadBalancer | None) -> bool:
    """Whether the key of a hash is no header that is changed."""
    if balancer is None or balancer.key is None:
        return True
    header = {"Header": normalised(balancer.key), "Cookie": "cookie"}.get(balancer.hash_on or "")
    return header not in changed
