"""What a source (kopf's events, our own lists) saw of an EchoRoute, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue
from pydantic_core import from_json, to_json

from echoroute.api.objects import LAST_APPLIED, EchoRouteObject
from echoroute.api.spec import class_of
from echoroute.core.budget import over_budget
from echoroute.core.dropped import dropped_null
from echoroute.core.objects import Key
from echoroute.core.status import Previous, parse_previous

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """An EchoRoute as stored: spec and status stay JSON text, which is a tenth of the memory of parsed objects."""

    uid: str
    generation: int
    created: datetime
    spec: bytes
    status: bytes
    fault: str = ""
    """Why this spec is not used, whatever it says: what serves goes on. One that is over budget is not even kept."""

    def same_spec(self, other: "Entry | None") -> bool:
        """Whether the other is the same life of the same object with the same spec.

        Generations alone do not tell: after a restore from a backup they come again with other specs.
        """
        if other is None:
            return False
        mine, theirs = ((one.uid, one.generation, one.spec, one.fault) for one in (self, other))
        return mine == theirs

    def is_programmed(self) -> bool:
        """Whether the status says that the gateway has confirmed this generation."""
        return self._may_say_true() and self._said().says_programmed(self.generation)

    def is_accepted(self) -> bool:
        """Whether the status says that this generation is accepted."""
        return self._may_say_true() and self._said().says_accepted(self.generation)

    def is_told_of_conflict(self) -> bool:
        """Whether the status says that this generation has lost a conflict."""
        return self._said().says_conflicted(self.generation)

    def _may_say_true(self) -> bool:
        """Nothing is true in the status of a new one, which needs no parsing: a start may meet thousands of them."""
        return b'"True"' in self.status

    def _said(self) -> Previous:
        status = from_json(self.status)
        return parse_previous(status if isinstance(status, dict) else {})


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source saw of a key at a version: an entry, or none (deleted, or of another gateway class)."""

    key: Key
    version: int
    entry: Entry | None
    ended: datetime | None = None
    """Of a delete event: when the EchoRoute that was deleted had been created, which tells its life from others."""


def key_of(found: EchoRouteObject) -> Key:
    """The key that an API object's metadata names."""
    return Key(found.namespace, found.name)


def seen(raw: Mapping[str, JsonValue], *, gateway_class: str, deleted: bool = False, fault: str = "") -> Seen:
    """Read an EchoRoute as the API gives it. Total: what is wrong with an object becomes a fault of that object."""
    found = EchoRouteObject.from_raw(raw)
    ours = class_of(found.spec) == gateway_class
    if deleted or not ours:
        ended = _moment(found.creation_timestamp) if ours else None
        return Seen(key_of(found), found.resource_version, None, ended)
    spec, unusable = _spec_text(found)
    entry = Entry(
        uid=found.uid,
        generation=found.generation,
        created=_moment(found.creation_timestamp),
        spec=spec,
        status=_status_text(found),
        fault=fault or unusable or dropped_null(found.spec, found.annotations.get(LAST_APPLIED, "")) or "",
    )
    return Seen(key_of(found), found.resource_version, entry)


def _spec_text(found: EchoRouteObject) -> tuple[bytes, str]:
    """The spec as JSON text, or nothing and why it cannot be used."""
    problem = over_budget(dict(found.spec))
    return (to_json(found.spec), "") if problem is None else (b"", problem)


def _status_text(found: EchoRouteObject) -> bytes:
    # Only the operator writes it; whatever else stands there counts as none, and is written anew.
    return to_json(found.status) if over_budget(dict(found.status)) is None else b"{}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _EPOCH
