"""The parts of a status: a condition, and the status that an EchoRoute has now, read tolerantly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from echoroute.core.objects import JsonObject
from echoroute.core.reasons import REASONS, Reason

_STATUS = {"True": True, "False": False}
_IDENTITY = ("service", "subset", "resolve")  # of a backend, as `core.mentions` writes it


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition without its times: `status` is True, False or (None) Unknown."""

    status: bool | None
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Transition:
    """Since when a condition has its status, both as the API writes them."""

    status: str
    time: str


@dataclass(frozen=True, slots=True)
class Previous:
    """What the status before says. Reasons that this version does not know, and nonsense, are passed over."""

    generation: int = -1
    programmed_generation: int | None = None
    instances: JsonObject | None = None
    backends: tuple[JsonObject, ...] = ()
    """Where there were several, each with its counts."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    transitions: Mapping[str, Transition] = field(default_factory=dict)
    listed: Mapping[str, JsonObject] = field(default_factory=dict)
    """The conditions as they stand in it, by type, those of other controllers, too."""

    def counts_of(self, backend: JsonObject) -> dict[str, int] | None:
        """The counts of a backend, as `core.mentions` writes it; None where they were not known."""
        found = (one for one in self.backends if all(one.get(name) == backend.get(name) for name in _IDENTITY))
        counts = next(found, None) if self.backends else self.instances
        healthy, total = (counts or {}).get("healthy"), (counts or {}).get("total")
        return {"healthy": healthy, "total": total} if isinstance(healthy, int) and isinstance(total, int) else None

    def was_healthy(self, backend: JsonObject) -> bool | None:
        """Whether a backend had a healthy instance when this was written, or was in its grace; None: not known."""
        ready, counts = self.conditions.get("Ready"), self.counts_of(backend)
        if ready is not None and ready.status is True:
            return True
        return counts["healthy"] > 0 if counts is not None else None

    def says_programmed(self, generation: int) -> bool:
        """Whether the gateway had confirmed that generation, and nothing newer was seen."""
        programmed = self.conditions.get("Programmed")
        return (self.generation, self.programmed_generation) == (generation, generation) and (
            programmed is not None and programmed.status is True
        )

    def says_accepted(self, generation: int) -> bool:
        """Whether that generation was said to be accepted."""
        accepted = self.conditions.get("Accepted")
        return self.generation == generation and accepted is not None and accepted.status is True

    def says_conflicted(self, generation: int) -> bool:
        """Whether that generation was said to have lost a conflict."""
        accepted = self.conditions.get("Accepted")
        return self.generation == generation and accepted is not None and accepted.reason is Reason.CONFLICTED


def moment(time: str) -> datetime | None:
    """A time as the API server writes it; None for what is none."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return found if found.tzinfo else None


def parse_previous(status: Mapping[str, JsonValue]) -> Previous:
    """The status of an API object; an empty mapping where it has none."""
    conditions: dict[str, Condition] = {}
    transitions: dict[str, Transition] = {}
    listed: dict[str, JsonObject] = {}
    raw = status.get("conditions")
    for item in raw if isinstance(raw, list) else ():
        if not isinstance(item, dict):
            continue
        type_, state, time = (str(item.get(name, "")) for name in ("type", "status", "lastTransitionTime"))
        transitions[type_] = Transition(state, time)
        if type_:
            listed[type_] = item
        reason = REASONS.get(str(item.get("reason")))
        if reason is not None:
            conditions[type_] = Condition(_STATUS.get(state), reason, str(item.get("message", "")))
    instances, backends = status.get("instances"), status.get("backends")
    return Previous(
        generation=_int(status.get("observedGeneration")) or -1,
        programmed_generation=_int(status.get("programmedGeneration")),
        instances=instances if isinstance(instances, dict) else None,
        backends=tuple(one for one in backends if isinstance(one, dict)) if isinstance(backends, list) else (),
        conditions=conditions,
        transitions=transitions,
        listed=listed,
    )


def _int(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None
