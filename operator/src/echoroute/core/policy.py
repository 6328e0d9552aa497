"""Which plugins an EchoRoute may use: an allow list, in depth.

Plain and network plugins are open to everybody. Closed ones, names that the table does not know, and Lua code in
`_meta.pre_function` need the platform team's leave (`allowed`, the names of `ECHOROUTE_ALLOW_PLUGINS`). References to
the gateway's environment or secrets are never allowed. Messages name places and never show a value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from echoroute.api.scalars import REFERENCE
from echoroute.api.spec import EchoRouteSpec
from echoroute.core.plugins import CLOSED, PluginClass, plugin_class
from echoroute.errors import FieldError

PRE_FUNCTION = "_meta.pre_function"
"""The name with which the allow list opens Lua code in a plugin's `_meta`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the platform team allows beyond what is open to everybody."""

    allowed_plugins: frozenset[str] = frozenset()

    def refusals(self, spec: EchoRouteSpec) -> tuple[FieldError, ...]:
        """What a spec asks for and is not allowed; empty where all of it is."""
        return refusals(spec.plugins or {}, allowed=self.allowed_plugins)


_MOST = 16  # refusals that one object is told
_DEPTH = 64  # APISIX itself has no use for deeper configs
_FIELD = 200  # characters of a field's path in a message

# Two plugins run others: multi-auth has maps of them, workflow has pairs of name and config with `return` as its own.
_RETURN = "return"

# Closed plugins with a name that nobody uses for a field: refused wherever they have a config, in case that a container
# of plugins is missing here. `ai`, `inspect` or `opa` may well be a property of a JSON schema.
_UNMISTAKABLE = frozenset(name for name in CLOSED if "-" in name)


def refusals(plugins: Mapping[str, JsonValue], *, allowed: frozenset[str]) -> tuple[FieldError, ...]:
    """What an EchoRoute's plugins ask for and are not allowed, 16 at most, in the order of the config.

    `plugins` is `spec.plugins`: name to config. Fields are paths as the user writes them (`spec.plugins.workflow…`).
    """
    found: dict[FieldError, None] = {}
    for error in _all_refusals(plugins, allowed):
        found[error] = None
        if len(found) == _MOST:
            break
    return tuple(found)


def _all_refusals(plugins: Mapping[str, JsonValue], allowed: frozenset[str]) -> Iterator[FieldError]:
    for name, config in plugins.items():
        field = f"spec.plugins.{name}"
        if problem := _problem(name, allowed):
            yield _error(field, problem)
        if problem := _reference(name):
            yield _error("spec.plugins", problem)
        if name == "multi-auth":
            yield from _multi_auth(field, config, allowed)
        elif name == "workflow":
            yield from _workflow(field, config, allowed)
        yield from _anywhere(field, config, allowed)


def _multi_auth(field: str, config: JsonValue, allowed: frozenset[str]) -> Iterator[FieldError]:
    for index, entry in enumerate(_list(_get(config, "auth_plugins"))):
        for name in entry if isinstance(entry, dict) else ():
            if problem := _problem(name, allowed):
                yield _error(f"{field}.auth_plugins[{index}].{name}", problem)


def _workflow(field: str, config: JsonValue, allowed: frozenset[str]) -> Iterator[FieldError]:
    for at, rule in enumerate(_list(_get(config, "rules"))):
        for index, action in enumerate(_list(_get(rule, "actions"))):
            name = action[0] if isinstance(action, list) and action else None
            if isinstance(name, str) and name != _RETURN and (problem := _problem(name, allowed)):
                yield _error(f"{field}.rules[{at}].actions[{index}]", problem)


def _anywhere(field: str, config: JsonValue, allowed: frozenset[str]) -> Iterator[FieldError]:
    """What is refused at any depth. Without recursion: a config may be nested deeper than Python's stack."""
    stack: list[tuple[str, JsonValue, int]] = [(field, config, 0)]
    while stack:
        where, value, depth = stack.pop()
        if depth > _DEPTH:
            yield _error(where, f"is nested deeper than {_DEPTH} levels, which no plugin needs")
        elif isinstance(value, dict):
            yield from _in_object(where, value, allowed)
            stack += [(f"{where}.{key}", child, depth + 1) for key, child in reversed(value.items())]
        elif isinstance(value, list):
            if value and isinstance(value[0], str) and value[0] in _UNMISTAKABLE and isinstance(value[-1], dict):
                yield from (_error(where, text) for text in [_problem(value[0], allowed)] if text)
            stack += [(f"{where}[{index}]", value[index], depth + 1) for index in reversed(range(len(value)))]
        elif isinstance(value, str) and (problem := _reference(value)):
            yield _error(where, problem)


def _in_object(where: str, value: dict[str, JsonValue], allowed: frozenset[str]) -> Iterator[FieldError]:
    for key, child in value.items():
        if problem := _reference(key):
            yield _error(where, problem)
        if key in _UNMISTAKABLE and isinstance(child, dict) and (problem := _problem(key, allowed)):
            yield _error(f"{where}.{key}", problem)
        if key == "_meta" and _get(child, "pre_function") is not None and PRE_FUNCTION not in allowed:
            yield _error(
                f"{where}._meta.pre_function",
                f"is Lua code for the gateway; leave it out, or ask the platform team to allow '{PRE_FUNCTION}'",
            )


def _problem(name: str, allowed: frozenset[str]) -> str:
    """Why a plugin is not allowed; empty where it is."""
    if name in allowed:
        return ""
    known = plugin_class(name)
    if known is None:
        return "is not a plugin that the operator knows; check the name, or ask the platform team to allow it"
    if known is PluginClass.CLOSED:
        return f"is a plugin that only the platform team can allow: {CLOSED[name]}"
    return ""


def _reference(text: str) -> str:
    """Why a string is not allowed; empty where it is."""
    if REFERENCE.search(text) is None:
        return ""
    return "refers to the gateway's environment or secrets ('$env://', '$secret://'), which no EchoRoute may"


def _error(field: str, problem: str) -> FieldError:
    return FieldError(field if len(field) <= _FIELD else f"{field[:_FIELD]}…", problem)


def _get(value: JsonValue, key: str) -> JsonValue:
    return value.get(key) if isinstance(value, dict) else None


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
