"""Transitions as Kubernetes Events: on the EchoRoute where it is about one, on the operator's pod otherwise."""

import logging

from pydantic import JsonValue

from echoroute.core.objects import JsonObject, Key
from echoroute.core.reasons import Reason
from echoroute.engine.announcer import Severity
from echoroute.kube.events import EventRecorder, Regarding, echoroute

log = logging.getLogger(__name__)


class KubernetesAnnouncer:
    """Implements `echoroute.engine.announcer.Announcer`; `pod` is None outside a cluster: log lines then."""

    def __init__(self, recorder: EventRecorder, pod: Regarding | None) -> None:
        self._recorder = recorder
        self._pod = pod

    def transition(self, key: Key, uid: str, before: JsonObject, after: JsonObject) -> None:
        was, now = _ready(before), _ready(after)
        if (was.get("status"), was.get("reason")) == (now.get("status"), now.get("reason")):
            return
        reason, message = str(now.get("reason")), str(now.get("message"))
        if now.get("status") != "True":
            if reason != Reason.PENDING:
                self._recorder.record(echoroute(key, uid), "Warning", reason, message)
        elif was.get("status") == "False":
            # That a new route is Ready is what everybody expects; that it is so again is news.
            self._recorder.record(echoroute(key, uid), "Normal", reason, message)

    def contested(self, key: Key) -> None:
        message = (
            f"the gateway objects of EchoRoute {key} are changed by somebody else again and again; repairing rarely"
        )
        self.operator("Warning", "Contested", message)

    def operator(self, severity: Severity, reason: str, message: str) -> None:
        log.log(logging.WARNING if severity == "Warning" else logging.INFO, "%s: %s", reason, message)
        if self._pod is not None:
            self._recorder.record(self._pod, severity, reason, message)


def _ready(status: JsonObject) -> dict[str, JsonValue]:
    conditions = status.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if isinstance(condition, dict) and condition.get("type") == "Ready":
            return condition
    return {}
