"""The values that travel between the rooms: keys of EchoRoutes, references to gateway objects, bundles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from pydantic import JsonValue

from echoroute.api.selection import Selection
from echoroute.core.nodes import Nodes

JsonObject = dict[str, JsonValue]


class Key(NamedTuple):
    """The identity of an EchoRoute: namespace and name. An uid tells apart two lives of one key.

    A tuple, as `ObjectRef` is: both are looked up in dicts all the time, and a data class hashes in Python code.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Kind(StrEnum):
    """The kinds of gateway objects that a bundle consists of, by their path segment in the Admin API.

    The order of the members is the order of writes: what is referred to comes first. Deletions go the other way.
    """

    UPSTREAM = "upstreams"
    ROUTE = "routes"


class ObjectRef(NamedTuple):
    """One object in the gateway: its kind and id (1 to 64 of `[a-zA-Z0-9-_.]`)."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The gateway objects of one EchoRoute, as they are to be written: bodies without `id`, times and indexes."""

    route_id: str
    objects: Mapping[ObjectRef, JsonObject] = field(repr=False)  # plugin configs can hold secrets
    kept: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Objects of it that cannot be made now, and what of each is not known: what is in the gateway stays."""
    resolved: Mapping[ObjectRef, Selection] = field(default_factory=dict)
    """Its Upstreams that the operator resolves: their bodies need the nodes of this selection."""

    def resolved_part(self) -> "Bundle":
        """What of it changes with nodes."""
        return Bundle(self.route_id, {ref: self.objects[ref] for ref in self.resolved}, resolved=self.resolved)

    def with_nodes(self, nodes: Mapping[Selection, Nodes]) -> "Bundle":
        """What is to be written while the nodes are these; an Upstream whose nodes are not known is kept."""
        objects, kept = dict(self.objects), dict(self.kept)
        for ref, selection in self.resolved.items():
            if selection in nodes:
                objects[ref] = {**objects[ref], "nodes": nodes[selection].as_json()}
            else:
                del objects[ref]
                kept[ref] = f"the instances of service {selection}"
        return Bundle(self.route_id, objects, kept)
