"""Schedules whose EchoRoutes claim several paths and hosts, or some methods of a path: one meets several others."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from echoroute.core.objects import JsonObject, Key
from pydantic import JsonValue

from .kinds import KINDS, OFTEN
from .schedules import Schedule
from .world import spec_of


def _shared(key: Key, distance: int = 0) -> str:
    """The path that all keys of a name claim, of the name that is so far from the key's own."""
    return f"/shared-r{(int(key.name[1:]) + distance) % 8}"


def _common(key: Key) -> str:
    return f"/common-{key.namespace}"


def _match(*paths: str, **more: JsonValue) -> JsonObject:
    return {**spec_of(""), "match": {"paths": [*paths], **more}}


_KINDS: dict[str, Callable[[Key], JsonObject]] = {
    "both": lambda key: _match(_shared(key), _common(key)),
    "common too": lambda key: _match(_common(key), f"/{key}"),
    "neighbours": lambda key: _match(_shared(key), _shared(key, 1)),
    "next": lambda key: _match(_shared(key, 1)),
    "three": lambda key: _match(_shared(key, 2), _shared(key, 1), f"/{key}"),
    "writes": lambda key: _match(_common(key), methods=["POST"]),
    "reads": lambda key: _match(_common(key), _shared(key), methods=["GET"]),
    "condition": lambda key: _match(_common(key), headers=[{"name": "X-A", "op": "Exact", "value": key.name}]),
    "hosts": lambda key: _match(_shared(key), hosts=["a.test", "b.test"]),
    "host": lambda key: _match(_shared(key), _shared(key, 1), hosts=["a.test"]),
}


class Wide(Schedule):
    """One operator, claims of several paths."""

    kinds: ClassVar[Mapping[str, Callable[[Key], JsonObject]]] = {**KINDS, **_KINDS}
    first: ClassVar = ("good", "other", "shared", "common", *_KINDS)
    often: ClassVar[Mapping[str, int]] = {**OFTEN, **dict.fromkeys(_KINDS, 3)}
