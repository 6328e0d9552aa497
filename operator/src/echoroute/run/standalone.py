"""File mode: the EchoRoutes of this process live in a folder, and it needs no Kubernetes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from echoroute.engine.engine import Engine
from echoroute.errors import SettingsError
from echoroute.folder.echoroutes import FolderEchoRoutes
from echoroute.net.fence import Fence
from echoroute.run.announce import LogAnnouncer
from echoroute.run.home import Home, OpenHome
from echoroute.run.leadership import alone
from echoroute.run.settings import Settings


def home_in(folder: Path) -> OpenHome:
    """The EchoRoutes in the manifests of a folder, which need not be there yet."""

    @asynccontextmanager
    async def opened(settings: Settings, fence: Fence, _: Callable[[str], None]) -> AsyncIterator[Home]:
        if settings.leader_election:
            raise SettingsError("ECHOROUTE_LEADER_ELECTION has no meaning with --from; run one operator on a folder")
        if settings.owner_id is None:
            raise SettingsError(
                "ECHOROUTE_OWNER_ID must be set with --from: there is no cluster to derive it from. Choose 8 hex "
                "digits that no other operator of this gateway has, such as `openssl rand -hex 4` prints, and never "
                "change them"
            )
        if settings.watch_namespaces:
            raise SettingsError(
                "ECHOROUTE_WATCH_NAMESPACES has no meaning with --from; put into the folder what to serve"
            )
        echoroutes = FolderEchoRoutes(folder, gateway_class=settings.gateway_class)

        async def watch(engine: Engine) -> None:
            await echoroutes.watch(engine.desired.offer, engine.look_soon)

        async def version() -> str:
            return f"folder {folder}"

        def page(held: str | None) -> str:
            found = echoroutes.page().model_copy(update={"deletions_held": held})
            return found.model_dump_json(by_alias=True, exclude_none=True)

        yield Home(
            name="folder",
            owner=settings.owner_id,
            source=echoroutes,
            announcer=LogAnnouncer(),
            leadership=alone(fence),
            watch=watch,
            work=None,
            version=version,
            problems=echoroutes.problems,
            release=lambda token: f"start the operator with ECHOROUTE_CONFIRM_DELETION={token}",
            page=page,
        )

    return opened
