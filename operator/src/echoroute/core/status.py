"""The parts of a status: a condition, and the status that an EchoRoute has now, read tolerantly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from echoroute.core.objects import JsonObject
from echoroute.core.reasons import REASONS, Reason

_STATUS = {"True": True, "False": False}


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
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    transitions: Mapping[str, Transition] = field(default_factory=dict)
    listed: Mapping[str, JsonObject] = field(default_factory=dict)
    """The conditions as they stand in it, by type, those of other controllers, too."""

    @property
    def healthy(self) -> bool:
        """Whether the route had a healthy instance, or was Ready, when this status was written."""
        ready = self.conditions.get("Ready")
        healthy = (self.instances or {}).get("healthy")
        return (ready is not None and ready.status is True) or (isinstance(healthy, int) and healthy > 0)

    @property
    def without_healthy(self) -> bool:
        """Whether it is known that the route had no healthy instance, and was not in its grace."""
        return self.instances is not None and not self.healthy

    def says_programmed(self, generation: int) -> bool:
        """Whether the gateway had confirmed that generation, and nothing newer was seen."""
        programmed = self.conditions.get("Programmed")
        return (self.generation, self.programmed_generation) == (generation, generation) and (
            programmed is not None and programmed.status is True
        )

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
    instances = status.get("instances")
    return Previous(
        generation=_int(status.get("observedGeneration")) or -1,
        programmed_generation=_int(status.get("programmedGeneration")),
        instances=instances if isinstance(instances, dict) else None,
        conditions=conditions,
        transitions=transitions,
        listed=listed,
    )


def _int(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None
