"""Whether the config of an open plugin has only what is open."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, JsonValue, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from echoroute.api.expressions import Expression
from echoroute.api.parse import wording
from echoroute.core.plugins.declaration import OpenPlugin, why
from echoroute.core.plugins.scalars import Message, Name, counted, fields

_NAME = "_meta"
_TYPED_FORMS = {"proxy-rewrite": "; spec.rewrite is the typed form of this plugin"}


@fields
class Meta(TypedDict, total=False):
    """What APISIX itself does with any plugin."""

    disable: Annotated[bool, why("Whether the plugin is switched off.")]
    filter: Annotated[Expression, why("For which requests it runs.")]
    error_response: Annotated[
        dict[Name, Message],
        Field(min_length=1, max_length=16),
        counted(16),
        why("Body of the plugin's refusals, in place of its own."),
    ]


META = OpenPlugin(
    Meta,
    left_out={
        "pre_function": "It is Lua code that runs in the gateway.",
        "priority": "It would put the plugin before or behind the plugins of the platform's GlobalRules.",
    },
)
"""The fields of `_meta`, which each plugin may have."""


def field_errors(name: str, plugin: OpenPlugin, config: dict[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """What is wrong with the config of an open plugin: place below the config (`.headers.set.X`), and the problem.

    Names places and never shows a value.
    """
    own = {key: value for key, value in config.items() if key != _NAME}
    form = _TYPED_FORMS.get(name, "")
    yield from ((place, problem + form) for place, problem in _errors(plugin, own))
    if _NAME in config:
        yield from ((f".{_NAME}{place}", problem) for place, problem in _errors(META, config[_NAME]))


def _errors(plugin: OpenPlugin, config: JsonValue) -> Iterator[tuple[str, str]]:
    try:
        plugin.adapter.validate_python(config)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield _place(detail["loc"]), _problem(plugin, detail)
        return
    for rule in plugin.rules:
        if isinstance(config, dict) and not rule.check(config):
            yield "", rule.problem


def _place(location: tuple[int | str, ...]) -> str:
    # pydantic marks the error of a key, rather than its value, by a last step of its own.
    steps = location[:-1] if location[-1:] == ("[key]",) else location
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _problem(plugin: OpenPlugin, detail: ErrorDetails) -> str:
    location = detail["loc"]
    if detail["type"] == "extra_forbidden":
        reason = plugin.left_out.get(str(location[0])) if len(location) == 1 else None
        closed = f"is closed. {reason}" if reason else "is not open."
        return f"{closed} Open here: {', '.join(_names(plugin, location[:-1]))}; ECHOROUTE_ALLOW_PLUGINS opens the rest"
    return wording(detail)


def _names(plugin: OpenPlugin, location: tuple[int | str, ...]) -> list[str]:
    """The open fields of the object at a location."""
    node = plugin.schema
    for step in location:
        node = _resolved(plugin.schema, node["items"] if isinstance(step, int) else node["properties"][step])
    return list(node.get("properties", {}))


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref", "")
    found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]] if reference else node
    return found
