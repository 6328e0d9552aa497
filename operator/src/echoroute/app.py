"""The process: settings to parts, parts to an engine, signals, and what `/readyz` tells."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from prometheus_client import REGISTRY, Info

from echoroute.announce import KubernetesAnnouncer
from echoroute.consul.client import ConsulClient
from echoroute.consul.config import ConsulConfig, base_url
from echoroute.consul.follower import HELD_QUERIES, Follower
from echoroute.core.objects import JsonObject, Key
from echoroute.core.ownership import owner_id
from echoroute.core.policy import Policy
from echoroute.engine.collector import RoutesCollector
from echoroute.engine.engine import Engine, Options
from echoroute.errors import GatewayError, KubernetesError
from echoroute.gateway.admin_api import AdminApi
from echoroute.gateway.version import OLDEST_SUPPORTED, apisix_version
from echoroute.kube.api import KubernetesApi
from echoroute.kube.echoroutes import EchoRoutes
from echoroute.kube.events import EventRecorder, Regarding
from echoroute.net.backoff import Backoff
from echoroute.net.credential import Credential
from echoroute.net.tls import Tls
from echoroute.server import Address, Check, serve
from echoroute.settings import Settings
from echoroute.version import VERSION

log = logging.getLogger(__name__)

_KUBERNETES_CONNECTIONS = 16

build_info = Info("echoroute_build", "The operator's version.")


@dataclass(slots=True)
class _Process:
    """What there is of the operator so far: `/readyz` answers from the first moment on."""

    settings: Settings
    engine: Engine | None = None

    def checks(self) -> list[Check]:
        engine = self.engine
        if engine is None:
            return [Check("kubernetes", ok=False, detail="not connected yet", gating=True)]
        rounds, outage = engine.rounds, engine.gate.outage
        held = rounds.held
        return [
            Check("echoroutes-listed", ok=rounds.listed, detail=f"{len(engine.table)} EchoRoutes", gating=True),
            Check("kubernetes", ok=rounds.source_error is None, detail=str(rounds.source_error or "")),
            Check("watch", ok=engine.watching, detail="" if engine.watching else "not running"),
            Check("gateway", ok=outage is None, detail=f"{outage.reason}: {outage.message}" if outage else ""),
            self._consul(engine),
            Check("deletions", ok=held is None, detail=str(held or "")),
        ]

    def _consul(self, engine: Engine) -> Check:
        if self.settings.consul_http_addr is None:
            return Check("consul", ok=True, detail="not configured")
        reachable = engine.discovery.reachable
        return Check("consul", ok=reachable, detail="" if reachable else "does not answer; its last answers stay")


async def run(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT. Raises `SettingsError` for what cannot work at all."""
    build_info.info({"version": VERSION})
    work = asyncio.current_task()
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        if work is not None:
            work.cancel()

    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop)
    try:
        await _operate(settings)
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        log.info("stopped; the gateway goes on serving what it holds")


async def _operate(settings: Settings) -> None:
    process = _Process(settings)
    async with AsyncExitStack() as stack:
        gateway = _gateway(settings)
        stack.push_async_callback(gateway.aclose)
        server = await serve(Address.parse(settings.bind), process.checks)
        stack.push_async_callback(server.cleanup)
        api = await stack.enter_async_context(KubernetesApi(_KUBERNETES_CONNECTIONS))
        echoroutes = EchoRoutes(api, gateway_class=settings.gateway_class, namespaces=settings.watch_namespaces)
        owner = settings.owner_id or owner_id(await _cluster_uid(echoroutes), settings.gateway_class)
        recorder = EventRecorder(api)
        consul = _consul(settings)
        follower: Follower | None = None
        if consul is not None:
            stack.push_async_callback(consul.aclose)
            follower = Follower(
                consul,
                on_health=lambda service, health: engine.service_answered(service, health.healthy, health.total),
                on_reachable=lambda reachable: engine.consul_reachable(reachable),  # noqa: PLW0108 - made below
            )
        engine = process.engine = Engine(
            options=_options(settings, owner),
            source=echoroutes,
            gateway=gateway,
            follower=follower,
            announcer=KubernetesAnnouncer(recorder, _pod(settings)),
        )
        collector = RoutesCollector(engine.table)
        REGISTRY.register(collector)
        stack.callback(REGISTRY.unregister, collector)
        log.info("EchoRoute operator %s serves gateway class %r as owner %s", VERSION, settings.gateway_class, owner)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(recorder.run(), name="events")
            if follower is not None:
                tasks.create_task(follower.run(), name="consul")
            # Beside the work, not before it: a gateway that hangs answers after ten seconds, or not at all.
            tasks.create_task(_tell_surroundings(echoroutes, gateway), name="surroundings")
            tasks.create_task(engine.run(_watch(engine, echoroutes, settings)), name="engine")


def _watch(engine: Engine, echoroutes: EchoRoutes, settings: Settings) -> Callable[[], Awaitable[None]]:
    async def watch() -> None:
        # kopf takes a second to import, which the first pass need not wait for.
        from echoroute.kube.watch import Watch  # noqa: PLC0415

        def deliver(raw: JsonObject, deleted: bool) -> None:
            engine.offer(echoroutes.seen(raw, deleted=deleted), deleted=deleted)

        await Watch(deliver, settings.watch_namespaces).run()

    return watch


def _gateway(settings: Settings) -> AdminApi:
    secret = settings.apisix_admin_key
    if settings.apisix_admin_key_file is not None:
        key = Credential("ECHOROUTE_APISIX_ADMIN_KEY_FILE", file=settings.apisix_admin_key_file)
    else:
        key = Credential("ECHOROUTE_APISIX_ADMIN_KEY", value=secret.get_secret_value() if secret else "")
    return AdminApi(
        settings.apisix_admin_url,
        key,
        tls=Tls(ca_file=settings.apisix_ca_file),
        concurrency=settings.apisix_concurrency,
        max_writes_per_second=settings.apisix_max_writes_per_second,
    )


def _consul(settings: Settings) -> ConsulClient | None:
    if settings.consul_http_addr is None:
        return None
    token: Credential | None = None
    if settings.consul_http_token_file is not None:
        token = Credential("CONSUL_HTTP_TOKEN_FILE", file=settings.consul_http_token_file)
    elif settings.consul_http_token is not None:
        token = Credential("CONSUL_HTTP_TOKEN", value=settings.consul_http_token.get_secret_value())
    tls = Tls(
        ca_file=settings.consul_cacert,
        ca_path=settings.consul_capath,
        client_cert=settings.consul_client_cert,
        client_key=settings.consul_client_key,
        server_name=settings.consul_tls_server_name,
        verify=settings.consul_http_ssl_verify,
    )
    url = base_url(settings.consul_http_addr, ssl=settings.consul_http_ssl)
    # One beside the held queries: the probe that finds out whether Consul is back.
    return ConsulClient(ConsulConfig(base_url=url, token=token, tls=tls), connections=HELD_QUERIES + 1)


def _options(settings: Settings, owner: str) -> Options:
    return Options(
        owner=owner,
        policy=Policy(frozenset(settings.allow_plugins)),
        confirm_deletion=settings.confirm_deletion,
        drift_interval=settings.drift_interval,
        concurrency=settings.apisix_concurrency,
    )


def _pod(settings: Settings) -> Regarding | None:
    if settings.pod_name is None or settings.pod_namespace is None:
        return None
    return Regarding("v1", "Pod", Key(settings.pod_namespace, settings.pod_name), settings.pod_uid)


async def _cluster_uid(echoroutes: EchoRoutes) -> str:
    """The identity of the cluster, waited for: nothing can be owned before it is known."""
    backoff = Backoff(first=0.5, limit=10.0)
    told = 0
    while True:
        try:
            return await echoroutes.cluster_uid()
        except KubernetesError as error:
            if error.status != told or not told:
                log.error("the cluster's identity (uid of kube-system) cannot be read, trying on: %s", error)  # noqa: TRY400
            told = error.status or -1
            await asyncio.sleep(backoff.next())


async def _tell_surroundings(echoroutes: EchoRoutes, gateway: AdminApi) -> None:
    """Log what is around us; warns where it is older than what is supported."""
    try:
        kubernetes = await echoroutes.server_version()
    except KubernetesError:
        kubernetes = "unknown"
    try:
        server = await gateway.probe()
    except GatewayError as error:
        log.info("found Kubernetes %s; the gateway does not answer: %s", kubernetes, error)
        return
    version = apisix_version(server)
    if version is not None and version < OLDEST_SUPPORTED:
        log.warning("%s is older than APISIX %s, the oldest supported", server, ".".join(map(str, OLDEST_SUPPORTED)))
    log.info("found Kubernetes %s, gateway %s", kubernetes, server or "of unknown version")
