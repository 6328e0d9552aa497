"""What a source (kopf's events, our own lists) saw of an EchoRoute, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from pydantic_core import to_json

from echoroute.api.objects import EchoRouteObject
from echoroute.api.spec import DEFAULT_GATEWAY_CLASS
from echoroute.core.objects import Key


@dataclass(frozen=True, slots=True)
class Entry:
    """An EchoRoute as stored: spec and status stay JSON text, which is a tenth of the memory of parsed objects."""

    uid: str
    generation: int
    created: datetime
    spec: bytes
    status: bytes
    fault: str = ""
    """Why the source cannot vouch for this spec, which is then not used: what serves goes on. Empty in a cluster."""

    def same_spec(self, other: "Entry | None") -> bool:
        """Whether the other is the same life of the same object with the same spec.

        Generations alone do not tell: after a restore from a backup they come again with other specs.
        """
        if other is None:
            return False
        return (self.uid, self.generation, self.spec) == (other.uid, other.generation, other.spec)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source saw of a key at a version: an entry, or none (deleted, or of another gateway class)."""

    key: Key
    version: int
    entry: Entry | None


def key_of(found: EchoRouteObject) -> Key:
    """The key that an API object's metadata names."""
    return Key(found.namespace, found.name)


def seen(raw: Mapping[str, JsonValue], *, gateway_class: str, deleted: bool = False, fault: str = "") -> Seen:
    """Read an EchoRoute as the API gives it. The API server vouches for the envelope; the spec is judged later."""
    found = EchoRouteObject.from_raw(raw)
    ours = found.spec.get("gatewayClass", DEFAULT_GATEWAY_CLASS) == gateway_class
    entry = Entry(
        uid=found.uid,
        generation=found.generation,
        created=datetime.fromisoformat(found.creation_timestamp),
        spec=to_json(found.spec),
        status=to_json(found.status),
        fault=fault,
    )
    return Seen(key_of(found), found.resource_version, entry if ours and not deleted else None)
