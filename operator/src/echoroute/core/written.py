"""A status as it is written: conditions as JSON beside those of other controllers, and what of a change can wait."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from echoroute.api.status import CONDITIONS_LIMIT
from echoroute.core.objects import JsonObject
from echoroute.core.status import Condition, Previous
from echoroute.core.text import escaped

MESSAGE_LIMIT = 1024
"""Characters of a condition's message; the API server would take 32,768."""

TYPES = ("Accepted", "ResolvedRefs", "Programmed", "Ready", "Reconciling", "Stalled")
"""The conditions that are ours."""

STATUS = {True: "True", False: "False", None: "Unknown"}


def rendered(type_: str, condition: Condition, generation: int, previous: Previous, now: datetime) -> JsonObject:
    """One condition as JSON; its time changes with its status alone."""
    status = STATUS[condition.status]
    before = previous.transitions.get(type_)
    return {
        "type": type_,
        "status": status,
        "reason": condition.reason.value,
        "message": shown(condition.message),
        "observedGeneration": generation,
        "lastTransitionTime": before.time if before and before.status == status else rfc3339(now),
    }


def in_place(ours: dict[str, JsonObject], previous: Previous) -> list[JsonValue]:
    """The conditions in the order in which they stand, with those of types that are not ours as they are.

    Another controller may have put its own between ours: an order of our own would be patched against it for ever.
    """
    kept: list[JsonValue] = []
    for type_, listed in previous.listed.items():
        if type_ in ours:
            kept.append(ours.pop(type_))
        elif type_ not in TYPES and len(kept) < CONDITIONS_LIMIT - len(TYPES):
            kept.append(listed)
    return [*kept, *ours.values()]


def shown(message: str) -> str:
    """A message within bounds, in one line."""
    return cut(escaped(message), MESSAGE_LIMIT)


def cut(text: str, length: int) -> str:
    """A text of at most this length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def rfc3339(moment: datetime) -> str:
    """A moment as the API server writes it: UTC, whole seconds (RFC 3339)."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def differs_in_serving(status: JsonObject, before: Mapping[str, object]) -> bool:
    """Whether the healthy instances have gone, or there are some again: that is shown at once, unlike other counts."""
    return _serving(status) != _serving(before)


def _serving(status: Mapping[str, object]) -> list[bool]:
    """Of all together, and of each backend where there are several."""
    backends = status.get("backends")
    counts = [status.get("instances"), *(backends if isinstance(backends, list) else ())]
    return [isinstance(one, dict) and one.get("healthy", 0) != 0 for one in counts]


def differs_beyond_counts(status: JsonObject, before: Mapping[str, object]) -> bool:
    """Whether two statuses differ in more than the instance counts, which are patched rarely."""
    return _without_counts(status) != _without_counts(before)


def _without_counts(status: Mapping[str, object]) -> dict[str, object]:
    found = {name: value for name, value in status.items() if name != "instances"}
    backends = found.get("backends")
    if isinstance(backends, list):
        counts = {"healthy", "total"}
        found["backends"] = [
            {name: value for name, value in one.items() if name not in counts} if isinstance(one, dict) else one
            for one in backends
        ]
    return found
