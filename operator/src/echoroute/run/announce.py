"""Transitions that are worth telling, and their announcement as log lines."""

import logging
from typing import NamedTuple

from pydantic import JsonValue

from echoroute.core.objects import JsonObject, Key
from echoroute.core.reasons import Reason
from echoroute.engine.announcer import Severity

log = logging.getLogger(__name__)


class News(NamedTuple):
    """What an Event or a log line says."""

    severity: Severity
    reason: str
    message: str


def news(before: JsonObject, after: JsonObject, *, expected: bool) -> News | None:
    """What two statuses, one after the other, have to tell; None where nobody is waiting to hear it.

    `expected` as in `Announcer.transition`.
    """
    was, now = _ready(before), _ready(after)
    if (was.get("status"), was.get("reason")) == (now.get("status"), now.get("reason")):
        return None
    reason, message = str(now.get("reason")), str(now.get("message"))
    if now.get("status") != "True":
        return News("Warning", reason, message) if reason != Reason.PENDING else None
    return None if expected and was.get("status") != "False" else News("Normal", reason, message)


def contested(key: Key) -> News:
    """What to tell of a key that somebody else keeps changing."""
    message = f"the gateway objects of EchoRoute {key} are changed by somebody else again and again; repairing rarely"
    return News("Warning", "Contested", message)


class LogAnnouncer:
    """Implements `echoroute.engine.announcer.Announcer` where there is no Kubernetes."""

    def transition(self, key: Key, uid: str, before: JsonObject, after: JsonObject, expected: bool) -> None:
        told = news(before, after, expected=expected)
        if told is not None:
            log.log(_level(told.severity), "EchoRoute %s: %s: %s", key, told.reason, told.message)

    def contested(self, key: Key) -> None:
        self.operator(*contested(key))

    def operator(self, severity: Severity, reason: str, message: str) -> None:
        log.log(_level(severity), "%s: %s", reason, message)


def _level(severity: Severity) -> int:
    return logging.WARNING if severity == "Warning" else logging.INFO


def _ready(status: JsonObject) -> dict[str, JsonValue]:
    conditions = status.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, dict) and condition.get("type") == "Ready":
            return condition
    return {}
