"""Kubernetes Events about EchoRoutes and about the operator itself: few, on transitions only, never in the way."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from prometheus_client import Counter

from echoroute.api.objects import API_VERSION, KIND
from echoroute.core.objects import JsonObject, Key
from echoroute.errors import KubernetesError
from echoroute.kube.api import KubernetesApi, object_path

log = logging.getLogger(__name__)

_COMPONENT = "echoroute-operator"
_BURST = 50
_PER_SECOND = 5.0

dropped_total = Counter("echoroute_events_dropped_total", "Kubernetes Events not written, to stay within their rate.")

EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an Event is about."""

    api_version: str
    kind: str
    key: Key
    uid: str


def echoroute(key: Key, uid: str) -> Regarding:
    return Regarding(API_VERSION, KIND, key, uid)


class EventRecorder:
    """`record` never waits; `run` writes, at most 5 a second after a burst of 50, and drops what is beyond."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._queue: asyncio.Queue[tuple[Regarding, EventType, str, str]] = asyncio.Queue(maxsize=_BURST)

    def record(self, regarding: Regarding, type_: EventType, reason: str, message: str) -> None:
        try:
            self._queue.put_nowait((regarding, type_, reason, message))
        except asyncio.QueueFull:
            dropped_total.inc()

    async def run(self) -> None:
        """Write what was recorded; until cancelled."""
        while True:
            regarding, type_, reason, message = await self._queue.get()
            try:
                path = object_path("v1", "events", regarding.key.namespace)
                await self._api.create(path, _body(regarding, type_, reason, message))
            except KubernetesError as error:
                log.info("the Event %s about %s could not be written: %s", reason, regarding.key, error)
            await asyncio.sleep(1 / _PER_SECOND)


def _body(regarding: Regarding, type_: EventType, reason: str, message: str) -> JsonObject:
    """A core/v1 Event, which `kubectl describe` shows (k8s.io/api/core/v1)."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    namespace, name = regarding.key.namespace, regarding.key.name
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": f"{name[:200]}.", "namespace": namespace},
        "involvedObject": {
            "apiVersion": regarding.api_version,
            "kind": regarding.kind,
            "namespace": namespace,
            "name": name,
            "uid": regarding.uid,
        },
        "type": type_,
        "reason": reason,
        "message": message[:1024],
        "source": {"component": _COMPONENT},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
