"""The process: settings to parts, parts to an engine, signals, and what `/readyz` tells."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from prometheus_client import REGISTRY, Info

from echoroute.consul.client import ConsulClient
from echoroute.consul.config import ConsulConfig, base_url
from echoroute.consul.follower import MOST_CONNECTIONS, Follower
from echoroute.core.policy import Policy
from echoroute.engine.collector import EngineCollector
from echoroute.engine.engine import Engine
from echoroute.engine.options import Options
from echoroute.engine.writer.writer import Writer
from echoroute.errors import GatewayError, SourceError
from echoroute.folder.page import PATH as PAGE
from echoroute.gateway.admin_api import AdminApi
from echoroute.gateway.version import OLDEST_SUPPORTED, apisix_version
from echoroute.net.credential import Credential
from echoroute.net.fence import Fence
from echoroute.net.tls import Tls
from echoroute.run.home import Home, OpenHome
from echoroute.run.server import Address, Check, serve
from echoroute.run.settings import Settings
from echoroute.version import VERSION

log = logging.getLogger(__name__)

build_info = Info("echoroute_build", "The operator's version.")


@dataclass(slots=True)
class _Process:
    """What there is of the operator so far: `/readyz` answers from the first moment on."""

    settings: Settings
    home: Home | None = None
    engine: Engine | None = None
    waiting_for: str = "not connected yet"

    def wait_for(self, what: str) -> None:
        """Take note of why the home takes long to open."""
        self.waiting_for = what

    def page(self) -> str | None:
        """The statuses as JSON; None where the home has no page for them."""
        if self.home is None or self.home.page is None or self.engine is None:
            return None
        writer = self.engine.writer
        return self.home.page(writer.rounds.held if writer else None)

    def checks(self) -> list[Check]:
        home, engine = self.home, self.engine
        if home is None or engine is None:
            return [Check("kubernetes", ok=False, detail=self.waiting_for, gating=True)]
        lists, number, writer = engine.lists, len(engine.desired.table), engine.writer
        held = writer.rounds.held if writer else None
        return [
            Check("echoroutes-listed", ok=lists.listed, detail=f"{number} EchoRoutes", gating=True),
            _check(home.name, lists.trouble.message or home.problems()),
            home.leadership.check(),
            _check("watch", "" if engine.watching.up else engine.watching.error),
            *(_checks_of_term(writer) if writer else ()),
            self._consul(engine),
            _check("deletions", engine.origin.reading.message or held or ""),
        ]

    def _consul(self, engine: Engine) -> Check:
        if self.settings.consul_http_addr is None:
            return Check("consul", ok=True, detail="not configured")
        reachable = engine.desired.discovery.reachable
        return Check(
            "consul", ok=reachable, detail="" if reachable else "does not answer; its last answers stay in use"
        )


def _checks_of_term(writer: Writer) -> list[Check]:
    """What is known to who writes, and to no standby."""
    outage = writer.gate.outage
    return [
        _check("statuses", writer.status.writing.message),
        _check("gateway", f"{outage.reason}: {outage.message}" if outage else writer.rounds.listing.message),
    ]


def _check(name: str, trouble: str) -> Check:
    return Check(name, ok=not trouble, detail=trouble)


async def run(settings: Settings, open_home: OpenHome) -> None:
    """Run the operator on a home until SIGTERM or SIGINT. Raises `SettingsError` for what cannot work at all."""
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
        await _operate(settings, open_home)
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        log.info("stopped; the gateway goes on serving what it holds")


async def _operate(settings: Settings, open_home: OpenHome) -> None:
    process = _Process(settings)
    fence = Fence()
    async with AsyncExitStack() as stack:
        gateway = _gateway(settings, fence, lambda server: engine.desired.gateway_is(server))  # noqa: PLW0108 - made below
        stack.push_async_callback(gateway.aclose)
        server = await serve(Address.parse(settings.bind), process.checks, {PAGE: process.page})
        stack.push_async_callback(server.cleanup)
        home = process.home = await stack.enter_async_context(open_home(settings, fence, process.wait_for))
        consul = _consul(settings)
        follower: Follower | None = None
        if consul is not None:
            stack.push_async_callback(consul.aclose)
            follower = Follower(
                consul,
                on_instances=lambda service, found: engine.desired.service_answered(service, found),  # noqa: PLW0108
                on_failure=lambda service, error: engine.desired.service_failed(service, error),  # noqa: PLW0108
                on_reachable=lambda reachable: engine.desired.consul_reachable(reachable),  # noqa: PLW0108 - made below
            )
        engine = process.engine = Engine(
            options=_options(settings, home),
            source=home.source,
            gateway=gateway,
            follower=follower,
            announcer=home.announcer,
        )
        collector = EngineCollector(engine)
        REGISTRY.register(collector)
        stack.callback(REGISTRY.unregister, collector)
        log.info(
            "EchoRoute operator %s serves gateway class %r as owner %s", VERSION, settings.gateway_class, home.owner
        )
        async with asyncio.TaskGroup() as tasks:
            if home.work is not None:
                tasks.create_task(home.work(), name=home.name)
            if follower is not None:
                tasks.create_task(follower.run(), name="consul")
            # Beside the work, not before it: a gateway that hangs answers after ten seconds, or not at all.
            tasks.create_task(_tell_surroundings(home, gateway), name="surroundings")
            tasks.create_task(engine.run(lambda: home.watch(engine), home.leadership.lead), name="engine")


def _gateway(settings: Settings, fence: Fence, on_server: Callable[[str], None]) -> AdminApi:
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
        fence=fence,
        on_server=on_server,
    )


def _consul(settings: Settings) -> ConsulClient | None:
    if settings.consul_http_addr is None:
        if settings.forbidden_addresses:
            log.warning("ECHOROUTE_FORBIDDEN_ADDRESSES has no effect without CONSUL_HTTP_ADDR: addresses are not known")
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
    return ConsulClient(ConsulConfig(base_url=url, token=token, tls=tls), connections=MOST_CONNECTIONS)


def _options(settings: Settings, home: Home) -> Options:
    return Options(
        owner=home.owner,
        owner_given=settings.owner_id is not None,
        namespaces=frozenset(settings.watch_namespaces),
        policy=Policy(frozenset(settings.allow_plugins)),
        forbidden=settings.forbidden_addresses,
        confirm_deletion=settings.confirm_deletion,
        release=home.release,
        drift_interval=settings.drift_interval,
        concurrency=settings.apisix_concurrency,
    )


async def _tell_surroundings(home: Home, gateway: AdminApi) -> None:
    """Log what is around us; warns where it is older than what is supported."""
    try:
        around = await home.version()
    except SourceError:
        around = "Kubernetes of unknown version"
    try:
        server = await gateway.probe()
    except GatewayError as error:
        log.info("found %s; the gateway does not answer: %s", around, error)
        return
    version = apisix_version(server)
    if version is not None and version < OLDEST_SUPPORTED:
        log.warning("%s is older than APISIX %s, the oldest supported", server, ".".join(map(str, OLDEST_SUPPORTED)))
    log.info("found %s, gateway %s", around, server or "of unknown version")
