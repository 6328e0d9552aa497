"""The operator in a cluster: EchoRoutes and the Lease are in the Kubernetes API, and so are Events."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module

from echoroute.api.objects import EchoRouteObject
from echoroute.core.objects import JsonObject, Key
from echoroute.core.ownership import owner_id
from echoroute.core.seen import key_of
from echoroute.engine.announcer import Announcer, Severity
from echoroute.engine.engine import Engine
from echoroute.errors import KubernetesError
from echoroute.kube.account import Account
from echoroute.kube.api import KubernetesApi
from echoroute.kube.echoroutes import EchoRoutes
from echoroute.kube.election import Election, identity
from echoroute.kube.events import EventRecorder, Regarding, echoroute
from echoroute.kube.lease import KubernetesLeases
from echoroute.net.backoff import Backoff
from echoroute.net.fence import Fence
from echoroute.net.trouble import Trouble
from echoroute.run import garbage
from echoroute.run.announce import LogAnnouncer, news
from echoroute.run.home import Home
from echoroute.run.leadership import Leadership, alone, elected
from echoroute.run.settings import Settings

_WATCH = "echoroute.kube.watch"
_CONNECTIONS = 16
_CONNECTIONS_FOR_LEASE = 3
"""Of its own, so that no renewal waits for a status: a watch, a request, and one that hangs."""


@asynccontextmanager
async def home(settings: Settings, fence: Fence, waits_for: Callable[[str], None]) -> AsyncIterator[Home]:
    """The EchoRoutes of the watched namespaces; waits until the cluster's identity is known."""
    account = await Account.open()
    async with (
        KubernetesApi(account, _CONNECTIONS, fence=fence) as api,
        KubernetesApi(account, _CONNECTIONS_FOR_LEASE) as lease_api,
    ):
        echoroutes = EchoRoutes(api, gateway_class=settings.gateway_class, namespaces=settings.watch_namespaces)
        recorder = EventRecorder(api)

        async def watch(engine: Engine) -> None:
            await import_kopf()
            from echoroute.kube.watch import Watch  # noqa: PLC0415

            def deliver(raw: JsonObject, deleted: bool) -> None:
                found = EchoRouteObject.from_raw(raw)
                engine.desired.hear(
                    key_of(found),
                    found.resource_version,
                    deleted=deleted,
                    read=lambda: echoroutes.seen(raw, deleted=deleted),
                )

            await Watch(account, deliver, settings.watch_namespaces).run()

        async def version() -> str:
            return f"Kubernetes {await echoroutes.server_version()}"

        owner = settings.owner_id or owner_id(await _cluster_uid(echoroutes, waits_for), settings.gateway_class)
        announcer = KubernetesAnnouncer(recorder, _pod(settings))
        yield Home(
            name="kubernetes",
            owner=owner,
            source=echoroutes,
            announcer=announcer,
            leadership=_leadership(settings, owner, fence, lease_api, announcer),
            watch=watch,
            work=recorder.run,
            version=version,
            problems=lambda: recorder.writing.message,
            release=lambda token: _release(settings, token),
            page=None,
        )


async def import_kopf() -> None:
    """It takes up to a second, for which neither the first pass nor the event loop has to wait."""
    if _WATCH not in sys.modules:  # it is called with each run of the watch
        await asyncio.to_thread(import_module, _WATCH)
        garbage.set_aside()


def _leadership(settings: Settings, owner: str, fence: Fence, api: KubernetesApi, announcer: Announcer) -> Leadership:
    if not settings.leader_election or settings.pod_namespace is None:
        return alone(fence)
    duration = settings.lease_duration
    lease = KubernetesLeases(api, namespace=settings.pod_namespace, name=f"echoroute-{owner}", duration=duration)
    name = identity(settings.pod_name or socket.gethostname())
    return elected(Election(lease, identity=name, duration=duration, fence=fence), announcer)


class KubernetesAnnouncer(LogAnnouncer):
    """Events on the EchoRoute where it is about one, beside the log on the operator's own pod (None outside one)."""

    def __init__(self, recorder: EventRecorder, pod: Regarding | None) -> None:
        self._recorder = recorder
        self._pod = pod

    def transition(self, key: Key, uid: str, before: JsonObject, after: JsonObject, expected: bool) -> None:
        told = news(before, after, expected=expected)
        if told is not None:
            self._recorder.record(echoroute(key, uid), *told)

    def operator(self, severity: Severity, reason: str, message: str) -> None:
        super().operator(severity, reason, message)
        if self._pod is not None:
            self._recorder.record(self._pod, severity, reason, message)


def _release(settings: Settings, token: str) -> str:
    setting = f"ECHOROUTE_CONFIRM_DELETION={token}"
    if settings.pod_name is None or settings.pod_namespace is None:
        return f"start the operator with {setting}"
    # A Deployment's pods are called after it and its ReplicaSet.
    deployment = settings.pod_name.rsplit("-", 2)[0]
    return f"kubectl -n {settings.pod_namespace} set env deployment/{deployment} {setting}"


def _pod(settings: Settings) -> Regarding | None:
    if settings.pod_name is None or settings.pod_namespace is None:
        return None
    return Regarding("v1", "Pod", Key(settings.pod_namespace, settings.pod_name), settings.pod_uid)


async def _cluster_uid(echoroutes: EchoRoutes, waits_for: Callable[[str], None]) -> str:
    """The identity of the cluster, waited for: nothing can be owned before it is known."""
    backoff = Backoff(first=0.5, limit=10.0)
    reading = Trouble("identity", "the cluster's identity (uid of kube-system) cannot be read", "it can be read now")
    while True:
        try:
            uid = await echoroutes.cluster_uid()
        except KubernetesError as error:
            reading.begin(error, status=error.status)
            waits_for(str(error))
            await asyncio.sleep(backoff.next())
        else:
            reading.end()
            return uid
