"""What a source (kopf's events, our own lists) saw of an EchoRoute, as a value."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from echoroute.core.objects import Key

DEFAULT_GATEWAY_CLASS = "apisix"


@dataclass(frozen=True, slots=True)
class Entry:
    """An EchoRoute as stored: spec and status stay JSON text, which is a tenth of the memory of parsed objects."""

    uid: str
    generation: int
    created: datetime
    spec: bytes
    status: bytes

    def same_spec(self, other: "Entry | None") -> bool:
        """Whether the other is the same life of the same object with the same spec."""
        return other is not None and (self.uid, self.generation) == (other.uid, other.generation)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source saw of a key at a version: an entry, or none (deleted, or of another gateway class)."""

    key: Key
    version: int
    entry: Entry | None


def key_of(metadata: Mapping[str, JsonValue]) -> Key:
    """The key that an object's metadata names."""
    return Key(str(metadata.get("namespace", "")), str(metadata.get("name", "")))


def version_of(metadata: Mapping[str, JsonValue]) -> int:
    """The resourceVersion of an object or a list, as the integer that it is."""
    return int(str(metadata.get("resourceVersion", "0")))


def created_at(metadata: Mapping[str, JsonValue]) -> datetime:
    """When the API server created the object (RFC 3339, whole seconds)."""
    return datetime.fromisoformat(str(metadata.get("creationTimestamp")))


def seen(raw: Mapping[str, JsonValue], *, gateway_class: str, deleted: bool = False) -> Seen:
    """Read an EchoRoute as the API gives it. The API server vouches for the envelope; the spec is judged later."""
    metadata, spec, status = (_mapping(raw.get(name)) for name in ("metadata", "spec", "status"))
    ours = spec.get("gatewayClass", DEFAULT_GATEWAY_CLASS) == gateway_class
    entry = Entry(
        uid=str(metadata.get("uid")),
        generation=int(str(metadata.get("generation", 0))),
        created=created_at(metadata),
        spec=_text(spec),
        status=_text(status),
    )
    return Seen(key_of(metadata), version_of(metadata), entry if ours and not deleted else None)


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _text(value: Mapping[str, JsonValue]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
