"""The ASGI lifespan: one line for Starlette, FastAPI and whatever else takes a lifespan of this shape."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar, overload

from consul_init.errors import SettingsError
from consul_init.log import LOGGER
from consul_init.presence import Presence
from consul_init.settings import Settings
from consul_init.signals import WrappedSignals
from consul_init.state import OnChange

App = TypeVar("App")
# None, or the mapping that becomes `request.state`: as the application's own lifespan has it.
State = TypeVar("State")


@overload
def consul_lifespan(
    *, settings: Settings | None = None, on_change: OnChange | None = None
) -> Callable[[object], AbstractAsyncContextManager[None]]: ...


@overload
def consul_lifespan(
    lifespan: Callable[[App], AbstractAsyncContextManager[State]],
    *,
    settings: Settings | None = None,
    on_change: OnChange | None = None,
) -> Callable[[App], AbstractAsyncContextManager[State]]: ...


def consul_lifespan(
    lifespan: Callable[[App], AbstractAsyncContextManager[State]] | None = None,
    *,
    settings: Settings | None = None,
    on_change: OnChange | None = None,
) -> Callable[[App], AbstractAsyncContextManager[State | None]]:
    """A lifespan that keeps the application in Consul exactly while it can serve.

    Around the application's own `lifespan`, if it has one: registered when that has started, deregistered before it
    ends. `settings` are read from the environment at startup if not given; then a missing or wrong variable is one
    error line and a SettingsError, which ends the server's startup. `on_change` is called with each new state of the
    registration and the output of Consul's check, in a thread of the library's.

    For servers that handle signals with `signal.signal` in the process that serves, as uvicorn does.
    """

    @asynccontextmanager
    async def composed(app: App) -> AsyncIterator[State | None]:
        if lifespan is None:
            async with _registered(settings, on_change):
                yield None
        else:
            async with lifespan(app) as state, _registered(settings, on_change):
                yield state

    return composed


@asynccontextmanager
async def _registered(settings: Settings | None, on_change: OnChange | None) -> AsyncIterator[None]:
    try:
        presence = Presence(Settings.from_env() if settings is None else settings, on_change=on_change)
    except SettingsError as error:
        LOGGER.error("cannot start: %s", error)  # in one line; the server shows the traceback
        raise
    stop_timeout, stop_signals = presence.settings.stop_timeout, presence.settings.stop_signals
    signals = WrappedSignals(presence, stop_timeout, presence.log, stop_signals)
    if presence.start():
        signals.install(server_handles_them=True)
    try:
        yield
    finally:
        await presence.stop_async()
        signals.remove()
