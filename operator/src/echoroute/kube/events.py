"""Kubernetes Events about EchoRoutes and about the operator itself: few, on transitions only, never in the way."""

import asyncio
import http
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from prometheus_client import Counter

from echoroute.api.objects import API_VERSION, KIND
from echoroute.core.objects import JsonObject, Key
from echoroute.core.text import escaped
from echoroute.errors import KubernetesError, NotLeading
from echoroute.kube.api import object_path
from echoroute.net.backoff import Backoff
from echoroute.net.trouble import Trouble

_COMPONENT = "echoroute-operator"
_BURST = 50
_PER_SECOND = 5.0
_FIRST_RETRY, _LAST_RETRY = 1.0, 30.0
_TRIES = 8

dropped_total = Counter(
    "echoroute_events_dropped_total",
    "Kubernetes Events that were not written: `rate` to respect a rate limit, `refused` by the API server, "
    "`standby` by a replica that does not lead.",
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

    While the API server is away, the Event at hand is tried again. Where it refuses the right, which may be so in one
    namespace alone, the Event is put off, and given up after some tries; the others go on.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._queue: asyncio.Queue[_Event] = asyncio.Queue(maxsize=_BURST)
        self._put_off = 0
        self._refusing: set[str] = set()
        """The paths for which the right was refused the last time."""
        self.writing = Trouble("events", "Events cannot be written", "Events can be written again")

    def record(self, regarding: Regarding, type_: EventType, reason: str, message: str) -> None:
        path = object_path("v1", "events", regarding.key.namespace)
        self._add(_Event(path, _body(regarding, type_, reason, message)))

    def _add(self, event: "_Event") -> None:
        if self._queue.qsize() + self._put_off >= _BURST:
            dropped_total.labels("rate").inc()
        else:
            self._queue.put_nowait(event)

    async def run(self) -> None:
        """Write what was recorded; until cancelled."""
        backoff = Backoff(first=_FIRST_RETRY, limit=_LAST_RETRY)
        while True:
            event = await self._queue.get()
            written = False
            while not written:
                written = await self._write(event)
                await asyncio.sleep(1 / _PER_SECOND if written else backoff.next())
            backoff.reset()

    async def _write(self, event: "_Event") -> bool:
        """Write one Event; False where nobody's can be written now."""
        try:
            await self._api.create(event.path, event.body)
        except NotLeading:
            dropped_total.labels("standby").inc()
            return True
        except KubernetesError as error:
            if _is_about_the_event(error):
                dropped_total.labels("refused").inc()
                return True
            self.writing.begin(error, status=error.status, told=error.status == 0)
            if error.status != http.HTTPStatus.FORBIDDEN:
                return False
            self._refusing.add(event.path)
            self._try_later(event)
            return True
        self._refusing.discard(event.path)
        if not self._refusing:
            self.writing.end()
        return True

    def _try_later(self, event: "_Event") -> None:
        event.tries += 1
        if event.tries >= _TRIES:
            dropped_total.labels("refused").inc()
            return
        self._put_off += 1
        delay = min(_FIRST_RETRY * 2.0**event.tries, _LAST_RETRY)
        asyncio.get_running_loop().call_later(delay, lambda: self._again(event))

    def _again(self, event: "_Event") -> None:
        self._put_off -= 1
        self._add(event)


@dataclass(slots=True)
class _Event:
    """An Event on its way, and how often the right to write it was refused."""

    path: str
    body: JsonObject
    tries: int = 0


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
