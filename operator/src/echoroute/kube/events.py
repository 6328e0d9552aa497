"""Kubernetes Events about EchoRoutes and about the operator itself: few, on transitions only, never in the way."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from prometheus_client import Counter

from echoroute.api.objects import API_VERSION, KIND
from echoroute.core.objects import JsonObject, Key
from echoroute.core.text import escaped
from echoroute.errors import KubernetesError
from echoroute.kube.api import object_path
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

_COMPONENT = "echoroute-operator"
_BURST = 50
_PER_SECOND = 5.0
_FIRST_RETRY, _LAST_RETRY = 1.0, 30.0

dropped_total = Counter(
    "echoroute_events_dropped_total",
    "Kubernetes Events not written: `rate`, to stay within theirs, or `refused` by the API server.",
    ("reason",),
)

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


class Api(Protocol):
    """The part of the Kubernetes API that the recorder needs. Raises `KubernetesError`."""

    async def create(self, path: str, body: JsonObject) -> JsonObject: ...


class EventRecorder:
    """`record` never waits; `run` writes, at most 5 a second after a burst of 50, and drops what is beyond.

    While the API server is away, or refuses the right, the Event at hand is tried again.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._queue: asyncio.Queue[tuple[str, JsonObject]] = asyncio.Queue(maxsize=_BURST)
        self.writing = Trouble("events", "Events cannot be written", "Events can be written again")

    def record(self, regarding: Regarding, type_: EventType, reason: str, message: str) -> None:
        path = object_path("v1", "events", regarding.key.namespace)
        try:
            self._queue.put_nowait((path, _body(regarding, type_, reason, message)))
        except asyncio.QueueFull:
            dropped_total.labels("rate").inc()

    async def run(self) -> None:
        """Write what was recorded; until cancelled."""
        backoff = Backoff(first=_FIRST_RETRY, limit=_LAST_RETRY)
        while True:
            path, body = await self._queue.get()
            written = False
            while not written:
                written = await self._write(path, body)
                await asyncio.sleep(1 / _PER_SECOND if written else backoff.next())
            backoff.reset()

    async def _write(self, path: str, body: JsonObject) -> bool:
        """Write one Event; False where it is worth another try."""
        try:
            await self._api.create(path, body)
        except KubernetesError as error:
            if _is_about_the_event(error):
                dropped_total.labels("refused").inc()
                return True
            self.writing.begin(error, status=error.status, told=error.status == 0)
            return False
        self.writing.end()
        return True


def _is_about_the_event(error: KubernetesError) -> bool:
    """Whether another Event may be taken: this one's namespace is gone or on its way, or this one is malformed."""
    return error.status in {400, 404, 413, 422} or "being terminated" in str(error)


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
        "message": escaped(message)[:1024],
        "source": {"component": _COMPONENT},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
