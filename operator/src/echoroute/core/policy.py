"""Which plugins an EchoRoute may use, and with which fields.

Open plugins (`core.plugins`) are for everybody. `ECHOROUTE_ALLOW_PLUGINS` opens others for all tenants, verbatim.
Nothing opens references to the gateway's environment or secrets, or the operator's own Upstreams. Messages name places
and never show a value.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from echoroute.api.scalars import REFERENCE
from echoroute.api.spec import EchoRouteSpec
from echoroute.core.objects import JsonObject
from echoroute.core.place import Place, path, shortened
from echoroute.core.plugins import CLOSED, OPEN, field_errors
from echoroute.errors import FieldError

EVERYTHING = "*"
"""In the place of a name it opens all plugins: for a gateway of one trusted team."""

PRE_FUNCTION = "_meta.pre_function"
"""The name that opens Lua code in the `_meta` of a plugin."""

_SPLIT = "traffic-split"
"""The operator itself writes it, for several backends; a spec may have it where the platform team has opened it."""

_MOST = 16  # refusals that one object is told
_OWNED = re.compile(r"[0-9a-f]{8}\.")  # how the ids of an operator's objects begin, this one's or another's

_CODE = (
    f"is Lua code for the gateway; leave it out, or ask the platform team for ECHOROUTE_ALLOW_PLUGINS={PRE_FUNCTION}"
)
_REFERENCE = "refers to the gateway's environment or secrets ('$env://', '$secret://'), which no EchoRoute may"
_internal = re.compile(r"[$][{]?\s*_").search
_INTERNAL = "uses a name that begins with '$_', which is the gateway's own state and no variable; leave it out"
_UPSTREAM = "names an Upstream of an EchoRoute operator, which could not delete it any more; name one of your own"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the platform team allows beyond what is open to everybody: names of plugins, or `*`."""

    allowed_plugins: frozenset[str] = frozenset()

    def refusals(self, spec: EchoRouteSpec) -> tuple[FieldError, ...]:
        """What a spec asks for and is not allowed; empty where all of it is."""
        return refusals(spec.plugins or {}, allowed=self.allowed_plugins)

    def refusal_of_kept(self, route: JsonObject) -> FieldError | None:
        """What a Route that the gateway holds of an older spec has, and may not have by now.

        Names of plugins, and what is refused at any depth: an older version of the operator may have written other
        fields. Total: it may have been changed by hand.
        """
        plugins = route.get("plugins")
        found = (
            error
            for name, config in (plugins.items() if isinstance(plugins, dict) else ())
            if name != _SPLIT or not _names_only_ours(config)
            for error in _refusals_of_kept(name, config, self.allowed_plugins)
        )
        return next(found, None)


def refusals(plugins: Mapping[str, JsonValue], *, allowed: frozenset[str]) -> tuple[FieldError, ...]:
    """What an EchoRoute's plugins ask for and are not allowed, 16 at most, in the order of the config.

    `plugins` is `spec.plugins`: name to config. Fields are paths as the user writes them (`spec.plugins.workflow…`).
    """
    found: dict[str, FieldError] = {}
    for name, config in plugins.items():
        for error in _refusals(name, config, allowed):
            found.setdefault(error.field, error)
            if len(found) == _MOST:
                return tuple(found.values())
    return tuple(found.values())


def _names_only_ours(config: JsonValue) -> bool:
    """Whether requests go nowhere but to Upstreams of an operator and the Route's own, as where it wrote the rules."""
    rules = config.get("rules") if isinstance(config, dict) else None
    for rule in rules if isinstance(rules, list) else (None,):
        upstreams = rule.get("weighted_upstreams") if isinstance(rule, dict) else None
        for upstream in upstreams if isinstance(upstreams, list) else (None,):
            if not isinstance(upstream, dict) or not upstream.keys() <= {"upstream_id", "weight"}:
                return False
            if not _OWNED.match(str(upstream.get("upstream_id", "00000000."))):
                return False
    return True


def _refusals_of_kept(name: str, config: JsonValue, allowed: frozenset[str]) -> Iterator[FieldError]:
    field, verbatim = f"spec.plugins.{name}", bool({name, EVERYTHING} & allowed)
    if not verbatim and name not in OPEN:
        yield from _closed(field, name, config)
    yield from _anywhere(field, config, allowed, verbatim=verbatim)


def _refusals(name: str, config: JsonValue, allowed: frozenset[str]) -> Iterator[FieldError]:
    field = f"spec.plugins.{name}"
    if REFERENCE.search(name):
        yield _error("spec.plugins", _REFERENCE)
    verbatim = bool({name, EVERYTHING} & allowed)
    if not verbatim:
        yield from _closed(field, name, config)
    yield from _anywhere(field, config, allowed, verbatim=verbatim)


def _error(field: str, problem: str) -> FieldError:
    return FieldError(shortened(field), problem)


def _closed(field: str, name: str, config: JsonValue) -> Iterator[FieldError]:
    """What is not open: the plugin, or some of its fields."""
    opening = (
        f"the platform team can open it for all tenants (ECHOROUTE_ALLOW_PLUGINS={name}, "
        f"or '{EVERYTHING}' for all plugins where one trusted team uses the gateway)"
    )
    plugin = OPEN.get(name)
    if plugin is not None:
        for place, problem in field_errors(name, plugin, config if isinstance(config, dict) else {}):
            yield _error(f"{field}{place}", problem)
    elif name in CLOSED:
        yield _error(field, f"is a closed plugin: {opening}. Its config could then: {CLOSED[name]}")
    else:
        yield _error(field, f"is not a plugin that the operator knows; check the name, or {opening}")


def _anywhere(outermost: str, config: JsonValue, allowed: frozenset[str], *, verbatim: bool) -> Iterator[FieldError]:
    """What is refused at any depth. Each value is looked at once, without recursion."""
    stack: list[tuple[Place, JsonValue]] = [((None, outermost), config)]
    while stack:
        place, value = stack.pop()
        if problem := _at(place, value, allowed) or (_in_text(value, verbatim) if isinstance(value, str) else ""):
            yield FieldError(path(place), problem)
        if isinstance(value, dict):
            for key, child in reversed(value.items()):
                stack.append(((place, key), child))
        elif isinstance(value, list):
            stack += [((place, at), value[at]) for at in reversed(range(len(value)))]


def _at(place: Place, value: JsonValue, allowed: frozenset[str]) -> str:
    """Why the object above may not have this key with this value; empty where it may."""
    above, key = place
    if above is None or isinstance(key, int):
        return ""
    if REFERENCE.search(key):
        return _REFERENCE
    if key == "pre_function" and above[1] == "_meta" and not {PRE_FUNCTION, EVERYTHING} & allowed:
        return _CODE
    if key == "upstream_id" and isinstance(value, str) and _OWNED.match(value):
        return _UPSTREAM
    return ""


def _in_text(text: str, verbatim: bool) -> str:
    if REFERENCE.search(text):
        return _REFERENCE
    return "" if verbatim or _internal(text) is None else _INTERNAL
