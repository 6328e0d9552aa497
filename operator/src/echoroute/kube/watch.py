"""kopf's watch of EchoRoutes, in a thread of its own: a source that may die, and is then started again.

A LIST that answers 403, 404 or 5xx past its retries makes `kopf.operator()` raise, and kopf then cancels every task
that it finds in its loop (https://docs.kopf.dev/en/stable/embedding/). So it gets a thread and a loop of its own,
and its one handler only hands the event over.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

import kopf

from echoroute.api.objects import GROUP, PLURAL, VERSION, EchoRouteObject
from echoroute.core.objects import JsonObject
from echoroute.errors import KubernetesError, without_values
from echoroute.kube.account import Account
from echoroute.kube.login import Login

log = logging.getLogger(__name__)

_PAGE = 50
"""Objects in a page of kopf's own list. One may have a megabyte or more, whoever wrote it: kopf holds a page whole."""

Deliver = Callable[[JsonObject, bool], None]
"""Takes the raw object of an event, and whether it says that the object is deleted."""


class Inbox:
    """Carries events from kopf's thread to the engine's loop.

    What crosses is a callback without arguments: asyncio logs those of a callback that fails, and they would be an
    EchoRoute with all that is in it. For the same reason nothing that `deliver` raises goes further than here.

    Each event is a turn of its own. Taken until there were none, a flood of them would hold up the loop as long as it
    lasts: no write, no status, no answer to a probe.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Deliver) -> None:
        self._loop = loop
        self._deliver = deliver
        self._events: deque[tuple[JsonObject, bool]] = deque()

    def put(self, raw: JsonObject, deleted: bool) -> None:
        """Called in kopf's thread."""
        self._events.append((raw, deleted))
        with suppress(RuntimeError):  # the loop is closed: the process ends before its threads do
            self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        raw, deleted = self._events.popleft()
        try:
            self._deliver(raw, deleted)
        except Exception as error:  # noqa: BLE001 - of this object; the next round reads it again
            log.error("an event of EchoRoute %s was not taken: %s", _name(raw), without_values(error))  # noqa: TRY400


def _name(raw: JsonObject) -> str:
    found = EchoRouteObject.from_raw(raw)
    return f"{found.namespace}/{found.name}"


class Watch:
    """One run of kopf: `run` ends when it is cancelled, or raises what ended kopf."""

    def __init__(self, account: Account, deliver: Deliver, namespaces: Sequence[str]) -> None:
        self._account = account
        self._deliver = deliver
        self._namespaces = namespaces

    async def run(self) -> None:
        """Watch until cancelled; raises whatever ends kopf."""
        loop = asyncio.get_running_loop()
        started: Future[Callable[[], None]] = Future()
        ended: asyncio.Future[None] = loop.create_future()

        inbox = Inbox(loop, self._deliver)

        async def operate() -> None:
            started.set_result(_cancelling_this_task())
            await self._operate(inbox.put, Login(self._account, loop))

        def main() -> None:
            error: BaseException = KubernetesError("kopf ended by itself", status=0)
            try:
                asyncio.run(operate())
            except asyncio.CancelledError:
                error = KubernetesError("kopf was cancelled", status=0)  # by `run`, which waits for nothing any more
            except BaseException as caught:  # noqa: BLE001 - whatever ends kopf is told to the supervisor
                error = caught
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: _settle(ended, error))

        threading.Thread(target=main, name="kopf", daemon=True).start()
        try:
            await asyncio.shield(ended)
        finally:
            started.add_done_callback(lambda done: done.result()())
            ended.add_done_callback(lambda done: done.cancelled() or done.exception())  # else asyncio logs it

    async def _operate(self, deliver: Deliver, login: Login) -> None:
        registry = kopf.OperatorRegistry()

        @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
        async def on_event(event: kopf.RawEvent, **_: object) -> None:
            # A coroutine, though it waits for nothing: kopf runs plain functions in a pool of threads.
            deliver(cast("JsonObject", event["object"]), event["type"] == "DELETED")

        @kopf.on.login(registry=registry)
        async def on_login(**_: object) -> kopf.AiohttpSession:
            return kopf.AiohttpSession(server=self._account.host, aiohttp_session=await login.session())

        try:
            await kopf.operator(
                registry=registry,
                # For peering, which is off. Else kopf asks for the user's name, and a container's user may have none.
                identity=cast("Any", "echoroute"),
                settings=_settings(),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                standalone=True,
                # No stop flag: kopf waits for one in a task of its own, and, where something else ends it, gives that
                # task 5 s to end. So long nobody would hear that the watch is lost.
            )
        finally:
            login.abort()


def _cancelling_this_task() -> Callable[[], None]:
    """A function by which another thread cancels the task that called this, which may have ended by then."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def cancel() -> None:
        if task is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(task.cancel)

    return cancel


class _NoEssence(kopf.DiffBaseStorage):
    """kopf keeps of each object what it last handled, for handlers of differences, of which there are none here.

    Otherwise it copies each object deeply, for each event.
    """

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        pass


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoEssence()
    settings.watching.chunk_size = _PAGE
    settings.watching.server_timeout = 300  # an int: the API parses timeoutSeconds as one
    settings.watching.reconnect_backoff = 1.0
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 30
    # Few tries: the supervisor starts kopf again, and says so in metrics and in one log line.
    settings.networking.error_backoffs = (1, 2, 4)
    settings.networking.enforce_retry_after = True
    settings.process.ultimate_exiting_timeout = None  # else it kills the whole process where its end takes too long
    settings.queueing.idle_timeout = 1.0  # fewer idle tasks, one for each object
    return settings


def _settle(future: asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        # kopf's errors have the whole answer of the API server in their text, and its message apart.
        reason = getattr(error, "message", None) or error
        status = getattr(error, "status", 0)
        future.set_exception(KubernetesError(f"{type(error).__name__}: {reason}", status=status))
